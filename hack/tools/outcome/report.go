package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
}

// report tells packages apart, as several are tested at once.
type report struct {
	out  io.Writer
	all  bool
	open map[string]*spoken // by package
	// skipped are lines of a package, a test and its reason.
	skipped []string
	err     error // the first of writing
}

// spoken is what a package that has not ended has said.
type spoken struct {
	whole bytes.Buffer
	// last is what the package itself said last, which is its result once it has ended.
	last string
	// tests are what each test that has not ended has said.
	tests   map[string]*strings.Builder
	skipped []string
}

func newReport(out io.Writer, all bool) *report {
	return &report{out: out, all: all, open: map[string]*spoken{}}
}

// read takes events until there are no more. What a package said that never ended is told too.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err != nil {
			for _, name := range slices.Sorted(maps.Keys(r.open)) {
				r.end(name, false)
			}
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("read the events: %w", err)
			}
			return r.err
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		r.print(string(line))
		return
	}
	switch {
	case e.Action == "build-output" || e.Package == "":
		r.print(e.Output)
	case e.Action == "output":
		r.output(e)
	case e.Test == "" && (e.Action == "pass" || e.Action == "skip" || e.Action == "fail"):
		r.end(e.Package, e.Action != "fail")
	case e.Action == "skip":
		r.skip(e)
	case e.Action == "pass" || e.Action == "fail":
		delete(r.of(e.Package).tests, e.Test)
	}
}

func (r *report) of(name string) *spoken {
	s := r.open[name]
	if s == nil {
		s = &spoken{tests: map[string]*strings.Builder{}}
		r.open[name] = s
	}
	return s
}

func (r *report) output(e event) {
	s := r.of(e.Package)
	if r.all {
		r.print(e.Output)
	} else {
		s.whole.WriteString(e.Output)
	}
	if e.Test == "" {
		s.last = e.Output
		return
	}
	said := s.tests[e.Test]
	if said == nil {
		said = &strings.Builder{}
		s.tests[e.Test] = said
	}
	said.WriteString(e.Output)
}

// skip keeps the reason: all that the test said, without the lines that frame it.
func (r *report) skip(e event) {
	s := r.of(e.Package)
	reason := "it gives no reason"
	if said := s.tests[e.Test]; said != nil {
		var parts []string
		for line := range strings.Lines(said.String()) {
			line = strings.Join(strings.Fields(line), " ")
			if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- SKIP: ") {
				parts = append(parts, line)
			}
		}
		if len(parts) > 0 {
			reason = strings.Join(parts, " ")
		}
	}
	delete(s.tests, e.Test)
	s.skipped = append(s.skipped, e.Test+": "+reason)
}

// end tells of a package: its result if it went well, everything otherwise.
func (r *report) end(name string, well bool) {
	s := r.of(name)
	delete(r.open, name)
	switch {
	case r.all: // told already
	case well:
		r.print(s.last)
	default:
		r.print(s.whole.String())
	}
	for _, skipped := range s.skipped {
		r.print("    --- SKIP: " + skipped + "\n")
		r.skipped = append(r.skipped, name+" "+skipped)
	}
}

func (r *report) print(text string) {
	if _, err := io.WriteString(r.out, text); err != nil && r.err == nil {
		r.err = fmt.Errorf("say how the tests went: %w", err)
	}
}
