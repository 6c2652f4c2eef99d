package process

import (
	"context"
	"testing"
)

// ChatnodeOptions say what a chatnode is started with.
type ChatnodeOptions struct {
	// Name stands in front of its log; empty is "chatnode".
	Name string
	// NATSURL is given as --nats-url; empty leaves it out, so that the node
	// embeds its JetStream.
	NATSURL string
	// DataDir is given as --data-dir; empty is a new temporary directory.
	DataDir string
	// Flags are added as they are, for example "--dev".
	Flags []string
	// Env is added to the test's own environment, as NAME=value.
	Env []string
	// Race builds the node with the race detector, which slows it down by
	// about five times.
	Race bool
}

// Chatnode is one chat node. It keeps its ports and its data over restarts.
type Chatnode struct {
	*program
	clientPort int
	adminPort  int
	dataDir    string
}

// StartChatnode runs a node and returns when it is ready for clients.
func StartChatnode(tb testing.TB, options ChatnodeOptions) *Chatnode {
	tb.Helper()
	name, dataDir := options.Name, options.DataDir
	if name == "" {
		name = "chatnode"
	}
	if dataDir == "" {
		dataDir = tb.TempDir()
	}
	c := &Chatnode{
		program:    newProgram(tb, name, BuildChatnode(tb, options.Race)),
		clientPort: reservePort(tb),
		adminPort:  reservePort(tb),
		dataDir:    dataDir,
	}
	c.env = options.Env
	c.args = []string{"--listen", address(c.clientPort), "--admin-listen", address(c.adminPort), "--data-dir", dataDir}
	if options.NATSURL != "" {
		c.args = append(c.args, "--nats-url", options.NATSURL)
	}
	c.args = append(c.args, options.Flags...)
	c.Start()
	c.WaitReady()
	return c
}

// URL is the root of the client port: http://host:port.
func (c *Chatnode) URL() string { return "http://" + address(c.clientPort) }

// AdminURL is the root of the admin port: http://host:port.
func (c *Chatnode) AdminURL() string { return "http://" + address(c.adminPort) }

// DataDir is the node's data directory; it survives restarts.
func (c *Chatnode) DataDir() string { return c.dataDir }

// Start runs the node after Kill or Stop, on the same ports and data. It
// doesn't wait until the node is ready.
func (c *Chatnode) Start() {
	c.tb.Helper()
	if err := c.start(); err != nil {
		c.tb.Fatal(err)
	}
}

// Restart stops the node if it runs, starts it again on the same ports and
// data, and returns when it is ready.
func (c *Chatnode) Restart() {
	c.tb.Helper()
	c.Stop()
	c.Start()
	c.WaitReady()
}

// WaitReady returns when /readyz on the admin port says so. The test ends with
// Fatal when that takes longer than a minute or the process ends.
func (c *Chatnode) WaitReady() {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	if err := until(ctx, c.gone(), c.Ready); err != nil {
		c.tb.Fatalf("wait for %s: %v", c.name, err)
	}
}

// Ready asks /readyz once: nil, or why the node isn't ready.
func (c *Chatnode) Ready(ctx context.Context) error {
	return probe(ctx, c.AdminURL()+"/readyz", nil)
}
