package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// result is one benchmark with all its runs.
type result struct {
	pkg, name, sub string               // BenchmarkName/sub of the package
	values         map[string][]float64 // by unit, one per run
}

// median returns the median of the unit's values, and reports whether the benchmark
// has any.
func (r result) median(unit string) (float64, bool) {
	values := slices.Sorted(slices.Values(r.values[unit]))
	if len(values) == 0 {
		return 0, false
	}
	upper, lower := values[len(values)/2], values[(len(values)-1)/2]
	return (upper + lower) / 2, true
}

// benchmarkLine matches BenchmarkName/sub-8, the iterations, and pairs of a value and
// a unit. Source: the Go benchmark data format, go.dev/design/14313-benchmark-format.
var benchmarkLine = regexp.MustCompile(`^Benchmark([^/\s]+?)(?:/(\S+?))?(?:-\d+)?\s+\d+\s+(.+)$`)

func parse(in io.Reader) ([]result, error) {
	var results []result
	var pkg string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "pkg: "); ok {
			pkg = name
			continue
		}
		match := benchmarkLine.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		i := slices.IndexFunc(results, func(r result) bool {
			return r.pkg == pkg && r.name == match[1] && r.sub == match[2]
		})
		if i < 0 {
			i = len(results)
			results = append(results, result{pkg, match[1], match[2], map[string][]float64{}})
		}
		if err := addValues(results[i].values, strings.Fields(match[3])); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read benchmarks: %w", err)
	}
	if len(results) == 0 {
		return nil, errors.New("no benchmarks in the input")
	}
	return results, nil
}

func addValues(values map[string][]float64, fields []string) error {
	if len(fields)%2 != 0 {
		return errors.New("a value has no unit")
	}
	for pair := range slices.Chunk(fields, 2) {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return err
		}
		values[pair[1]] = append(values[pair[1]], value)
	}
	return nil
}
