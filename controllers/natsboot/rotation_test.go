package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/controllers/pki"
	"github.com/chatfleet/chatfleet/test/process"
)

// The authority of three servers is replaced while clients are connected. In each step the servers get the new files one after the other, and
// a client that has the files of the step before comes to each of them.
func TestAnAuthorityIsReplacedUnderRunningServers(t *testing.T) {
	pods := []*pod{newPod(t, "lobby-nats-0"), newPod(t, "lobby-nats-1"), newPod(t, "lobby-nats-2")}
	now := time.Now().Add(-4 * pki.Overlap)
	secrets := map[string]map[string][]byte{}
	issueAt(t, secrets, now)
	for _, p := range pods {
		p.take(secrets)
		p.configure("", pods...)
	}
	var boots []*process.Command
	for _, p := range pods {
		boots = append(boots, p.start())
	}
	for _, p := range pods {
		await(t, "all servers", p.ready)
	}
	lost := make(chan string, 3)
	for _, p := range pods {
		client := p.connect(nats.NoReconnect(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			lost <- p.name
		}))
		defer client.SetDisconnectErrHandler(nil)
	}
	delete(secrets, "lobby-ca") // the way to ask for a new one
	for step := range 3 {
		before := pods[0].secrets
		issueAt(t, secrets, now.Add(time.Duration(step)*pki.Overlap))
		for i, p := range pods {
			reloads := strings.Count(boots[i].Log(), "Reloaded server configuration")
			p.take(secrets)
			await(t, "the new files to be read", func() bool { return strings.Count(boots[i].Log(), "Reloaded server configuration") > reloads })
			for _, server := range pods {
				late := *server
				late.secrets = before
				late.connect(nats.NoReconnect()).Close()
				late.secrets = maps.Clone(secrets)
				late.connect(nats.NoReconnect()).Close()
			}
		}
	}
	if len(secrets[leaf][pki.KeyAuthorities]) != len(secrets["lobby-ca"][pki.KeyCert]) {
		t.Error("the old authority is trusted still")
	}
	select {
	case name := <-lost:
		t.Errorf("a client of %s was disconnected", name)
	default:
	}
	for i, p := range pods {
		await(t, "the servers to be content", p.ready)
		if strings.Contains(boots[i].Log(), "TLS route handshake error") {
			t.Errorf("%s was refused by another server", p.name)
		}
	}
}

func issueAt(t *testing.T, secrets map[string]map[string][]byte, now time.Time) {
	t.Helper()
	issued, err := pki.Issue("lobby-ca", []pki.Wanted{{Name: leaf, DNSNames: []string{"localhost", "127.0.0.1"}, Server: true, Client: true}}, secrets, now)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(secrets, issued.Secrets)
}

// take mounts the secrets as they are.
func (p *pod) take(secrets map[string]map[string][]byte) {
	p.t.Helper()
	p.secrets = maps.Clone(secrets)
	p.mount(p.certs, p.secrets[leaf])
}
