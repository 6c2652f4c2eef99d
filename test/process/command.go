package process

import (
	"context"
	"testing"
	"time"
)

// Command is any other program that a test needs beside it.
type Command struct {
	*program
	ready func(context.Context) error
}

// CommandOptions say what a program is started with.
type CommandOptions struct {
	// Name stands in front of its log.
	Name string
	Path string
	Args []string
	// Env is added to the test's own environment, as NAME=value.
	Env []string
	// Ready asks once whether the program does its work: nil, or what is missing. Absent: it is ready when it has started.
	Ready func(context.Context) error
}

// StartCommand runs a program and returns when it is ready.
func StartCommand(tb testing.TB, options CommandOptions) *Command {
	tb.Helper()
	c := &Command{program: newProgram(tb, options.Name, options.Path), ready: options.Ready}
	c.args, c.env = options.Args, options.Env
	c.Restart()
	return c
}

// Restart stops the program if it runs, starts it again, and returns when it is ready.
func (c *Command) Restart() {
	c.tb.Helper()
	c.Stop()
	if err := c.start(); err != nil {
		c.tb.Fatal(err)
	}
	if c.ready == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	if err := until(ctx, c.gone(), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return c.ready(ctx)
	}); err != nil {
		c.tb.Fatalf("%s doesn't become ready: %v", c.name, err)
	}
}
