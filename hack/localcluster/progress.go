package main

import (
	"fmt"
	"os"
	"time"
)

// progress prints the steps of something long, each with the time it took; to the standard error, for the output is for results.
type progress struct {
	start time.Time
	began time.Time // of the step
	noted bool      // something was printed since the step's name
}

func newProgress() *progress { return &progress{start: time.Now()} }

// step does one thing and prints its name before and its time after.
func (p *progress) step(name string, do func() error) error {
	const title = "%-44s"
	p.began = time.Now()
	fmt.Fprintf(os.Stderr, title, name+" ...")
	p.noted = false
	err := do()
	if p.noted {
		fmt.Fprintf(os.Stderr, title, name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "failed after %s\n", seconds(time.Since(p.began)))
		return err
	}
	fmt.Fprintf(os.Stderr, "%6s   (at %s)\n", seconds(time.Since(p.began)), seconds(time.Since(p.start)))
	return nil
}

// note prints a line amid a step.
func (p *progress) note(text string) {
	if !p.noted {
		fmt.Fprintln(os.Stderr)
	}
	p.noted = true
	fmt.Fprintln(os.Stderr, "  "+text)
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

// patience gives a function that prints now and then what a step waits for.
func (p *progress) patience() func(why error) {
	tell := ticker(15*time.Second, func(_ int, why string) {
		if since := time.Since(p.began); since > 10*time.Second {
			p.note(fmt.Sprintf("%6s  waiting: %s", seconds(since), why))
		}
	})
	return func(why error) { tell(0, why.Error()) }
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
