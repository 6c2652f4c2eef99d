package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATS is one nats-server with JetStream in files, alone or a member of a
// NATSCluster. It keeps its ports and its data over restarts.
type NATS struct {
	*program
	dataDir    string
	clientPort int
	routePort  int
	adminPort  int
	clustered  bool
	connect    []nats.Option
}

func newNATS(tb testing.TB, path string, number int, options NATSOptions) *NATS {
	clustered := options.Servers > 1
	n := &NATS{
		program:    newProgram(tb, fmt.Sprintf("nats-%d", number), path),
		dataDir:    tb.TempDir(),
		clientPort: reservePort(tb),
		adminPort:  reservePort(tb),
		clustered:  clustered,
		connect:    options.Connect,
	}
	if clustered {
		n.routePort = reservePort(tb)
	}
	return n
}

// configure writes the server's configuration, in which all members of the
// cluster are named.
func (n *NATS) configure(options NATSOptions, members []*NATS) error {
	file := filepath.Join(filepath.Dir(n.logFile), "nats-server.conf")
	n.args = []string{"--config", file}
	if err := os.WriteFile(file, []byte(natsConfig(n, options, members)), 0o644); err != nil {
		return fmt.Errorf("configure %s: %w", n.name, err)
	}
	return nil
}

// Name is the server's name, as JetStream reports leaders and replicas.
func (n *NATS) Name() string { return n.name }

// URL is the address for clients of this server alone: nats://host:port.
func (n *NATS) URL() string { return "nats://" + address(n.clientPort) }

// AdminURL is the root of the server's HTTP monitoring: http://host:port.
func (n *NATS) AdminURL() string { return "http://" + address(n.adminPort) }

// DataDir is the directory of the JetStream files; it survives restarts.
func (n *NATS) DataDir() string { return n.dataDir }

// Start runs the server after Kill or Stop, on the same data. It doesn't wait
// until the server is ready: in a cluster that may need another one first.
func (n *NATS) Start() {
	n.tb.Helper()
	if err := n.start(); err != nil {
		n.tb.Fatal(err)
	}
}

// Restart stops the server if it runs, starts it again on the same data, and
// returns when it is ready.
func (n *NATS) Restart() {
	n.tb.Helper()
	n.Stop()
	n.Start()
	n.WaitReady()
}

// WaitReady returns when the server answers JetStream requests, has caught up
// with its streams and, in a cluster, knows the meta leader. The test ends with
// Fatal when that takes longer than a minute.
func (n *NATS) WaitReady() {
	n.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	if err := until(ctx, n.gone(), n.Ready); err != nil {
		n.tb.Fatalf("wait for %s: %v", n.name, err)
	}
}

// Ready tells once, without waiting, what WaitReady waits for: nil, or what is
// still missing.
func (n *NATS) Ready(ctx context.Context) error {
	if err := probe(ctx, n.AdminURL()+"/healthz", nil); err != nil {
		return err
	}
	if n.clustered {
		meta, err := n.meta(ctx)
		if err != nil {
			return err
		}
		if meta.Leader == "" {
			return errors.New("no meta leader yet")
		}
	}
	return withJetStream(n.URL(), n.connect, func(js jetstream.JetStream) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := js.AccountInfo(ctx)
		return err
	})
}

// metaGroup is the Raft group that places streams, as one server sees it.
type metaGroup struct {
	Leader   string `json:"leader"`
	Size     int    `json:"cluster_size"`
	Replicas []struct {
		Current bool `json:"current"`
		Offline bool `json:"offline"`
	} `json:"replicas"` // of the others; only the leader tells
}

func (n *NATS) meta(ctx context.Context) (metaGroup, error) {
	var answer struct {
		Meta metaGroup `json:"meta_cluster"`
	}
	err := probe(ctx, n.AdminURL()+"/jsz", &answer)
	return answer.Meta, err
}

// withJetStream lends a connection that is closed afterwards.
func withJetStream(url string, how []nats.Option, use func(jetstream.JetStream) error) error {
	options := append([]nats.Option{nats.NoReconnect(), nats.Timeout(2 * time.Second)}, how...)
	connection, err := nats.Connect(url, options...)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", url, err)
	}
	defer connection.Close()
	js, err := jetstream.New(connection)
	if err != nil {
		return fmt.Errorf("use JetStream at %s: %w", url, err)
	}
	return use(js)
}
