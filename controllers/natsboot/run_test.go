package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/test/process"
)

func TestTheServerHasANameThatBelongsToItsVolume(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	boot := p.start()
	await(t, "the server", p.ready)
	first := p.connect().ConnectedServerName()
	if !strings.HasPrefix(first, "lobby-nats-0-") || len(first) != len("lobby-nats-0-")+6 {
		t.Errorf("the server's name is %s", first)
	}
	boot.Restart()
	await(t, "the server", p.ready)
	if again := p.connect().ConnectedServerName(); again != first {
		t.Errorf("after a restart on the same volume the server is %s, and was %s", again, first)
	}
	boot.Stop()
	if err := os.RemoveAll(p.data); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(p.data, 0o755); err != nil {
		t.Fatal(err)
	}
	boot.Restart()
	await(t, "the server", p.ready)
	if other := p.connect().ConnectedServerName(); other == first {
		t.Errorf("on another volume the server is %s again", other)
	}
}

func TestANewCertificateIsTakenUpWithoutClosingConnections(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	p.start()
	await(t, "the server", p.ready)
	closed := make(chan error, 1)
	old := p.connect(nats.NoReconnect(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { closed <- err }))
	before := p.serial()
	p.issue()
	await(t, "the new certificate", func() bool { return p.serial() != before })
	await(t, "the monitor port to have it too", p.ready)
	if err := old.Flush(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-closed:
		t.Errorf("the old connection was closed: %v", err)
	default:
	}
	old.SetDisconnectErrHandler(nil)
}

func TestAChangedConfigurationIsTakenUp(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("max_payload: 1000000")
	p.start()
	await(t, "the server", p.ready)
	if got := p.connect().MaxPayload(); got != 1000000 {
		t.Fatalf("the largest message is %d", got)
	}
	p.configure("max_payload: 2000000")
	await(t, "the new bound", func() bool { return p.connect().MaxPayload() == 2000000 })
}

func TestTheEndOfOneOfThreeServersIsAnnouncedAndItsLeadershipsMoveOn(t *testing.T) {
	pods := []*pod{newPod(t, "lobby-nats-0"), newPod(t, "lobby-nats-1"), newPod(t, "lobby-nats-2")}
	for _, p := range pods { // one authority for all
		p.secrets = pods[0].secrets
		p.mount(p.certs, p.secrets[leaf])
		p.configure("", pods...)
	}
	boots := map[string]*process.Command{}
	for _, p := range pods {
		boots[p.name] = p.start()
	}
	for _, p := range pods {
		await(t, "all servers", p.ready)
	}
	witness := pods[0].connect()
	leader := func() string { return leaderOf(t, witness, "s") }
	await(t, "a leader", func() bool { return leader() != "" })
	first := podOf(pods, leader())
	if first == pods[0] { // the witness needs to stay
		witness = pods[1].connect()
	}
	announced := make(chan struct{}, 1)
	first.connect(nats.LameDuckModeHandler(func(*nats.Conn) { announced <- struct{}{} }), nats.NoReconnect())
	if err := syscall.Kill(boots[first.name].PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, "the announcement", func() bool { return len(announced) > 0 })
	if status, _ := first.probe("/readyz"); status == http.StatusOK {
		t.Error("the server says that it is ready while it ends")
	}
	await(t, "another leader", func() bool { next := leader(); return next != "" && podOf(pods, next) != first })
	if !boots[first.name].Running() {
		t.Error("the server is gone while it has a client")
	}
	boots[first.name].Stop() // a second signal is obeyed at once

	witness.Close()
	for _, p := range pods {
		boots[p.name].Stop()
		if ended := boots[p.name].Log(); p != first && strings.Contains(ended, "Trapped \"interrupt\"") {
			t.Errorf("%s was hurried", p.name)
		}
	}
}

// leaderOf is the server that leads the stream, which is made if it isn't there; empty while there is none.
func leaderOf(t *testing.T, nc *nats.Conn, name string) string {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Replicas: 3})
	if err != nil {
		return ""
	}
	return stream.CachedInfo().Cluster.Leader
}

func podOf(pods []*pod, server string) *pod {
	for _, p := range pods {
		if strings.HasPrefix(server, p.name) {
			return p
		}
	}
	return nil
}

func TestAServerThatIsAloneEndsAtOnce(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	boot := p.start()
	await(t, "the server", p.ready)
	p.connect(nats.NoReconnect())
	boot.Stop() // and fails the test if the exit code isn't 0
	if strings.Contains(boot.Log(), "lame duck") {
		t.Error("the server waited for its clients to go, though they have nowhere to go")
	}
}

func TestProbesTellWhatTheServerSays(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	p.start()
	await(t, "the server", p.ready)
	for path, want := range map[string]int{"/startz": http.StatusOK, "/readyz": http.StatusOK, "/livez": http.StatusOK, "/varz": http.StatusNotFound} {
		if status, body := p.probe(path); status != want {
			t.Errorf("%s answers %d %s", path, status, body)
		}
	}
}

func TestTheServersEndIsThePods(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	for _, test := range []struct {
		name, script string
		code         int
	}{
		{"an exit code", "exit 7", 7},
		{"a signal", "kill -9 $$", 137},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := filepath.Join(t.TempDir(), "server")
			if err := os.WriteFile(server, []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			args := p.args()
			boot := exec.CommandContext(t.Context(), self, append(args[:len(args)-1], server)...)
			boot.Env = append(os.Environ(), p.env()...)
			var exit *exec.ExitError
			if output, err := boot.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != test.code {
				t.Errorf("got %v, want exit code %d\n%s", err, test.code, output)
			}
		})
	}
}

func TestMistakesOnTheCommandLineAreNamed(t *testing.T) {
	for _, test := range []struct {
		args    []string
		message string
	}{
		{nil, "the command is run or version"},
		{[]string{"walk"}, "the command is run or version"},
		{[]string{"run", "--data", "/data"}, "program to start is missing"},
		{[]string{"run", "--watch-every", "0s", "--", "nats-server"}, "--watch-every"},
		{[]string{"run", "--heal-after", "-1s", "--", "nats-server"}, "--heal-after"},
		{[]string{"run", "--nonsense"}, "nonsense"},
	} {
		var out strings.Builder
		if _, err := parse(test.args, &out); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%q gave %v", test.args, err)
		}
	}
}

// serial is that of the certificate that the client port shows.
func (p *pod) serial() string {
	p.t.Helper()
	nc := p.connect(nats.NoReconnect())
	defer nc.Close()
	state, err := nc.TLSConnectionState()
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprint(state.PeerCertificates[0].SerialNumber)
}
