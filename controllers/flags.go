package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// options are everything that can be said to the manager.
type options struct {
	kubeconfig               string
	namespaces               string
	serviceAccount           string
	nodeImage, backboneImage string
	metricsListen            string
	healthListen             string
	leaderElect              bool
	leaderElectionNamespace  string
	logLevel, logFormat      string
	// operatorNamespace is where the operator runs, if it is known.
	operatorNamespace string
}

const managerHelp = `operator manager reconciles ChatClusters until it is told to end.

Without --namespaces it watches ChatClusters everywhere, and gives its own service account the rights that it needs in just those namespaces
that have one, by a RoleBinding to the ClusterRole chatfleet-namespace. With --namespaces it needs no rights outside them, and Roles there.

Several replicas may run: with --leader-elect one of them works and the others keep their caches warm.

`

// parseOptions reads the command line.
func parseOptions(args []string, env func(string) (string, bool), out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("operator manager", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.namespaces, "namespaces", "", "watch these `namespaces` alone, separated by commas; empty for all")
	f.StringVar(&o.serviceAccount, "service-account", "", "`name` of the operator's own service account, for the RoleBindings; empty: it has its rights everywhere already")
	f.StringVar(&o.nodeImage, "node-image", "chatfleet/chatnode:"+version, "`image` of chat nodes whose ChatCluster names none")
	f.StringVar(&o.backboneImage, "backbone-image", "chatfleet/nats:2.15.2-"+version, "`image` of NATS servers whose ChatCluster names none")
	f.BoolVar(&o.leaderElect, "leader-elect", false, "work only while holding the lease chatfleet-operator")
	f.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "`namespace` of the lease; empty: the operator's own, $POD_NAMESPACE")
	f.StringVar(&o.metricsListen, "metrics-listen", ":8080", "`address` of /metrics; 0 for none")
	f.StringVar(&o.healthListen, "health-listen", ":8081", "`address` of /healthz and /readyz; 0 for none")
	f.StringVar(&o.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "`format` of the log: text or json")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`file` with the way to the API server; empty: $KUBECONFIG, or the pod's own service account")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		printFlags(out, f)
		return o, err
	} else if err != nil {
		return o, fmt.Errorf("%w; operator manager --help lists what there is", err)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; operator manager --help lists what there is", f.Arg(0))
	}
	if o.operatorNamespace, _ = env("POD_NAMESPACE"); o.operatorNamespace == "" {
		o.operatorNamespace = o.leaderElectionNamespace
	}
	if o.leaderElectionNamespace == "" {
		o.leaderElectionNamespace = o.operatorNamespace
	}
	return o, o.check()
}

// check refuses what can't work.
func (o options) check() error {
	if o.leaderElect && o.leaderElectionNamespace == "" {
		return errors.New("--leader-elect needs --leader-election-namespace, or POD_NAMESPACE in the environment")
	}
	if o.serviceAccount != "" && o.operatorNamespace == "" {
		return errors.New("--service-account needs POD_NAMESPACE in the environment, or --leader-election-namespace")
	}
	if _, err := o.level(); err != nil {
		return err
	}
	if o.logFormat != "text" && o.logFormat != "json" {
		return fmt.Errorf("--log-format=%s: it is either text or json", o.logFormat)
	}
	for _, namespace := range o.watched() {
		if namespace == "" {
			return fmt.Errorf("--namespaces=%s: a name is empty", o.namespaces)
		}
	}
	return nil
}

func (o options) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return level, fmt.Errorf("--log-level=%s: it is debug, info, warn or error", o.logLevel)
	}
	return level, nil
}

// watched are the namespaces to watch, nil for all.
func (o options) watched() []string {
	if o.namespaces == "" {
		return nil
	}
	return strings.Split(o.namespaces, ",")
}

func printFlags(out io.Writer, f *flag.FlagSet) {
	fmt.Fprint(out, managerHelp)
	f.VisitAll(func(fl *flag.Flag) {
		value, usage := flag.UnquoteUsage(fl)
		line := "  --" + fl.Name
		if value != "" {
			line += " " + value
		}
		if fl.DefValue != "" && fl.DefValue != "false" {
			line += "  (" + fl.DefValue + ")"
		}
		fmt.Fprintf(out, "%s\n        %s\n", line, usage)
	})
}
