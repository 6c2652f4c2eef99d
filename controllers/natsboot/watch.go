package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxWatched bounds what is read of one file, in bytes; a ConfigMap or Secret holds no more than a mebibyte.
const maxWatched = 2 << 20

// sum stands for the content of all watched files.
type sum [sha256.Size]byte

// watch calls changed whenever the watched files have another content than the last time. Files that can't be read are being replaced: it
// looks again the next time.
func watch(ctx context.Context, watched []string, before sum, every time.Duration, changed func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := contents(watched); now != (sum{}) && now != before {
			if before != (sum{}) {
				changed()
			}
			before = now
		}
	}
}

// contents sums up the watched files: those of a directory, but not of directories in it. The kubelet keeps what it mounts in a hidden one, to
// which the visible names are links. It is zero if one can't be read.
func contents(watched []string) sum {
	h := sha256.New()
	for _, path := range watched {
		files, err := filesOf(path)
		if err != nil {
			return sum{}
		}
		for _, file := range files {
			content, err := read(file)
			if err != nil {
				return sum{}
			}
			one := sha256.Sum256(content)
			h.Write([]byte(file + "\x00"))
			h.Write(one[:])
		}
	}
	return sum(h.Sum(nil))
}

func filesOf(path string) (files []string, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		file := filepath.Join(path, entry.Name())
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files, nil
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxWatched))
	return content, errors.Join(err, f.Close())
}
