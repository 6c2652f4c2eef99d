package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var heimdallrFlags = []string{
	"--heimdallr-listen=127.0.0.1:0", "--heimdallr-health-listen=127.0.0.1:0", "--heimdallr-admin-listen=127.0.0.1:0", "--heimdallr-app=games",
}

func TestClientsOfHeimdallrAreServedUntilTheNodeDrains(t *testing.T) {
	n := launch(t, heimdallrFlags...)
	end, ended := serve(t, n)
	ports := n.protocols[0].(*heimdallrPorts)
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+ports.rooms.Addr().String()+"/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.ReadMessage(); string(text) != "hello" {
		t.Fatalf("%q %v", text, err)
	}
	if status, body := get(t, "http://"+ports.admin.Addr().String()+"/stats/count/room/7"); status != http.StatusOK || !strings.Contains(body, `"total":1`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, "http://"+n.admin.Addr().String()+"/metrics"); !strings.Contains(body, "chatnode_heimdallr_sessions 1") {
		t.Errorf("%d, and no session is counted", status)
	}
	end()
	if _, text, err := ws.ReadMessage(); string(text) != `{"protocol":"heimdallr","host":"127.0.0.1","roomid":"7"}` {
		t.Errorf("%q %v", text, err)
	}
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, codeShutdown) {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, l := range []net.Listener{ports.rooms, ports.admin} {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
			t.Errorf("%s is open", l.Addr())
		}
	}
}

func TestAPortOfAProtocolThatIsTakenIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"--heimdallr-listen", "--heimdallr-health-listen", "--heimdallr-admin-listen"} {
		args := append([]string{"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--shards=1", "--data-dir=" + t.TempDir()}, heimdallrFlags...)
		o, err := parseOptions(append(args, flag+"="+l.Addr().String()), environment(nil), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := startNode(t.Context(), o, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
