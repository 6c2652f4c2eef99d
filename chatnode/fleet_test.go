package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/chatfleet/chatfleet/chatnode/auth"
)

// startNATS runs a NATS server for a fleet.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server did not start")
	}
	return s.ClientURL()
}

func clientURL(n *node) string { return "http://" + n.clients.Addr().String() }

// connectAnonymous opens a WebSocket, introduces nobody, answers pings, and says when and with which code it ends.
func connectAnonymous(t *testing.T, n *node, ends chan<- int) {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+n.clients.Addr().String()+"/connection/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":1,"connect":{}}`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer ws.Close()
		for {
			_, said, err := ws.ReadMessage()
			if err != nil {
				closed := &websocket.CloseError{}
				errors.As(err, &closed)
				ends <- closed.Code
				return
			}
			if string(said) == "{}" {
				_ = ws.WriteMessage(websocket.TextMessage, said) // that it failed, the next read tells
			}
		}
	}()
}

// A node that is told to end refuses newcomers with a hint at once, spreads the closes over the period, and ends when nobody is left.
func TestADrainingNodeLetsItsClientsGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	const clients, period = 30, 10 * time.Second
	url := startNATS(t)
	startTestNode(t, "--nats-url="+url, "--name=stays")
	n := launch(t, "--nats-url="+url, "--anonymous", "--drain-period="+period.String())
	end, ended := serve(t, n)
	ends := make(chan int, clients)
	for range clients {
		connectAnonymous(t, n, ends)
	}
	began := time.Now()
	end()
	if code := <-ends; code != codeShutdown {
		t.Errorf("closed with %d", code)
	}
	if status, body := get(t, "http://"+n.admin.Addr().String()+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d %s", status, body)
	}
	_, response, err := websocket.DefaultDialer.Dial("ws://"+n.clients.Addr().String()+"/connection/websocket", nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("a newcomer: %v, %+v", err, response)
	}
	for range clients/2 - 1 {
		<-ends
	}
	half := time.Since(began)
	if half < period/4 {
		t.Errorf("half of the clients were closed after %v of %v", half, period)
	}
	for range clients / 2 {
		if code := <-ends; code != codeShutdown {
			t.Errorf("closed with %d", code)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("half closed after %v, ended after %v", half, time.Since(began))
}

func TestAnEmptyNodeEndsWithoutWaitingForItsDrainPeriod(t *testing.T) {
	n := startTestNode(t, "--nats-url="+startNATS(t), "--drain-period=1h")
	if n.o.drain != time.Hour {
		t.Fatal(n.o.drain)
	}
	// The end of the test ends the node, which waits for it.
}

func TestANodeThatExpectsStreamsWaitsForThemAndSaysSo(t *testing.T) {
	url, admin := startNATS(t), freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	args := []string{"--listen=127.0.0.1:0", "--admin-listen=" + admin, "--data-dir=" + t.TempDir(), "--shards=1", "--streams=expect", "--log-level=error", "--nats-url="}
	start := func(url string) chan error {
		done := make(chan error, 1)
		go func() {
			done <- run(ctx, append(args[:len(args)-1:len(args)-1], args[len(args)-1]+url), environment(nil), io.Discard)
		}()
		return done
	}
	says := func(status int, text string) {
		await(t, func() error {
			response, err := http.Get("http://" + admin + "/readyz")
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err == nil && (response.StatusCode != status || !strings.Contains(string(body), text)) {
				err = fmt.Errorf("%d %s", response.StatusCode, body)
			}
			return err
		})
	}
	lost := start("nats://127.0.0.1:1")
	says(http.StatusServiceUnavailable, "nobody answers there")
	if status, body := get(t, "http://"+admin+"/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d %s", status, body)
	}
	if status, body := get(t, "http://"+admin+"/load"); status != http.StatusServiceUnavailable {
		t.Errorf("load: %d %s", status, body)
	}
	cancel()
	if err := <-lost; err != nil {
		t.Errorf("told to end: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	done := start(url)
	says(http.StatusServiceUnavailable, "the streams are not there")
	startTestNode(t, "--nats-url="+url) // makes them
	says(http.StatusOK, "ok")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCheckSendsFromOneNodeToAnother(t *testing.T) {
	url := startNATS(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--nats-url=" + url, "--jwt-hmac-secret-file=" + secret, "--jwt-issuer=app", "--jwt-audience=chat"}
	one, other := startTestNode(t, flags...), startTestNode(t, flags...)
	signer, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: []byte(strings.Repeat("s", 32)), Issuer: "app", Audience: "chat"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Token("ann", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	both := fmt.Sprintf("--from=%s --to=%s ", clientURL(one), clientURL(other))
	for _, c := range []struct {
		args string
		env  map[string]string
		want string // of the line, or of the error
	}{
		{both + "--token-secret-file=" + secret + " --token-issuer=app --token-audience=chat", nil,
			"sent on node " + one.messages.NodeID() + ", received on node " + other.messages.NodeID() + " after "},
		{both + "--token-file=" + tokenFile, nil, "sent on node "},
		{both + "--channel=room:mine", map[string]string{"CHATNODE_CHECK_TOKEN": token}, "(room:mine)"},
		{"--from=" + clientURL(one) + " --token=" + token, nil, "no other node was met"},
		{both + "--across --token=" + token, nil, "received on node " + other.messages.NodeID()},
		{"--from=" + clientURL(one) + " --across --timeout=2s --token=" + token, nil, "no other node than " + one.messages.NodeID() + " was met"},
		{both, nil, "introduce the user to ws://" + one.clients.Addr().String()},
		{both + "--token-secret-file=" + secret, nil, "introduce the user to"},
		{"--from=http://127.0.0.1:1", nil, "connect to ws://127.0.0.1:1/connection/websocket"},
		{"--from=http://" + one.admin.Addr().String(), nil, "the answer is 404"},
		{"--from=ftp://there", nil, "is not an address such as"},
		{"--to=http://there", nil, "--from says where"},
		{both + "--token-file=not-there", nil, "read the token"},
		{"--from=https://127.0.0.1:1 --ca=not-there", nil, "read the authorities"},
		{"--from=x more", nil, "unexpected argument"},
		{"--help", nil, "--token-secret-file"},
	} {
		var out strings.Builder
		err := run(t.Context(), append([]string{"check"}, strings.Fields(c.args)...), environment(c.env), &out)
		got := out.String()
		if err != nil {
			got += err.Error()
		}
		if !strings.Contains(got, c.want) || err != nil && strings.Contains(got, "\n") {
			t.Errorf("%s: %s, want %q", c.args, got, c.want)
		}
		t.Log(strings.TrimSpace(strings.Split(got, "\n")[0]))
	}
}

func TestCheckUsesAnOpenChannelWithoutAToken(t *testing.T) {
	n := startTestNode(t, "--anonymous", "--open-channels=smoke*")
	var out strings.Builder
	args := []string{"check", "--from=" + clientURL(n), "--channel=smoke-test"}
	if err := run(t.Context(), args, environment(nil), &out); err != nil || !strings.Contains(out.String(), "(smoke-test)") {
		t.Fatalf("%q %v", out.String(), err)
	}
}

func TestCheckEndsWithItsTimeout(t *testing.T) {
	n := startTestNode(t, "--dev")
	args := []string{"check", "--from=" + clientURL(n), "--timeout=1ns"}
	if err := run(t.Context(), args, environment(nil), io.Discard); err == nil || !strings.Contains(err.Error(), "no success within 1ns") {
		t.Fatal(err)
	}
}
