package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// figures are measured, printed and kept; no test judges them.
var figures struct {
	mu   sync.Mutex
	file *os.File
}

func openFigures() error {
	file := cache("e2e", "figures.txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keep figures: %w", err)
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("keep figures: %w", err)
	}
	figures.file = f
	return nil
}

// figure notes one number; its name ends with its unit.
func figure(t *testing.T, name string, value float64) {
	t.Helper()
	line := fmt.Sprintf("figure: %s %.3g", name, value)
	t.Log(line)
	figures.mu.Lock()
	defer figures.mu.Unlock()
	if _, err := fmt.Fprintln(figures.file, line); err != nil {
		t.Errorf("keep a figure: %v", err)
	}
}

func seconds(t *testing.T, name string, since time.Time) {
	t.Helper()
	figure(t, name+"_seconds", time.Since(since).Seconds())
}
