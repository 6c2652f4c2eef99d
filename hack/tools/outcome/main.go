// Command outcome runs tests and says how they came out: quietly about what passes, wholly about what fails, and aloud about what is skipped.
// In goes a command that writes the events of `go test -json`; out come the line of each package that passed, everything that a package
// said that failed, every skipped test with its reason, and whatever is not an event as it is. The exit status is the command's.
//
// The skipped tests are also appended to the file that OUTCOME_SKIPPED names, if it names one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	all := flag.Bool("all", false, "show everything at once, not only what failed")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "outcome [-all] COMMAND [ARGUMENT...]: run a command that writes the events of go test -json")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	status, err := run(flag.Args(), *all, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "outcome:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

// run gives the exit status of the command, and an error if that says nothing of how the tests went.
func run(arguments []string, all bool, out io.Writer) (status int, err error) {
	// An interrupt reaches the command as well, which then says where its tests stood.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	events, err := command.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("read what %s says: %w", arguments[0], err)
	}
	if err := command.Start(); err != nil {
		return 1, fmt.Errorf("start the tests: %w", err)
	}
	r := newReport(out, all)
	// It is read to its end in any case: a command that nobody reads would never end.
	told := r.read(events)
	_, drained := io.Copy(io.Discard, events)
	ended := command.Wait()
	if err := errors.Join(told, drained, note(os.Getenv("OUTCOME_SKIPPED"), r.skipped)); err != nil {
		return 1, err
	}
	if exit, ok := errors.AsType[*exec.ExitError](ended); ok && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if ended != nil {
		return 1, fmt.Errorf("run the tests: %w", ended)
	}
	return 0, nil
}

// note appends the skipped tests to a file; to none if that has no name.
func note(file string, skipped []string) error {
	if file == "" || len(skipped) == 0 {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("note the skipped tests: %w", err)
	}
	for _, line := range skipped {
		if _, err := fmt.Fprintln(f, line); err != nil {
			_ = f.Close()
			return fmt.Errorf("note the skipped tests: %w", err)
		}
	}
	return f.Close()
}
