// Command benchratio reads the output of go test -bench -benchmem and prints the
// ratio of each benchmark to its floor: the same work without this library, measured
// in the same run. If a benchmark ran several times, its median counts.
//
// The floor of BenchmarkX is BenchmarkFloor of its package. If there are several, it
// is the BenchmarkFloorWord or BenchmarkWordFloor with the longest word that X
// contains. The floor of X/case is the floor's /case, if it has one.
//
// A benchmark promises a maximum ratio by reporting it after its loop:
//
//	b.ReportMetric(2, "max-ratio")
//
// Ratios of short runs on a shared machine vary, so the exit status is 1 only if a
// ratio exceeds its promise by more than 25 %. A ratio above the promise but within
// that margin is marked in the table.
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
