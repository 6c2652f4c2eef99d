package operator

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// settings are the sizes of one measurement, from the environment.
type settings struct {
	clusters   int           // BENCH_CLUSTERS
	namespaces int           // BENCH_NAMESPACES they are spread over
	idle       time.Duration // BENCH_IDLE, how long nothing happens
	edits      int           // BENCH_EDITS
	auditLog   string        // BENCH_AUDIT_LOG of the API server
	binaries   string        // CHATFLEET_KUBE_BIN, where kwok is
	binary     string        // BENCH_OPERATOR, the operator
}

func settingsOf(tb testing.TB) settings {
	s := settings{auditLog: os.Getenv("BENCH_AUDIT_LOG"), binaries: os.Getenv("CHATFLEET_KUBE_BIN"), binary: os.Getenv("BENCH_OPERATOR")}
	if os.Getenv("KUBECONFIG") == "" || s.auditLog == "" || s.binaries == "" || s.binary == "" {
		tb.Skip("NOT MEASURED: needs the local cluster; run `make bench-operator`")
	}
	s.clusters, s.namespaces, s.edits = number(tb, "BENCH_CLUSTERS", 1000), number(tb, "BENCH_NAMESPACES", 20), number(tb, "BENCH_EDITS", 200)
	s.idle = 5 * time.Minute
	if text := os.Getenv("BENCH_IDLE"); text != "" {
		idle, err := time.ParseDuration(text)
		if err != nil {
			tb.Fatalf("BENCH_IDLE: %v", err)
		}
		s.idle = idle
	}
	return s
}

func number(tb testing.TB, name string, fallback int) int {
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("%s is %q, want a number above 0", name, text)
	}
	return n
}
