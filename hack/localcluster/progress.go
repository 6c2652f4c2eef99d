package main

import (
	"fmt"
	"os"
	"time"
)

// progress prints the steps of something long, each with the time it took; to the standard error, for the output is for results.
type progress struct{ start time.Time }

func newProgress() *progress { return &progress{start: time.Now()} }

// step does one thing and prints its name before and its time after.
func (p *progress) step(name string, do func() error) error {
	began := time.Now()
	fmt.Fprintf(os.Stderr, "%-44s", name+" ...")
	err := do()
	if err != nil {
		fmt.Fprintf(os.Stderr, "failed after %s\n", seconds(time.Since(began)))
		return err
	}
	fmt.Fprintf(os.Stderr, "%6s   (at %s)\n", seconds(time.Since(began)), seconds(time.Since(p.start)))
	return nil
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// ticker calls f no more often than each interval.
func ticker(interval time.Duration, f func(done int, what string)) func(done int, what string) {
	var last time.Time
	return func(done int, what string) {
		if time.Since(last) >= interval {
			last = time.Now()
			f(done, what)
		}
	}
}
