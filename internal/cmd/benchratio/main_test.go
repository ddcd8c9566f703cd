package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

const head = "goos: linux\npkg: example.com/m/signing\n"

func TestRun(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{
			"median of an odd and of an even number of runs",
			head + "BenchmarkSign-2 \t 10 \t 300 ns/op \t 0 B/op \t 2 allocs/op\n" +
				"BenchmarkSign-2 \t 10 \t 100 ns/op \t 0 B/op \t 2 allocs/op\n" +
				"BenchmarkSign-2 \t 10 \t 9000 ns/op \t 0 B/op \t 2 allocs/op\n" +
				"BenchmarkFloor-2 \t 10 \t 90 ns/op\n" +
				"BenchmarkFloor-2 \t 10 \t 110 ns/op\n",
			"signing.Sign | 300.0 | 100.0       | 3.00  | -       | 2",
		},
		{
			"case with the same case of the floor",
			head + "BenchmarkSign/GET-2 1 30 ns/op\nBenchmarkSign/POST-2 1 80 ns/op\n" +
				"BenchmarkFloor/GET-2 1 10 ns/op\nBenchmarkFloor/POST-2 1 20 ns/op\n",
			"signing.Sign/GET  | 30.0  | 10.0        | 3.00  | -       | -\n" +
				"signing.Sign/POST | 80.0  | 20.0        | 4.00  | -       | -",
		},
		{
			"case with a floor without cases",
			head + "BenchmarkSign/GET 1 30 ns/op\nBenchmarkFloor 1 10 ns/op\n",
			"signing.Sign/GET | 30.0  | 10.0        | 3.00  | -       | -",
		},
		{
			"longest word of the name",
			head + "BenchmarkVerifyBody 1 30 ns/op\nBenchmarkSign 1 30 ns/op\nBenchmarkSignFloor 1 20 ns/op\nBenchmarkNew 1 30 ns/op\n" +
				"BenchmarkFloor 1 10 ns/op\nBenchmarkFloorBody 1 15 ns/op\n",
			"signing.VerifyBody | 30.0  | 15.0        | 2.00  | -       | -\n" +
				"signing.Sign       | 30.0  | 20.0        | 1.50  | -       | -\n" +
				"signing.New        | 30.0  | 10.0        | 3.00  | -       | -",
		},
		{
			"same case before a floor without cases",
			head + "BenchmarkSign/GET 1 30 ns/op\nBenchmarkFloor 1 10 ns/op\nBenchmarkFloor/GET 1 15 ns/op\nBenchmarkB 1 30 ns/op\n",
			"signing.Sign/GET | 30.0  | 15.0        | 2.00  | -       | -\n" +
				"signing.B        | 30.0  | 10.0        | 3.00  | -       | -",
		},
		{
			"floor of another package",
			head + "BenchmarkSign 1 30 ns/op\npkg: example.com/m/auth\nBenchmarkA 1 40 ns/op\nBenchmarkFloor 1 20 ns/op\n",
			"signing.Sign | 30.0  | -           | -     | -       | -\n" +
				"auth.A       | 40.0  | 20.0        | 2.00  | -       | -",
		},
		{
			"promise kept",
			head + "BenchmarkSign 1 30 ns/op 3 max-ratio\nBenchmarkFloor 1 10 ns/op\n",
			"signing.Sign | 30.0  | 10.0        | 3.00  | 3.00    | -",
		},
		{
			"promise exceeded within the noise margin",
			head + "BenchmarkSign 1 37.4 ns/op 3 max-ratio\nBenchmarkFloor 1 10 ns/op\n",
			"signing.Sign | 37.4  | 10.0        | 3.74  | 3.00 exceeded | -",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			err := run(strings.NewReader(tt.in), &out)
			_, lines, _ := strings.Cut(out.String(), "\n")
			if got := strings.TrimSpace(lines); err != nil || got != tt.want {
				t.Errorf("run(%q) = error %v, printed\n%s\nwant\n%s", tt.in, err, got, tt.want)
			}
		})
	}
}

func TestRun_Errors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no benchmark", head + "PASS\n", "no benchmarks in the input"},
		{"promise broken", head + "BenchmarkSign 1 37.6 ns/op 3 max-ratio\nBenchmarkFloor 1 10 ns/op\n",
			"signing.Sign: ratio 3.76 exceeds the promised 3.00 by more than 25 %"},
		{"promise without a floor", head + "BenchmarkSign 1 31 ns/op 3 max-ratio\n",
			"signing.Sign promises a ratio and has no floor"},
		{"floor without a benchmark", head + "BenchmarkSign 1 31 ns/op\nBenchmarkFloorSing 1 10 ns/op\n",
			"signing.FloorSing is the floor of no benchmark"},
		{"value without a unit", head + "BenchmarkSign 1 31 ns/op 5\n", "a value has no unit"},
		{"value that is not a number", head + "BenchmarkSign 1 fast ns/op\n", `parsing "fast"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if err := run(strings.NewReader(tt.in), &out); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run(%q) = %v, want %q", tt.in, err, tt.want)
			}
		})
	}
}

func TestRun_IoErrors(t *testing.T) {
	failure := errors.New("disk full")
	if err := run(iotest.ErrReader(failure), &strings.Builder{}); !errors.Is(err, failure) {
		t.Errorf("run(broken input) = %v, want %v", err, failure)
	}
	in := strings.NewReader(head + "BenchmarkSign 1 31 ns/op\n")
	if err := run(in, failingWriter{failure}); !errors.Is(err, failure) {
		t.Errorf("run(broken output) = %v, want %v", err, failure)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func FuzzParse(f *testing.F) {
	f.Add(head + "BenchmarkSign/GET-2 \t 10 \t 300 ns/op \t 2 allocs/op\n")
	f.Add("Benchmark/-1 1 1 1 NaN ns/op\n")
	f.Fuzz(func(t *testing.T, in string) {
		results, err := parse(strings.NewReader(in))
		if (err == nil) == (len(results) == 0) {
			t.Errorf("parse(%q) = %d results, error %v, want one or the other", in, len(results), err)
		}
	})
}
