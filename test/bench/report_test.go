package bench

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTableSetsSystemsSideBySide(t *testing.T) {
	now := result{Figures: map[string]map[string]float64{
		"ack-p50-ms": {ours: 1, peer: 2, limit: 0.5},
		"messages/s": {ours: 12345},
	}}
	before := &result{Figures: map[string]map[string]float64{"ack-p50-ms": {ours: 4}}}
	var out strings.Builder
	if err := writeTable(&out, now, before); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{"send → ack, p50, ms 1.00 2.00 0.50 0.50 2.00 4.00 0.25", "acknowledged messages a second 12345 – – – – – –"} {
		got := strings.Join(strings.Fields(lines[len(lines)-2+i]), " ")
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTitlesFitTheTable(t *testing.T) {
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.title); n > titleWidth {
			t.Errorf("%q has %d characters, the table has place for %d", r.title, n, titleWidth)
		}
	}
}

func TestStatMayHoldAnyCommand(t *testing.T) {
	stat := "12 (a) R (b) S 1 12 12 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 5 0 1000 1000 10"
	used, err := parseStat([]byte(stat))
	if err != nil || used != 2*time.Second {
		t.Errorf("got %v, %v; want 2s", used, err)
	}
	if _, err := parseStat([]byte("12 (a) R")); err == nil {
		t.Error("a cut status is no error")
	}
}

func TestOwnProcessUsesMemory(t *testing.T) {
	bytes, err := residentBytes(os.Getpid())
	if err != nil || bytes < 1<<20 {
		t.Errorf("got %d bytes, %v", bytes, err)
	}
}

func TestPercentileIsOneOfTheTimes(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(i+1))
	}
	for percent, want := range map[int]time.Duration{50: 50, 99: 99, 100: 100} {
		if got := percentile(times, percent); got != want {
			t.Errorf("p%d is %d, want %d", percent, got, want)
		}
	}
	if got := percentile(times[:1], 99); got != 1 {
		t.Errorf("p99 of one is %d", got)
	}
}
