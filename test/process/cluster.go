package process

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// NATSCluster is the nats-servers of one test: one, or several that are routed
// to each other and share JetStream.
type NATSCluster struct {
	tb      testing.TB
	options NATSOptions
	servers []*NATS
}

// StartNATS runs that many servers and returns when all of them are ready for
// streams with as many replicas.
func StartNATS(tb testing.TB, servers int) *NATSCluster {
	tb.Helper()
	return StartNATSWith(tb, NATSOptions{Servers: servers})
}

// StartNATSWith is StartNATS with options.
func StartNATSWith(tb testing.TB, options NATSOptions) *NATSCluster {
	tb.Helper()
	path, err := buildNATSServer()
	if err != nil {
		tb.Fatal(err)
	}
	c := &NATSCluster{tb: tb, options: options}
	for i := range options.Servers {
		c.servers = append(c.servers, newNATS(tb, path, i+1, options))
	}
	for _, server := range c.servers {
		if err := server.configure(options, c.servers); err != nil {
			tb.Fatal(err)
		}
		server.Start()
	}
	c.WaitReady()
	return c
}

// Server is the i-th server, from 0.
func (c *NATSCluster) Server(i int) *NATS { return c.servers[i] }

// Servers are all servers, running or not.
func (c *NATSCluster) Servers() []*NATS { return c.servers }

// Wipe loses the data of the i-th server, which must not run, and gives it
// another name: the next one in its place.
func (c *NATSCluster) Wipe(i int, name string) {
	c.tb.Helper()
	server := c.servers[i]
	if server.Running() {
		c.tb.Fatalf("wipe %s: it runs", server.name)
	}
	if err := os.RemoveAll(server.dataDir); err != nil {
		c.tb.Fatal(err)
	}
	server.name = name
	if err := server.configure(c.options, c.servers); err != nil {
		c.tb.Fatal(err)
	}
}

// URLs are the client addresses of all servers, running or not.
func (c *NATSCluster) URLs() []string {
	urls := make([]string, len(c.servers))
	for i, server := range c.servers {
		urls[i] = server.URL()
	}
	return urls
}

// URL is all addresses in one, as nats.Connect and --nats-url take them.
func (c *NATSCluster) URL() string { return strings.Join(c.URLs(), ",") }

// WaitReady returns when every server is ready and the meta leader sees all
// the others. The test ends with Fatal when that takes longer than a minute.
func (c *NATSCluster) WaitReady() {
	c.tb.Helper()
	for _, server := range c.servers {
		server.WaitReady()
	}
	if len(c.servers) > 1 {
		c.wait("all servers in the meta group", func(ctx context.Context) error {
			leader, err := c.metaLeader(ctx)
			if err != nil {
				return err
			}
			return leader.leadsAll(ctx, len(c.servers))
		})
	}
}

// MetaLeader is the server that places streams; in a cluster of one, that one.
func (c *NATSCluster) MetaLeader() *NATS {
	c.tb.Helper()
	var leader *NATS
	c.wait("a meta leader", func(ctx context.Context) (err error) {
		leader, err = c.metaLeader(ctx)
		return err
	})
	return leader
}

// StreamLeader is the server that leads the stream, once there is a leader. For
// the bucket b of a key-value store the stream is KV_b.
func (c *NATSCluster) StreamLeader(stream string) *NATS {
	c.tb.Helper()
	var leader *NATS
	c.wait("a leader of "+stream, func(ctx context.Context) (err error) {
		leader, err = c.FindStreamLeader(ctx, stream)
		return err
	})
	return leader
}

// FindStreamLeader is StreamLeader for other goroutines than the test's: it asks
// once, and an error stands for what StreamLeader waits for.
func (c *NATSCluster) FindStreamLeader(ctx context.Context, stream string) (*NATS, error) {
	var leader *NATS
	err := withJetStream(c.URL(), c.servers[0].connect, func(js jetstream.JetStream) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		handle, err := js.Stream(ctx, stream)
		if err != nil {
			return fmt.Errorf("look up %s: %w", stream, err)
		}
		// A server that runs alone reports no cluster at all.
		if cluster := handle.CachedInfo().Cluster; cluster != nil && len(c.servers) > 1 {
			leader, err = c.named(cluster.Leader)
			return err
		}
		leader = c.servers[0]
		return nil
	})
	return leader, err
}

// metaLeader asks the servers for the leader until one knows it. A name that is
// left over from a server that isn't running is no answer.
func (c *NATSCluster) metaLeader(ctx context.Context) (*NATS, error) {
	if len(c.servers) == 1 {
		return c.servers[0], nil
	}
	lastErr := fmt.Errorf("no server runs")
	for _, server := range c.servers {
		if !server.Running() {
			continue
		}
		meta, err := server.meta(ctx)
		if err != nil {
			lastErr = err
			continue
		}
		leader, err := c.named(meta.Leader)
		if err == nil {
			return leader, nil
		}
		lastErr = err
	}
	return nil, lastErr
}

// leadsAll tells whether the meta leader has the others beside it.
func (n *NATS) leadsAll(ctx context.Context, servers int) error {
	meta, err := n.meta(ctx)
	if err != nil {
		return err
	}
	present := 1
	for _, replica := range meta.Replicas {
		if replica.Current && !replica.Offline {
			present++
		}
	}
	if present < servers {
		return fmt.Errorf("%s sees %d of %d servers", n.name, present, servers)
	}
	return nil
}

// named finds a running server by the name that JetStream reported.
func (c *NATSCluster) named(name string) (*NATS, error) {
	for _, server := range c.servers {
		if server.name == name && server.Running() {
			return server, nil
		}
	}
	return nil, fmt.Errorf("the leader is %q, which doesn't run", name)
}

func (c *NATSCluster) wait(what string, condition func(context.Context) error) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	if err := until(ctx, nil, condition); err != nil {
		c.tb.Fatalf("wait for %s: %v", what, err)
	}
}
