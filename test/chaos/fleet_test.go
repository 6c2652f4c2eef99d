package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/load"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/crowd"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// patience bounds every wait of a test: the machine may be busy with other things.
const patience = 4 * time.Minute

// fleet is the NATS servers and the chat nodes of a test.
type fleet struct {
	t      *testing.T
	nats   *process.NATSCluster
	nodes  []*process.Chatnode
	tokens *auth.Development
}

// startFleet runs that many NATS servers, with as many replicas, and two chat nodes that know the same users.
func startFleet(t *testing.T, servers int, flags ...string) *fleet {
	t.Helper()
	return startNodes(t, servers, 2, flags...)
}

// startNodes is startFleet with that many chat nodes.
func startNodes(t *testing.T, servers, nodes int, flags ...string) *fleet {
	t.Helper()
	secret := bytes.Repeat([]byte("chaos..."), 8)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, nats: process.StartNATS(t, servers), tokens: tokens}
	flags = append([]string{"--jwt-hmac-secret-file", file, "--replicas", fmt.Sprint(servers), "--messages-per-second", "0"}, flags...)
	for i := range nodes {
		f.nodes = append(f.nodes, process.StartChatnode(t, process.ChatnodeOptions{
			Name: fmt.Sprintf("node-%d", i+1), NATSURL: f.nats.URL(), Flags: flags, Race: os.Getenv("CHAOS_RACE") != "",
		}))
	}
	return f
}

// waitReady returns when everything runs and is ready.
func (f *fleet) waitReady() {
	f.t.Helper()
	f.nats.WaitReady()
	for _, node := range f.nodes {
		node.WaitReady()
	}
}

// waitShared returns when each node dispatches its part of the shards, so that the fall of any of them is felt.
func (f *fleet) waitShared() {
	f.t.Helper()
	const shards = 32 // of both kinds
	eventually(f.t, "the nodes to share the shards", func() string {
		for i, node := range f.nodes {
			var now load.Document
			if err := getJSON(f.t.Context(), node.AdminURL()+"/load", &now); err != nil {
				return err.Error()
			}
			if now.ShardsOwned < shards/len(f.nodes)-2 {
				return fmt.Sprintf("node %d has %d of %d", i+1, now.ShardsOwned, shards)
			}
		}
		return ""
	})
}

// addresses are those of all nodes, for client.Dial: that node first.
func (f *fleet) addresses(first int) string {
	var urls []string
	for i := range f.nodes {
		urls = append(urls, f.nodes[(first+i)%len(f.nodes)].URL())
	}
	return strings.Join(urls, ",")
}

// dial connects a user, to the addresses in turn until one answers.
func (f *fleet) dial(ctx context.Context, user, addresses string, o client.Options) (*client.Client, error) {
	token, err := f.tokens.Token(user, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	o.Token, o.Name = token, user
	return client.Dial(ctx, addresses, o)
}

// crowd makes the fleet one that a crowd can talk to.
func (f *fleet) crowd() crowd.Fleet {
	return crowd.Fleet{T: f.t, Patience: patience, Dial: func(ctx context.Context, user string, number int, o client.Options) (*client.Client, error) {
		return f.dial(ctx, user, f.addresses(number), o)
	}}
}

// mustDial is dial for a client that is closed with the test. It tries until it succeeds: a fleet that has just started may not know yet who
// owns the shards.
func (f *fleet) mustDial(t *testing.T, user, addresses string, o client.Options) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var c *client.Client
	err := wait.Until(ctx, retryEvery, func(ctx context.Context) (err error) {
		c, err = f.dial(ctx, user, addresses, o)
		return err
	})
	if err != nil {
		t.Fatalf("connect %s: %v", user, err)
	}
	t.Cleanup(c.Close)
	return c
}

// eventually returns when nothing is missing any more; the test ends with Fatal, and what missing says, when that takes too long.
func eventually(t *testing.T, what string, missing func() string) {
	t.Helper()
	wait.Eventually(t, patience, what, missing)
}
