// Chatnode serves chat over WebSockets and HTTP streams, alone on a data folder or as one of a fleet over NATS JetStream.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/chatfleet/chatfleet/chatnode/trace"
)

// version is set by the build.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chatnode:", err)
		os.Exit(1)
	}
}

// run is main without the process: it serves until ctx ends, then drains.
func run(ctx context.Context, args []string, env func(string) (string, bool), out io.Writer) error {
	if len(args) > 0 && args[0] == "check" {
		return runCheck(ctx, args[1:], env, out)
	}
	o, err := parseOptions(args, env, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Fprintln(out, "chatnode", version)
		return err
	}
	log, err := newLogger(o)
	if err != nil {
		return err
	}
	stopTraces, err := startTraces(o, log)
	if err != nil {
		return err
	}
	defer stopTraces()
	n, err := startNode(ctx, o, log)
	if err != nil && ctx.Err() != nil {
		log.Info("ended before it could serve", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	return n.serve(ctx)
}

// startTraces gives a function that sends what is left, and ends tracing.
func startTraces(o options, log *slog.Logger) (stop func(), err error) {
	if o.traces == "" {
		return func() {}, nil
	}
	end, err := trace.Start(trace.Options{URL: o.traces, Ratio: o.tracesRatio, Version: version, Node: o.name, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("--traces-url: %w", err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), endWait)
		defer cancel()
		if err := end(ctx); err != nil {
			log.Warn("could not send the last traces", "error", err)
		}
	}, nil
}

func newLogger(o options) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level is debug, info, warn or error, not %q", o.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	if o.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
}
