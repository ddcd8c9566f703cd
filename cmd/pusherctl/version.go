package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/pusher"
)

func (t *tool) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  pusherctl version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version := struct {
				Version string `json:"version"`
				Commit  string `json:"commit,omitempty"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{pusher.Version, commit(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			if t.json {
				return t.printJSON(version)
			}
			return t.printf("pusherctl %s (%s, %s)", version.Version, version.Go, version.System)
		},
	}
}

// commit returns the commit that the program was built from, or "".
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, one := range info.Settings {
		if one.Key == "vcs.revision" {
			return one.Value
		}
	}
	return ""
}
