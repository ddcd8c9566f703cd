package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"
)

// noiseMargin is how far a ratio may exceed its promise before it counts as broken.
const noiseMargin = 1.25

// ratio is a benchmark with its floor.
type ratio struct {
	name         string
	nanoseconds  float64
	floor        float64 // nanoseconds; 0 if there is none
	promise      float64 // the maximum ratio; 0 if there is none
	allocs       float64
	countsAllocs bool
}

func (r ratio) value() float64 { return r.nanoseconds / r.floor }

// exceeds reports whether the ratio is above its promise multiplied by margin.
func (r ratio) exceeds(margin float64) bool {
	return r.floor > 0 && r.promise > 0 && r.value() > r.promise*margin
}

// compare finds the floor of each benchmark. A floor without a benchmark, or a
// promise without a floor, is an error: a name is misspelled and something is not
// compared.
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
		line.promise, _ = r.median("max-ratio")
		line.allocs, line.countsAllocs = r.median("allocs/op")
		if floor, ok := floorOf(r, results); ok {
			line.floor, _ = floor.median("ns/op")
			used[title(floor)] = true
		} else if line.promise > 0 {
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

// floorOf returns the floor with the longest word in the benchmark's name. Its case
// of the same name takes precedence over the floor without cases.
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

// floorWord returns the name of a floor without "Floor".
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
	fmt.Fprintln(table, "benchmark\t| ns/op\t| floor ns/op\t| ratio\t| promise\t| allocs/op")
	for _, r := range ratios {
		floor, value, promise, allocs := "-", "-", "-", "-"
		if r.floor > 0 {
			floor, value = fmt.Sprintf("%.1f", r.floor), fmt.Sprintf("%.2f", r.value())
		}
		if r.promise > 0 {
			promise = fmt.Sprintf("%.2f", r.promise)
		}
		switch {
		case r.exceeds(noiseMargin):
			promise += " broken"
		case r.exceeds(1):
			promise += " exceeded"
		}
		if r.countsAllocs {
			allocs = fmt.Sprintf("%.0f", r.allocs)
		}
		fmt.Fprintf(table, "%s\t| %.1f\t| %s\t| %s\t| %s\t| %s\n", r.name, r.nanoseconds, floor, value, promise, allocs)
	}
	return table.Flush()
}

// broken returns an error for each ratio that exceeds its promise by more than the
// noise margin.
func broken(ratios []ratio) error {
	var errs []error
	for _, r := range ratios {
		if r.exceeds(noiseMargin) {
			errs = append(errs, fmt.Errorf("%s: ratio %.2f exceeds the promised %.2f by more than %.0f %%", r.name, r.value(), r.promise, 100*(noiseMargin-1)))
		}
	}
	return errors.Join(errs...)
}
