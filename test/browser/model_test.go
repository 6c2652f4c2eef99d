package browser_test

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

// TestPageModel runs the page's own unit tests, which need Node and no browser.
func TestPageModel(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is missing; `make tools-of-tests` installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "npm", "test", "--silent")
	command.Dir = "../../chatnode/web/page"
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("npm test: %v\n%s", err, output)
	}
}
