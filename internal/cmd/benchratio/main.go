// Command benchratio reads the output of go test -bench -benchmem and prints
// what each benchmark costs in units of its floor: the least that any
// implementation must spend, measured in the same run. Several runs (-count)
// become their median.
//
// The floor of BenchmarkX is BenchmarkFloor of its package. Where there are
// several, it is the BenchmarkFloorWord or BenchmarkWordFloor with the longest
// word that X contains. The floor of X/case is the floor's /case, if it has one.
//
// A benchmark that promises to stay below a ratio reports the promise after its
// loop, b.ReportMetric(2, "max-ratio"), and a broken promise is exit status 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchratio:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	results, err := parse(in)
	if err != nil {
		return err
	}
	ratios, mismatched := compare(results)
	if err := printTable(out, ratios); err != nil {
		return err
	}
	return errors.Join(mismatched, broken(ratios))
}
