package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// options are everything that can be said to a chat node, on the command line or in the environment.
type options struct {
	listen, adminListen     string
	tlsCert, tlsKey         string
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
	openChannels                string
	hmacFile, jwksURL, jwksFile string
	issuer, audience            string

	maxConnections, maxPerAddress     int
	maxFrame, maxCommand, queue, ring bytesFlag
	allRings                          bytesFlag
	maxSubscriptions                  int
	messagesPerSecond                 float64
	commandsPerSecond                 float64

	logLevel, logFormat, traces string
	tracesRatio                 float64
	version                     bool
}

// A section of the help text: flags follow their heading.
type section struct {
	title string
	flags []string
}

// declare defines every flag with its default, and gives the order in which help shows them.
func (o *options) declare(f *flag.FlagSet) []section {
	host, _ := os.Hostname()
	var sections []section
	begin := func(title string) { sections = append(sections, section{title: title}) }
	named := func(name string) string {
		last := &sections[len(sections)-1]
		last.flags = append(last.flags, name)
		return name
	}
	str := func(p *string, name, value, usage string) { f.StringVar(p, named(name), value, usage) }
	num := func(p *int, name string, value int, usage string) { f.IntVar(p, named(name), value, usage) }
	yes := func(p *bool, name, usage string) { f.BoolVar(p, named(name), false, usage) }
	dur := func(p *time.Duration, name string, value time.Duration, usage string) {
		f.DurationVar(p, named(name), value, usage)
	}
	size := func(p *bytesFlag, name string, value bytesFlag, usage string) {
		*p = value
		f.Var(p, named(name), usage)
	}
	per := func(p *float64, name string, value float64, usage string) { f.Float64Var(p, named(name), value, usage) }

	begin("Serving clients")
	str(&o.listen, "listen", "", "`address` for WebSockets, HTTP streams and the page (default :8080, with --dev 127.0.0.1:8080)")
	str(&o.adminListen, "admin-listen", "", "`address` for /healthz, /readyz, /metrics, /load and /debug/pprof (default :9090, with --dev 127.0.0.1:9090)")
	str(&o.tlsCert, "tls-cert", "", "`file` with the certificate chain to serve TLS with; read again when it changes")
	str(&o.tlsKey, "tls-key", "", "`file` with the certificate's key")
	str(&o.origins, "origins", "", "origins of web pages, besides the node's own, that may connect; a comma-separated `list` in which * stands for any text")
	str(&o.trustedProxies, "trusted-proxies", "", "comma-separated `networks` whose X-Forwarded-For is believed")
	str(&o.name, "name", host, "what people call this node (default: the host's name)")
	dur(&o.drain, "drain-period", 10*time.Second, "how long connections are moved to other nodes after SIGTERM before the node ends")

	begin("Keeping messages")
	str(&o.dataDir, "data-dir", "data", "`folder` of the embedded log, and of the development secret")
	str(&o.natsURL, "nats-url", "", "comma-separated `addresses` of NATS servers with JetStream; without it the node embeds one in the data folder")
	str(&o.natsCreds, "nats-creds", "", "`file` with NATS credentials")
	str(&o.natsCA, "nats-ca", "", "`file` with the authorities that may have signed the NATS servers' certificates")
	str(&o.natsCert, "nats-cert", "", "`file` with this node's certificate for NATS")
	str(&o.natsKey, "nats-key", "", "`file` with its key")
	str(&o.prefix, "prefix", "chat", "stands before every subject, stream and bucket, so that clusters can share a NATS account")
	num(&o.shards, "shards", 16, "streams of each kind; fixed when they are made")
	str(&o.streams, "streams", "create", "`create` missing streams and buckets, or expect them to be there")
	num(&o.replicas, "replicas", 1, "copies of each stream and bucket that is created: 1, 3 or 5")
	str(&o.durability, "durability", "relaxed", "`strict` if every write is synced to disk before it is acknowledged (an embedded log then does so), else relaxed: a power cut may cost a one-server log its last seconds, a killed process nothing")
	dur(&o.historyAge, "history-age", 30*24*time.Hour, "how long messages are kept, in streams that are created; 0 is for ever")
	size(&o.historyBytes, "history-bytes", 10<<30, "how much each stream that is created keeps at most")

	begin("Knowing users")
	yes(&o.dev, "dev", "for development: GET /dev/token?user=NAME signs tokens for anybody, connections without a token are anonymous, every channel name is open, and the node listens on loopback")
	yes(&o.anonymous, "anonymous", "let connections without a token in, as anonymous users")
	str(&o.openChannels, "open-channels", "", "channels outside the chat vocabulary that anybody may use; a comma-separated `list` in which * stands for any text (with --dev: *)")
	str(&o.hmacFile, "jwt-hmac-secret-file", "", "`file` with the secret of HS256 tokens; read again when it changes")
	str(&o.jwksURL, "jwt-jwks-url", "", "`address` of the keys of RS256, ES256 and EdDSA tokens")
	str(&o.jwksFile, "jwt-jwks-file", "", "`file` with those keys; read again when it changes")
	str(&o.issuer, "jwt-issuer", "", "the issuer that tokens must name")
	str(&o.audience, "jwt-audience", "", "the audience that tokens must name")

	begin("Limits")
	num(&o.maxConnections, "max-connections", 0, "connections to this node; 0 is no limit")
	num(&o.maxPerAddress, "max-connections-per-address", 0, "connections from one address; 0 is no limit")
	size(&o.maxFrame, "max-frame", 256<<10, "a frame from a client, which may hold many commands")
	size(&o.maxCommand, "max-command", 64<<10, "one command from a client")
	size(&o.queue, "max-queue", 256<<10, "what waits for one connection; behind it the client is served from the log")
	size(&o.ring, "max-ring", 256<<10, "recent messages of one room kept in memory")
	size(&o.allRings, "max-rings", 256<<20, "recent messages of all rooms kept in memory")
	num(&o.maxSubscriptions, "max-subscriptions", 1000, "subscriptions of one connection")
	per(&o.commandsPerSecond, "commands-per-second", 50, "commands of one connection a second; twice as many in a burst")
	per(&o.messagesPerSecond, "messages-per-second", 20, "messages of one user a second; twice as many in a burst; 0 is no limit")

	begin("Seeing inside")
	str(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	str(&o.logFormat, "log-format", "text", "text or json")
	str(&o.traces, "traces-url", "", "`address` of an OpenTelemetry collector (OTLP over HTTP, such as http://localhost:4318); without it nothing is traced")
	per(&o.tracesRatio, "traces-ratio", 1, "the share of sent messages that are traced, from 0 to 1")
	yes(&o.version, "version", "print the version and end")
	return sections
}

// parseOptions reads the command line, and for flags that are not there the environment: --data-dir is CHATNODE_DATA_DIR.
func parseOptions(args []string, env func(string) (string, bool), out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chatnode", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	sections := o.declare(f)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		printHelp(out, f, sections)
		return o, err
	} else if err != nil {
		return o, fmt.Errorf("%w; chatnode --help lists what there is", err)
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; chatnode --help lists what there is", f.Arg(0))
	}
	given := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { given[fl.Name] = true })
	var err error
	f.VisitAll(func(fl *flag.Flag) {
		value, ok := env(envName(fl.Name))
		if !ok || given[fl.Name] {
			return
		}
		if e := fl.Value.Set(value); e != nil {
			err = errors.Join(err, fmt.Errorf("%s=%q: %w", envName(fl.Name), value, e))
		}
	})
	if err != nil {
		return o, err
	}
	o.settle()
	return o, o.check()
}

func envName(name string) string {
	return "CHATNODE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
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
	return errors.Join(errs...)
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
