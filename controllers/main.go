// Operator turns ChatClusters into running fleets: chat nodes, their NATS backbone, and everything around them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "development"

const help = `operator runs ChatClusters: it makes chat nodes and their NATS backbone of each, and keeps them that way.

  operator manager            do so, until it is told to end; operator manager --help lists its flags
  operator version            say which release this is

It finds the API server as every pod does, or by --kubeconfig or $KUBECONFIG. Installed by the chart chatfleet-operator or by config/default.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

// run is main without the process.
func run(ctx context.Context, args []string, env func(string) (string, bool), out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "manager":
		o, err := parseOptions(args, env, out)
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		if err != nil {
			return err
		}
		return manage(ctx, o)
	case "version", "--version", "-version":
		_, err := fmt.Fprintln(out, "operator", version)
		return err
	case "", "help", "--help", "-help", "-h":
		_, err := fmt.Fprint(out, help)
		return err
	}
	return fmt.Errorf("unknown command %q; operator --help lists what there is", command)
}
