package auth

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// followedFile hands the content of a file to use, now and whenever the file
// changes. It is found by stat, so that a mounted secret that is swapped by a
// symbolic link is seen too.
type followedFile struct {
	source string // metric label
	path   string
	use    func(content []byte) error
	every  time.Duration
	log    *slog.Logger
	m      *metrics

	seen os.FileInfo // nil: the file was not there
}

func (v *Verifier) follow(source, path string, use func([]byte) error) *followedFile {
	return &followedFile{
		source: source, path: path, use: use,
		every: v.options.FilePoll, log: v.options.Logger, m: v.metrics,
	}
}

// load reads the file. The stat comes first: what is written while we read
// changes the next stat.
func (f *followedFile) load() error {
	info, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		return err
	}
	content, err := readLimited(f.path)
	if err != nil {
		f.seen = nil // what was in the way, as permissions are, doesn't show
		return err
	}
	f.seen = info
	if err := f.use(content); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	return nil
}

func readLimited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxKeySetBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxKeySetBytes {
		return nil, fmt.Errorf("read %s: over %d bytes", path, maxKeySetBytes)
	}
	return content, nil
}

func (f *followedFile) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil || f.seen == nil {
		return (err == nil) != (f.seen != nil)
	}
	return !os.SameFile(info, f.seen) || info.Size() != f.seen.Size() || !info.ModTime().Equal(f.seen.ModTime())
}

// run polls until ctx ends. A broken version is counted and logged once, when
// it appears, one that can't be read whenever it is tried again; what was in
// use before stays in use.
func (f *followedFile) run(ctx context.Context) {
	ticker := time.NewTicker(f.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !f.changed() {
			continue
		}
		if err := f.load(); err != nil {
			f.m.reloadFailed(f.source)
			f.log.Error("token keys kept: their file is broken", "path", f.path, "error", err)
			continue
		}
		f.m.reloaded(f.source)
		f.log.Info("token keys read again", "path", f.path)
	}
}

// fileKeys is a key set from a file.
type fileKeys struct {
	file *followedFile
	keys atomic.Pointer[keySet]
}

func (k *fileKeys) set(content []byte) error {
	keys, err := parseKeySet(content)
	if err != nil {
		return err
	}
	k.keys.Store(&keys)
	return nil
}

func (k *fileKeys) find(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	return k.keys.Load().find(id, algorithm)
}

func (k *fileKeys) run(ctx context.Context) { k.file.run(ctx) }
