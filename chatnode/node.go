package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge"
	"github.com/chatfleet/chatfleet/chatnode/gateway/rpc"
	"github.com/chatfleet/chatfleet/chatnode/hook"
	"github.com/chatfleet/chatfleet/chatnode/load"
	"github.com/chatfleet/chatfleet/chatnode/people"
	"github.com/chatfleet/chatfleet/chatnode/search"
	"github.com/chatfleet/chatfleet/chatnode/web"
)

// Close codes of the native protocol that the node itself gives.
const (
	codeShutdown = 3001
	codeSlow     = 3008
)

// endWait bounds the end of the node after its connections have gone.
const endWait = 10 * time.Second

// node is everything that one chat node consists of, put together.
type node struct {
	o        options
	log      *slog.Logger
	registry *prometheus.Registry
	started  time.Time

	clients, admin net.Listener
	messages       *backbone.Backbone
	hub            *fanout.Hub
	chat           *chat.Service
	events         *hook.Events
	moderation     *hook.Gate
	hookSecrets    func() [][]byte
	search         *search.Service
	conns          *conn.Server
	everywhere     *people.Everywhere
	gateway        *centrifuge.Gateway
	backends       *rpc.Gateway
	tokens         *auth.Verifier
	development    *auth.Development
	protocols      []protocolGateway
	meter          load.Meter
	draining       atomic.Bool

	adminHTTP *http.Server
	failed    chan error // of the servers, the first
	// opened is true when everything above is there; until then missing is what is waited for.
	opened  atomic.Bool
	missing atomic.Value
}

// startNode binds the ports, tells its health, and opens the log. What it returns serves clients after serve is called.
func startNode(ctx context.Context, o options, log *slog.Logger) (*node, error) {
	n := &node{o: o, log: log, registry: prometheus.NewRegistry(), started: time.Now(), failed: make(chan error, 1)}
	n.missing.Store("starting")
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *node) open(ctx context.Context) (err error) {
	if n.clients, err = listen(n.o.listen, "--listen"); err != nil {
		return err
	}
	if n.admin, err = listen(n.o.adminListen, "--admin-listen"); err != nil {
		return err
	}
	if n.adminHTTP, err = n.adminServer(); err != nil {
		return err
	}
	if err := n.bindProtocols(); err != nil {
		return err
	}
	n.run(n.adminHTTP, n.admin)
	if err := n.openTokens(ctx); err != nil {
		return err
	}
	if n.messages, err = backbone.Open(ctx, n.logOptions()); err != nil {
		return err
	}
	if err := n.assemble(ctx); err != nil {
		return err
	}
	n.opened.Store(true)
	return nil
}

func (n *node) openTokens(ctx context.Context) (err error) {
	o := auth.Options{
		HMACSecretFile: n.o.hmacFile, JWKSURL: n.o.jwksURL, JWKSFile: n.o.jwksFile, Issuer: n.o.issuer, Audience: n.o.audience,
		ServerKeysFile: n.o.serverKeys, Registerer: n.registry, Logger: n.log,
	}
	if n.o.dev {
		if n.development, err = n.openDevelopment(); err != nil {
			return err
		}
		if n.o.hmacFile == "" {
			o.HMACSecret = n.development.Secret()
		}
	}
	n.tokens, err = auth.New(ctx, o)
	return err
}

// openDevelopment signs with the secret of the tokens' file if there is one, so that all nodes of a fleet know each other's tokens.
func (n *node) openDevelopment() (*auth.Development, error) {
	o := auth.DevelopmentOptions{DataDir: n.o.dataDir, Issuer: n.o.issuer, Audience: n.o.audience}
	if n.o.hmacFile != "" {
		secret, err := os.ReadFile(n.o.hmacFile)
		if err != nil {
			return nil, fmt.Errorf("read the secret of tokens: %w", err)
		}
		o.Secret = bytes.TrimSpace(secret)
	}
	return auth.NewDevelopment(o)
}

// logOptions: a node that expects streams and buckets waits for them, since whoever makes them may come later.
func (n *node) logOptions() backbone.Options {
	o := backbone.Options{
		Name: n.o.name, DataDir: n.o.dataDir,
		NATS: backbone.NATSOptions{
			URL: n.o.natsURL, Credentials: n.o.natsCreds, CA: n.o.natsCA, Cert: n.o.natsCert, Key: n.o.natsKey,
		},
		Prefix: n.o.prefix, Shards: n.o.shards, Create: n.o.streams == "create", Replicas: n.o.replicas,
		MaxAge: n.o.historyAge, MaxBytes: int64(n.o.historyBytes), Strict: n.o.durability == "strict",
		Logger: n.log, Registerer: n.registry,
	}
	if n.o.natsURL != "" && !o.Create {
		o.Waiting = n.awaits
	}
	return o
}

// awaits notes what the node waits for.
func (n *node) awaits(missing error) {
	if was := n.missing.Swap(missing.Error()); was != missing.Error() {
		n.log.Warn("waiting for the log", "missing", missing)
	}
}

// assemble builds what stands between the log and the sockets.
func (n *node) assemble(ctx context.Context) (err error) {
	proxies, err := networks(n.o.trustedProxies)
	if err != nil {
		return err
	}
	n.hub = fanout.New(n.messages, fanout.Options{
		RingBytes: int(n.o.ring), AllRingsBytes: int(n.o.allRings), Registerer: n.registry, Logger: n.log,
	})
	n.conns = conn.New(conn.Options{
		MaxConnections: n.o.maxConnections, MaxPerAddress: n.o.maxPerAddress, TrustedProxies: proxies, Origins: list(n.o.origins),
		FrameBytes: int(n.o.maxFrame), QueueBytes: int(n.o.queue), SlowCode: codeSlow, Registerer: n.registry,
	})
	if err := n.openHooks(); err != nil {
		return err
	}
	if err := n.openSearch(ctx); err != nil {
		return err
	}
	if n.everywhere, err = people.NewEverywhere(n.messages, n.registry); err != nil {
		return err
	}
	limits := chat.DefaultLimits
	limits.MessagesPerSecond, limits.Burst = n.o.messagesPerSecond, burst(n.o.messagesPerSecond)
	quotas, err := n.openQuotas()
	if err != nil {
		return err
	}
	n.chat, err = chat.New(chat.Options{
		Log: n.messages, Tables: n.messages, Signals: n.hub, OpenChannels: list(n.o.openChannels), ImplicitRooms: !n.o.explicitRooms, Limits: limits,
		Gate: n.gate(), Search: n.searcher(), Quotas: quotas, Nodes: n.nodes(), Letters: n.letters(), Linger: n.messages.Linger,
		Registerer: n.registry, Logger: n.log,
		Here: n.everywhere.Devices,
	})
	if err != nil {
		return err
	}
	n.gateway, err = centrifuge.New(centrifuge.Options{
		Conns: n.conns, Chat: n.chat, Hub: n.hub, Log: n.messages, Tokens: n.tokens,
		Anonymous: n.o.anonymous, Version: version,
		Limits: centrifuge.Limits{
			FrameBytes: int(n.o.maxFrame), CommandBytes: int(n.o.maxCommand), Subscriptions: n.o.maxSubscriptions,
			CommandsPerSecond: n.o.commandsPerSecond, CommandBurst: burst(n.o.commandsPerSecond),
		},
		Registerer: n.registry, Logger: n.log,
	})
	if err != nil {
		return err
	}
	n.everywhere.Add(n.gateway.Devices)
	n.backends = rpc.New(rpc.Options{
		Chat: n.chat, Tokens: n.tokens, Admit: n.chat.Admit, Conns: n.conns, Registerer: n.registry, Logger: n.log,
		User:   rpc.Bounds{PerSecond: n.o.commandsPerSecond, Burst: burst(n.o.commandsPerSecond)},
		Server: rpc.Bounds{PerSecond: rpc.ServersRate * n.o.commandsPerSecond, Burst: burst(rpc.ServersRate * n.o.commandsPerSecond)},
	})
	if err := n.openProtocols(); err != nil {
		return err
	}
	if err := n.openWebhook(); err != nil {
		return err
	}
	return n.messages.Answer(loadQuestion, n.answerLoad)
}

// burst is how many may come at once at a rate per second: twice as many, and one at least if any may come.
func burst(perSecond float64) int { return int(math.Ceil(2 * perSecond)) }

func networks(s string) (prefixes []netip.Prefix, err error) {
	for _, part := range list(s) {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			address, e := netip.ParseAddr(part)
			if e != nil {
				return nil, fmt.Errorf("--trusted-proxies: %q is neither a network such as 10.0.0.0/8 nor an address", part)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// serve answers clients until ctx ends, then lets them go to other nodes and ends.
func (n *node) serve(ctx context.Context) error {
	clients, err := n.clientServer()
	if err != nil {
		n.close()
		return err
	}
	n.run(clients, n.clients)
	for _, p := range n.protocols {
		p.serve(n)
	}
	n.announce()
	select {
	case <-ctx.Done():
	case err = <-n.failed:
	case err = <-n.messages.Failed():
		err = fmt.Errorf("%w; start the node again when that is mended: nothing acknowledged is lost", err)
	}
	n.drain()
	ending, cancel := context.WithTimeout(context.Background(), endWait)
	defer cancel()
	err = errors.Join(ignoreClosed(err), ignoreClosed(clients.Shutdown(ending)), n.close())
	n.log.Info("ended")
	return err
}

func (n *node) clientServer() (*http.Server, error) {
	s := newHTTPServer(n.clientHandler())
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true) // gRPC behind a proxy that ends TLS
	if n.o.tlsCert == "" {
		return s, nil
	}
	var err error
	s.TLSConfig, err = n.tlsConfig()
	return s, err
}

func (n *node) clientHandler() http.Handler {
	mux := http.NewServeMux()
	n.gateway.Register(mux)
	n.backends.Register(mux)
	mux.Handle("/", web.Handler())
	if n.o.dev {
		mux.HandleFunc("GET /fleet.json", n.fleet)
		mux.Handle("GET /dev/token", n.development)
	}
	return mux
}

func (n *node) announce() {
	where := "embedded in " + n.o.dataDir
	if n.o.natsURL != "" {
		where = "NATS"
	}
	n.log.Info("ready", "clients", address(n.clients, n.o.tlsCert != ""), "admin", address(n.admin, n.o.adminCert != ""), "log", where,
		"version", version, "node", n.messages.NodeID(), "started_in", time.Since(n.started).Round(time.Millisecond).String())
}

// drain hands over what others can take: newcomers at once, then the shards of the log, then the connections, over the drain period. A
// node alone has nobody to hand over to.
func (n *node) drain() {
	n.draining.Store(true)
	n.conns.Refuse()
	for _, p := range n.protocols {
		p.refuse()
	}
	period := n.o.drain
	if n.o.natsURL == "" {
		period = 0
	}
	n.log.Info("draining", "connections", n.connections(), "period", period.String())
	ctx, cancel := context.WithTimeout(context.Background(), period+endWait)
	defer cancel()
	n.messages.Drain(ctx)
	drained := n.drainProtocols(ctx, period)
	if err := errors.Join(n.conns.Drain(ctx, period, codeShutdown, "shutdown"), drained()); err != nil {
		n.log.Warn("some connections did not close", "connections", n.connections())
	}
}

// close ends whatever has been started, in the order in which it depends on each other.
func (n *node) close() error {
	defer n.closeListeners()
	if n.conns != nil {
		n.conns.Close()
	}
	n.closeWebhook()
	for _, p := range n.protocols {
		p.close()
	}
	if n.gateway != nil {
		n.gateway.Close()
	}
	if n.chat != nil {
		n.chat.Close()
	}
	n.closeModeration()
	searched := n.closeSearch()
	if n.hub != nil {
		n.hub.Close()
	}
	if n.tokens != nil {
		n.tokens.Close()
	}
	if n.messages != nil {
		return errors.Join(searched, n.messages.Close())
	}
	return searched
}

// closeListeners closes those too that no server has closed.
func (n *node) closeListeners() {
	if n.adminHTTP != nil {
		_ = n.adminHTTP.Close()
	}
	for _, l := range []net.Listener{n.clients, n.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
}
