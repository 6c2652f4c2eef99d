package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// options are everything that can be said to a chat node, on the command line or in the environment.
type options struct {
	listen, adminListen     string
	tlsCert, tlsKey         string
	adminCert, adminKey     string
	adminClientCA           string
	origins, trustedProxies string
	name                    string
	drain                   time.Duration

	dataDir                                       string
	natsURL, natsCreds, natsCA, natsCert, natsKey string
	prefix                                        string
	shards, replicas                              int
	streams, durability                           string
	historyAge                                    time.Duration
	historyBytes                                  bytesFlag

	dev, anonymous              bool
	explicitRooms               bool
	openChannels                string
	hmacFile, jwksURL, jwksFile string
	serverKeys                  string
	issuer, audience            string

	maxConnections, maxPerAddress     int
	maxFrame, maxCommand, queue, ring bytesFlag
	allRings                          bytesFlag
	maxSubscriptions                  int
	messagesPerSecond                 float64
	appLimits                         string
	commandsPerSecond                 float64

	hooks     hookOptions
	search    searchOptions
	protocols protocolOptions

	logLevel, logFormat, traces string
	tracesRatio                 float64
	version                     bool
}

// parseOptions reads the command line, and for flags that are not there the environment: --data-dir is CHATNODE_DATA_DIR.
func parseOptions(args []string, env func(string) (string, bool), out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chatnode", flag.ContinueOnError)
	sections := o.declare(f)
	if err := parseFlags(f, args, "CHATNODE_", env); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			printHelp(out, helpHead, f, sections)
		}
		return o, err
	}
	o.settle()
	return o, o.check()
}

// parseFlags reads the command line, and for flags that are not there the environment, where their names follow the prefix.
func parseFlags(f *flag.FlagSet, args []string, prefix string, env func(string) (string, bool)) error {
	f.SetOutput(io.Discard)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w; %s --help lists what there is", err, f.Name())
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; %s --help lists what there is", f.Arg(0), f.Name())
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	var err error
	f.VisitAll(func(fl *flag.Flag) {
		name := prefix + strings.ToUpper(strings.ReplaceAll(fl.Name, "-", "_"))
		value, ok := env(name)
		if !ok || given[fl.Name] {
			return
		}
		if e := fl.Value.Set(value); e != nil {
			err = errors.Join(err, fmt.Errorf("%s=%q: %w", name, value, e))
		}
	})
	return err
}

// settle fills in what depends on other options.
func (o *options) settle() {
	host := ""
	if o.dev {
		host = "127.0.0.1"
		o.anonymous = true
		if o.openChannels == "" {
			o.openChannels = "*"
		}
	}
	if o.listen == "" {
		o.listen = host + ":8080"
	}
	if o.adminListen == "" {
		o.adminListen = host + ":9090"
	}
}

func (o *options) check() error {
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	must(o.streams == "create" || o.streams == "expect", "--streams is create or expect, not %q", o.streams)
	must(o.durability == "strict" || o.durability == "relaxed", "--durability is strict or relaxed, not %q", o.durability)
	must(o.shards >= 1 && o.shards <= 256, "--shards is between 1 and 256, not %d", o.shards)
	must(o.replicas == 1 || o.replicas == 3 || o.replicas == 5, "--replicas is 1, 3 or 5, not %d", o.replicas)
	must(o.replicas == 1 || o.natsURL != "", "--replicas=%d needs NATS servers: --nats-url", o.replicas)
	must(validPrefix(o.prefix), "--prefix is letters, digits, - and _, not %q", o.prefix)
	must((o.tlsCert == "") == (o.tlsKey == ""), "--tls-cert and --tls-key go together")
	must((o.adminCert == "") == (o.adminKey == ""), "--admin-tls-cert and --admin-tls-key go together")
	must(o.adminClientCA == "" || o.adminCert != "", "--admin-client-ca needs --admin-tls-cert and --admin-tls-key")
	must((o.natsCert == "") == (o.natsKey == ""), "--nats-cert and --nats-key go together")
	must(o.logFormat == "text" || o.logFormat == "json", "--log-format is text or json, not %q", o.logFormat)
	must(o.maxCommand <= o.maxFrame, "--max-command is at most --max-frame")
	for name, size := range map[string]bytesFlag{
		"max-frame": o.maxFrame, "max-command": o.maxCommand, "max-queue": o.queue, "max-ring": o.ring, "max-rings": o.allRings,
	} {
		must(size >= 1<<10, "--%s is at least 1KiB", name)
	}
	must(o.tracesRatio >= 0 && o.tracesRatio <= 1, "--traces-ratio is between 0 and 1, not %v", o.tracesRatio)
	must(o.maxSubscriptions >= 1, "--max-subscriptions is at least 1")
	return errors.Join(append(errs, o.hooks.check(o.protocols.mqtt.wanted()), o.search.check(), o.protocols.check(o.tlsCert != ""))...)
}

func validPrefix(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// bytesFlag is a number of bytes: 65536, 64KiB, 10GiB.
type bytesFlag int64

var byteUnits = []struct {
	suffix string
	shift  uint
}{{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}, {"", 0}}

// String writes the number with the greatest unit that divides it.
func (b *bytesFlag) String() string {
	for _, u := range byteUnits {
		if v := int64(*b); v >= 1<<u.shift && v%(1<<u.shift) == 0 {
			return strconv.FormatInt(v>>u.shift, 10) + u.suffix
		}
	}
	return "0"
}

// Set reads a number with or without a unit.
func (b *bytesFlag) Set(s string) error {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || v < 0 || v > (1<<62)>>u.shift {
			return fmt.Errorf("%q is not a size such as 65536, 64KiB or 10GiB", s)
		}
		*b = bytesFlag(v << u.shift)
		return nil
	}
	return nil
}
