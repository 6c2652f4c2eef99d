package main

import "testing"

func TestBurstLetsSomethingThroughAtLowRates(t *testing.T) {
	for perSecond, want := range map[float64]int{0: 0, 0.1: 1, 0.4: 1, 1: 2, 1.2: 3, 20: 40} {
		if got := burst(perSecond); got != want {
			t.Errorf("%v a second: %d at once, want %d", perSecond, got, want)
		}
	}
}
