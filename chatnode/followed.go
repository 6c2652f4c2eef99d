package main

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// fileCheck is how often, at most, followed files are looked at.
const fileCheck = 2 * time.Second

// followed is what was read from files, and is read again after they have changed. What can't be read leaves the last value in use.
type followed[T any] struct {
	what  string // for people
	files []string
	read  func() (T, error)
	log   *slog.Logger

	mu      sync.Mutex
	value   T
	changed []time.Time
	checked time.Time
}

// follow reads the files for the first time.
func follow[T any](what string, read func() (T, error), log *slog.Logger, files ...string) (*followed[T], error) {
	f := &followed[T]{what: what, files: files, read: read, log: log}
	changed, err := f.times()
	if err != nil {
		return nil, fmt.Errorf("look at the %s: %w", what, err)
	}
	return f, f.load(changed)
}

// load needs mu, once others know f.
func (f *followed[T]) load(changed []time.Time) error {
	value, err := f.read()
	if err != nil {
		return fmt.Errorf("read the %s: %w", f.what, err)
	}
	f.value, f.changed = value, changed
	return nil
}

func (f *followed[T]) times() (times []time.Time, err error) {
	for _, file := range f.files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		times = append(times, info.ModTime())
	}
	return times, nil
}

// current is the value, at most fileCheck old if anybody asks.
func (f *followed[T]) current() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.checked) <= fileCheck {
		return f.value
	}
	f.checked = now
	changed, err := f.times()
	if err == nil && slices.EqualFunc(changed, f.changed, time.Time.Equal) {
		return f.value
	}
	if err == nil {
		err = f.load(changed)
	}
	if err != nil {
		f.log.Error("keep the old "+f.what, "error", err)
	} else {
		f.log.Info("read the new " + f.what)
	}
	return f.value
}
