package bench

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	var err error
	if size, err = readSizes(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	start, err := readMachineTime()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := m.Run()
	if len(measured.values) > 0 {
		if err := report(os.Stdout, size, start, &measured); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// each runs a measurement on every system, each in a fresh process.
func each(b *testing.B, measure func(b *testing.B, s *server)) {
	for _, system := range systems {
		b.Run(system.name, func(b *testing.B) {
			s := system.start(b)
			measure(b, s)
			b.ReportMetric(0, "ns/op") // leaves the line without it
		})
	}
}

// must ends the benchmark unless err is nil.
func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// perUnit is the CPU time that each of n things took, in microseconds.
func perUnit(b *testing.B, m meter, n int64) float64 {
	b.Helper()
	used, _, err := m.read()
	must(b, err)
	if n == 0 {
		b.Fatal("nothing happened")
	}
	return float64(used.Microseconds()) / float64(n)
}
