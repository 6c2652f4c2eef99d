package process

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// recorder is a test whose verdict is read instead of shown.
type recorder struct {
	testing.TB
	verdict  strings.Builder
	failed   bool
	cleanups []func()
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Failed() bool     { return r.failed }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed = true
	r.Logf(format, args...)
}
func (r *recorder) Logf(format string, args ...any) {
	fmt.Fprintf(&r.verdict, format+"\n", args...)
}

func TestCleanupJudgesTheProgram(t *testing.T) {
	tests := []struct {
		name    string
		script  string
		act     func(*program)
		verdict []string // what the test's output must hold; nothing: it passes
	}{
		{"killed by the test", "exec sleep 1000", (*program).Kill, nil},
		{"left running", "exec sleep 1000", func(*program) {}, nil},
		{"ended by itself", "echo out of memory; exit 3", func(p *program) { <-p.gone() },
			[]string{"ended by itself: exit status 3", "out of memory"}},
		{"raced", "echo WARNING: DATA RACE; exec sleep 1000",
			func(p *program) { waitForLog(t, p, "RACE") }, []string{"has a data race"}},
		{"fails when stopped", "trap 'exit 4' TERM; echo armed; while :; do sleep 0.01; done",
			func(p *program) { waitForLog(t, p, "armed"); p.Stop() }, []string{"stop victim: exit status 4"}},
		{"paused", "exec sleep 1000", (*program).Pause, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			judge := &recorder{TB: t}
			p := newProgram(judge, "victim", "/bin/sh")
			p.args = []string{"-c", test.script}
			if err := p.start(); err != nil {
				t.Fatal(err)
			}
			test.act(p)
			for _, cleanup := range judge.cleanups {
				cleanup()
			}
			if p.Running() {
				t.Error("it runs after the cleanup")
			}
			if judge.failed != (test.verdict != nil) {
				t.Errorf("failed: %v\n%s", judge.failed, judge.verdict.String())
			}
			for _, part := range test.verdict {
				if !strings.Contains(judge.verdict.String(), part) {
					t.Errorf("no %q in:\n%s", part, judge.verdict.String())
				}
			}
		})
	}
}

func TestReservedPortsAreDistinct(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		port := reservePort(t)
		if seen[port] {
			t.Fatalf("port %d came twice", port)
		}
		seen[port] = true
	}
}

func TestLongLogIsCutAtALine(t *testing.T) {
	log := strings.Repeat("a line of the log\n", 2000)
	end := string(tail([]byte(log)))
	if len(end) > logTail || !strings.HasPrefix(end, "a line") || !strings.HasSuffix(log, end) {
		t.Fatalf("tail has %d bytes and starts with %.20q", len(end), end)
	}
}

func waitForLog(t *testing.T, p *program, part string) {
	t.Helper()
	err := until(t.Context(), p.gone(), func(context.Context) error {
		if strings.Contains(p.Log(), part) {
			return nil
		}
		return fmt.Errorf("no %q in the log", part)
	})
	if err != nil {
		t.Fatal(err)
	}
}
