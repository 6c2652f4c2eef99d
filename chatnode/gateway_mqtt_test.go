package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

func TestClientsOfChat21AreServedUntilTheNodeDrains(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("tokenKey"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := launch(t, "--mqtt-listen=127.0.0.1:0", "--mqtt-http-listen=127.0.0.1:0", "--mqtt-jwt-secret-file="+key)
	end, ended := serve(t, n)
	ports := n.protocols[0].(*mqttPorts)
	client, err := net.Dial("tcp", ports.tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	wantRefused(t, client)
	if status, body := get(t, "http://"+ports.web.Addr().String()+"/api/tilechat/ann/conversations"); status != http.StatusForbidden ||
		!strings.Contains(body, "Unauthorized.") {
		t.Errorf("%d %s", status, body)
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, l := range []net.Listener{ports.tcp, ports.web} {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
			t.Errorf("%s is open", l.Addr())
		}
	}
}

// wantRefused comes as a client of MQTT without a token.
func wantRefused(t *testing.T, client net.Conn) {
	t.Helper()
	_ = client.SetDeadline(time.Now().Add(time.Minute))
	if _, err := client.Write(packet.AppendConnect(nil, packet.Connect{Clean: true})); err != nil {
		t.Fatal(err)
	}
	refused := make([]byte, 4)
	if k, err := client.Read(refused); err != nil || string(refused[:k]) != string(packet.AppendConnack(nil, packet.RefusedCredentials)) {
		t.Errorf("%x %v", refused[:k], err)
	}
}
