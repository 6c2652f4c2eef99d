package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// toolWait bounds one command.
const toolWait = 3 * time.Minute

// tool is the path of a program: that of the machine, or what the local cluster was built with.
func tool(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path := cache("kubernetes", "current", "bin", name); exists(path) {
		return path
	}
	return name // which then fails by name
}

// run runs a command in the repository and gives what it wrote; the error tells what it complained of.
func run(ctx context.Context, name string, args ...string) (string, error) {
	return runWith(ctx, "", name, args...)
}

// runWith is run with something to read.
func runWith(ctx context.Context, input, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolWait)
	defer cancel()
	command := exec.CommandContext(ctx, tool(name), args...)
	command.Dir = root
	command.Stdin = strings.NewReader(input)
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out.String(), complaint.String())
	}
	return out.String(), nil
}
