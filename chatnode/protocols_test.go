package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/test/authority"
)

// speakingTLS starts a node whose ports for clients of other systems all speak TLS.
func speakingTLS(t *testing.T) (*node, *tls.Config) {
	t.Helper()
	a, dir := authority.New(t), t.TempDir()
	certFile, keyFile, secret := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "secret")
	a.Pair("node").Write(t, certFile, keyFile)
	if err := os.WriteFile(secret, []byte("tokenKey"), 0o600); err != nil {
		t.Fatal(err)
	}
	const free = "127.0.0.1:0"
	n := startTestNode(t, "--tls-cert="+certFile, "--tls-key="+keyFile, "--protocols-tls=heimdallr,pull,push,comet,mqtt",
		"--heimdallr-listen="+free, "--heimdallr-admin-listen="+free, "--pull-listen="+free, "--push-listen="+free,
		"--comet-listen="+free, "--comet-password-file="+secret,
		"--mqtt-listen="+free, "--mqtt-http-listen="+free, "--mqtt-jwt-secret-file="+secret)
	return n, &tls.Config{RootCAs: a.Roots(), ServerName: "localhost"}
}

func TestClientsOfOtherSystemsAreServedOverTLS(t *testing.T) {
	n, config := speakingTLS(t)
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: time.Minute}
	heimdallr, pull := n.protocols[0].(*heimdallrPorts), n.protocols[1].(*pullPorts)
	push, comet, mqtt := n.protocols[2].(*pushPort), n.protocols[3].(*cometPorts), n.protocols[4].(*mqttPorts)
	for _, c := range []struct {
		port net.Listener
		path string
		want int
	}{
		{heimdallr.admin, "/stats/all", http.StatusOK},
		{pull.port, "/ping", http.StatusOK},
		{push.clients, "/chattp_request/isonline?user_name=ann", http.StatusOK},
		{comet.browsers, "/nothing", http.StatusNotFound},
		{mqtt.web, "/api/shop/ann/conversations", http.StatusForbidden},
	} {
		response, err := web.Get("https://" + c.port.Addr().String() + c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s is answered %s", c.path, response.Status)
		}
		if plain, err := http.Get("http://" + c.port.Addr().String() + c.path); err == nil {
			if _ = plain.Body.Close(); plain.StatusCode == c.want {
				t.Errorf("%s is answered without TLS", c.path)
			}
		}
	}
	for path, port := range map[string]net.Listener{"/7": heimdallr.rooms, "/ws": mqtt.web} {
		dialer := websocket.Dialer{TLSClientConfig: config, Subprotocols: []string{"mqtt"}, HandshakeTimeout: time.Minute}
		ws, response, err := dialer.Dial("wss://"+port.Addr().String()+path, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		_, _ = response.Body.Close(), ws.Close()
	}
}

func TestMQTTIsServedOverTLS(t *testing.T) {
	n, config := speakingTLS(t)
	address := n.protocols[4].(*mqttPorts).tcp.Addr().String()
	silent, err := net.Dial("tcp", address) // holds up nobody
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	config.NextProtos = []string{"mqtt"} // as some clients ask for
	client, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	wantRefused(t, client)
}
