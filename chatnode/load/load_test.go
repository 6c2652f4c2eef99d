package load

import (
	"testing"
	"time"
)

func TestRateIsGrowthPerSecond(t *testing.T) {
	var m Meter
	start := time.Unix(1000, 0)
	for _, step := range []struct {
		after time.Duration
		count uint64
		want  float64
	}{
		{0, 100, 0},
		{time.Second, 150, 0}, // too soon to tell
		{2 * time.Second, 300, 100},
		{3 * time.Second, 900, 100},
		{4 * time.Second, 300, 0},
	} {
		if got := m.Rate(start.Add(step.after), step.count); got != step.want {
			t.Errorf("after %v: %v per second, want %v", step.after, got, step.want)
		}
	}
}
