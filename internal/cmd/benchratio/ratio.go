package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
)

// ratio is a benchmark beside its floor.
type ratio struct {
	name         string
	nanoseconds  float64
	floor        float64 // nanoseconds; 0 when there is none
	limit        float64 // the largest ratio promised; 0 when none is
	allocs       float64
	countsAllocs bool
}

// compare finds the floor of each benchmark. A floor without a benchmark, or a
// promise without a floor, is an error: a name is misspelt, and something goes
// uncompared.
func compare(results []result) ([]ratio, error) {
	var ratios []ratio
	var errs []error
	used := map[string]bool{}
	for _, r := range results {
		if _, isFloor := floorWord(r.name); isFloor {
			continue
		}
		line := ratio{name: title(r)}
		line.nanoseconds, _ = r.median("ns/op")
		line.limit, _ = r.median("max-ratio")
		line.allocs, line.countsAllocs = r.median("allocs/op")
		if floor, ok := floorOf(r, results); ok {
			line.floor, _ = floor.median("ns/op")
			used[title(floor)] = true
		} else if line.limit > 0 {
			errs = append(errs, fmt.Errorf("%s promises a ratio and has no floor", line.name))
		}
		ratios = append(ratios, line)
	}
	for _, r := range results {
		if _, isFloor := floorWord(r.name); isFloor && !used[title(r)] {
			errs = append(errs, fmt.Errorf("%s is the floor of no benchmark", title(r)))
		}
	}
	return ratios, errors.Join(errs...)
}

// floorOf is the floor with the longest word in the benchmark's name; of its
// cases, the one of the same name or else the one without a name.
func floorOf(r result, results []result) (result, bool) {
	var best result
	found := false
	for _, candidate := range results {
		word, isFloor := floorWord(candidate.name)
		fits := isFloor && candidate.pkg == r.pkg && strings.Contains(r.name, word) &&
			(candidate.sub == r.sub || candidate.sub == "")
		if fits && (!found || len(candidate.name) > len(best.name) ||
			len(candidate.name) == len(best.name) && candidate.sub == r.sub) {
			best, found = candidate, true
		}
	}
	return best, found
}

// floorWord is what a floor's name says beside Floor.
func floorWord(name string) (word string, isFloor bool) {
	if word, isFloor = strings.CutPrefix(name, "Floor"); isFloor {
		return word, true
	}
	return strings.CutSuffix(name, "Floor")
}

func title(r result) string {
	return strings.TrimSuffix(path.Base(r.pkg)+"."+r.name+"/"+r.sub, "/")
}

func printTable(out io.Writer, ratios []ratio) error {
	table := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "benchmark\t| ns/op\t| floor ns/op\t| ratio\t| limit\t| allocs/op")
	for _, r := range ratios {
		floor, quotient, limit, allocs := "-", "-", "-", "-"
		if r.floor > 0 {
			floor, quotient = fmt.Sprintf("%.1f", r.floor), fmt.Sprintf("%.2f", r.nanoseconds/r.floor)
		}
		if r.limit > 0 {
			limit = fmt.Sprintf("%.2f", r.limit)
		}
		if r.countsAllocs {
			allocs = fmt.Sprintf("%.0f", r.allocs)
		}
		fmt.Fprintf(table, "%s\t| %.1f\t| %s\t| %s\t| %s\t| %s\n", r.name, r.nanoseconds, floor, quotient, limit, allocs)
	}
	return table.Flush()
}

// broken is what promised a ratio and is above it.
func broken(ratios []ratio) error {
	var errs []error
	for _, r := range ratios {
		if r.floor > 0 && r.limit > 0 && r.nanoseconds > r.limit*r.floor {
			errs = append(errs, fmt.Errorf("%s costs %.2f times its floor, promised is at most %.2f", r.name, r.nanoseconds/r.floor, r.limit))
		}
	}
	return errors.Join(errs...)
}
