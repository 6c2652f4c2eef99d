package main

import (
	"flag"
	"os"
	"time"
)

// declaration defines flags, and remembers in which order and under which heading help shows them.
type declaration struct {
	flags    *flag.FlagSet
	sections []section
}

// A section of the help text: flags follow their heading.
type section struct {
	title string
	flags []string
}

func (d *declaration) begin(title string) { d.sections = append(d.sections, section{title: title}) }

func (d *declaration) named(name string) string {
	last := &d.sections[len(d.sections)-1]
	last.flags = append(last.flags, name)
	return name
}

func (d *declaration) str(p *string, name, value, usage string) {
	d.flags.StringVar(p, d.named(name), value, usage)
}
func (d *declaration) num(p *int, name string, value int, usage string) {
	d.flags.IntVar(p, d.named(name), value, usage)
}
func (d *declaration) yes(p *bool, name, usage string) {
	d.flags.BoolVar(p, d.named(name), false, usage)
}
func (d *declaration) dur(p *time.Duration, name string, value time.Duration, usage string) {
	d.flags.DurationVar(p, d.named(name), value, usage)
}
func (d *declaration) per(p *float64, name string, value float64, usage string) {
	d.flags.Float64Var(p, d.named(name), value, usage)
}
func (d *declaration) size(p *bytesFlag, name string, value bytesFlag, usage string) {
	*p = value
	d.flags.Var(p, d.named(name), usage)
}

// declare defines every flag with its default, and gives the sections in which help shows them.
func (o *options) declare(f *flag.FlagSet) []section {
	d := &declaration{flags: f}
	o.declareServing(d)
	o.declareKeeping(d)
	o.declareUsers(d)
	o.declareLimits(d)
	o.hooks.declare(d)
	o.search.declare(d)
	o.protocols.declare(d)
	o.declareInside(d)
	return d.sections
}

func (o *options) declareServing(d *declaration) {
	host, _ := os.Hostname()
	d.begin("Serving clients")
	d.str(&o.listen, "listen", "", "`address` for WebSockets, HTTP streams and the page (default :8080, with --dev 127.0.0.1:8080)")
	d.str(&o.adminListen, "admin-listen", "", "`address` for /healthz, /readyz, /metrics, /load and /debug/pprof (default :9090, with --dev 127.0.0.1:9090)")
	d.str(&o.tlsCert, "tls-cert", "", "`file` with the certificate chain to serve TLS with; read again when it changes")
	d.str(&o.tlsKey, "tls-key", "", "`file` with the certificate's key")
	d.str(&o.adminCert, "admin-tls-cert", "", "`file` with the certificate chain of --admin-listen; read again when it changes")
	d.str(&o.adminKey, "admin-tls-key", "", "`file` with that certificate's key")
	d.str(&o.adminClientCA, "admin-client-ca", "", "`file` with the authorities of clients' certificates, without which --admin-listen tells only /healthz and /readyz; read again when it changes")
	d.str(&o.origins, "origins", "", "origins of web pages, besides the node's own, that may connect; a comma-separated `list` in which * stands for any text")
	d.str(&o.trustedProxies, "trusted-proxies", "", "comma-separated `networks` whose X-Forwarded-For is believed")
	d.str(&o.name, "name", host, "what people call this node (default: the host's name)")
	d.dur(&o.drain, "drain-period", 10*time.Second, "how long connections are moved to other nodes after SIGTERM before the node ends")
}

func (o *options) declareKeeping(d *declaration) {
	d.begin("Keeping messages")
	d.str(&o.dataDir, "data-dir", "data", "`folder` of the embedded log, and of the development secret")
	d.str(&o.natsURL, "nats-url", "", "comma-separated `addresses` of NATS servers with JetStream; without it the node embeds one in the data folder")
	d.str(&o.natsCreds, "nats-creds", "", "`file` with NATS credentials")
	d.str(&o.natsCA, "nats-ca", "", "`file` with the authorities that may have signed the NATS servers' certificates")
	d.str(&o.natsCert, "nats-cert", "", "`file` with this node's certificate for NATS")
	d.str(&o.natsKey, "nats-key", "", "`file` with its key")
	d.str(&o.prefix, "prefix", "chat", "stands before every subject, stream and bucket, so that clusters can share a NATS account")
	d.num(&o.shards, "shards", 16, "streams of each kind; fixed when they are made")
	d.str(&o.streams, "streams", "create", "`create` missing streams and buckets, or expect them: the node waits until NATS is reached and has them")
	d.num(&o.replicas, "replicas", 1, "copies of each stream and bucket that is created: 1, 3 or 5")
	d.str(&o.durability, "durability", "relaxed", "`strict` if every write is synced to disk before it is acknowledged (an embedded log then does so), else relaxed: a power cut may cost a one-server log its last seconds, a killed process nothing")
	d.dur(&o.historyAge, "history-age", 30*24*time.Hour, "how long messages are kept, in streams that are created; 0 is for ever")
	d.size(&o.historyBytes, "history-bytes", 0, "how much each stream that is created keeps at most; 0 is no limit on NATS, and 10GiB or what the disk has room for in an embedded log")
}

func (o *options) declareUsers(d *declaration) {
	d.begin("Knowing users")
	d.yes(&o.dev, "dev", "for development: GET /dev/token?user=NAME signs tokens for anybody, connections without a token are anonymous, every channel name is open, and the node listens on loopback")
	d.yes(&o.anonymous, "anonymous", "let connections without a token in, as anonymous users")
	d.yes(&o.explicitRooms, "explicit-rooms", "a room has to be made before it can be used; else one that nobody has made is open to every signed-in user")
	d.str(&o.openChannels, "open-channels", "", "channels outside the chat vocabulary that anybody may use; a comma-separated `list` in which * stands for any text (with --dev: *)")
	d.str(&o.hmacFile, "jwt-hmac-secret-file", "", "`file` with the secret of HS256 tokens; read again when it changes")
	d.str(&o.jwksURL, "jwt-jwks-url", "", "`address` of the keys of RS256, ES256 and EdDSA tokens")
	d.str(&o.jwksFile, "jwt-jwks-file", "", "`file` with those keys; read again when it changes")
	d.str(&o.serverKeys, "server-keys-file", "", "`file` with the keys by which servers of applications call the chat service: lines of an application's name and a key of 32 characters or more; read again when it changes")
	d.str(&o.issuer, "jwt-issuer", "", "the issuer that tokens must name")
	d.str(&o.audience, "jwt-audience", "", "the audience that tokens must name")
}

func (o *options) declareLimits(d *declaration) {
	d.begin("Limits")
	d.num(&o.maxConnections, "max-connections", 0, "connections to this node; 0 is no limit")
	d.num(&o.maxPerAddress, "max-connections-per-address", 0, "connections from one address; 0 is no limit")
	d.size(&o.maxFrame, "max-frame", 256<<10, "a frame from a client, which may hold many commands")
	d.size(&o.maxCommand, "max-command", 64<<10, "one command from a client")
	d.size(&o.queue, "max-queue", 256<<10, "what waits for one connection; behind it the client is served from the log")
	d.size(&o.ring, "max-ring", 256<<10, "recent messages of one room kept in memory")
	d.size(&o.allRings, "max-rings", 256<<20, "recent messages of all rooms kept in memory")
	d.num(&o.maxSubscriptions, "max-subscriptions", 1000, "subscriptions of one connection")
	d.per(&o.commandsPerSecond, "commands-per-second", 50, "commands of one connection, and requests of one user to the API, a second; of an application's servers 20 times as many; twice as many in a burst")
	d.str(&o.appLimits, "app-limits-file", "", "`file` with the limits of applications as JSON, {\"APP\":{\"rooms\":N,\"members_per_room\":N,\"messages_per_second\":N,\"connections\":N}}, where * is for those that are not named; read again when it changes")
	d.per(&o.messagesPerSecond, "messages-per-second", 20, "messages of one user a second; twice as many in a burst; 0 is no limit")
}

func (o *options) declareInside(d *declaration) {
	d.begin("Seeing inside")
	d.str(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	d.str(&o.logFormat, "log-format", "text", "text or json")
	d.str(&o.traces, "traces-url", "", "`address` of an OpenTelemetry collector (OTLP over HTTP, such as http://localhost:4318); without it nothing is traced")
	d.per(&o.tracesRatio, "traces-ratio", 1, "the share of sent messages that are traced, from 0 to 1")
	d.yes(&o.version, "version", "print the version and end")
}
