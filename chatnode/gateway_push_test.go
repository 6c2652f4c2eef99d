package main

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestClientsOfCHaTTPAreServedUntilTheNodeDrains(t *testing.T) {
	n := launch(t, "--push-listen=127.0.0.1:0", "--push-app=talk", "--push-shape=haskell")
	end, ended := serve(t, n)
	port := n.protocols[0].(*pushPort)
	base := "http://" + port.clients.Addr().String()
	var login struct {
		Channel string `json:"channel_id"`
	}
	// To hash a password takes a race detector on a busy machine longer than a command may take.
	wait.Eventually(t, 5*time.Minute, "a user to register and log in", func() string {
		_, _ = get(t, base+"/chattp_request/register?user_name=ann&password=pw")
		status, body := get(t, base+"/chattp_request/login?user_name=ann&password=pw")
		if err := json.Unmarshal([]byte(body), &login); err != nil || status != http.StatusOK || login.Channel == "" {
			return body
		}
		return ""
	})
	if status, body := get(t, base+"/chattp_request/isonline?user_name=ann"); status != http.StatusOK || !strings.HasSuffix(body, `"online":true,"type":"isonline"}`+"\n") {
		t.Fatalf("%d %s", status, body)
	}
	seen, err := n.chat.Presence(t.Context(), chat.Actor{App: "talk", Server: true}, &chatv1.PresenceRequest{Users: []string{"ann"}})
	if err != nil || seen.GetUsers()[0].GetStatus() != chatv1.Status_STATUS_ONLINE {
		t.Errorf("for other protocols, ann is %v: %v", seen, err)
	}
	first, err := http.Get(base + "/sub?channel_id=" + login.Channel)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Body.Close()
	polled := make(chan int, 1)
	go func() {
		r, err := http.NewRequest(http.MethodGet, base+"/sub?channel_id="+login.Channel, nil)
		if err == nil {
			r.Header.Set("If-None-Match", first.Header.Get("Etag"))
			var response *http.Response
			if response, err = http.DefaultClient.Do(r); err == nil {
				_ = response.Body.Close()
				polled <- response.StatusCode
				return
			}
		}
		t.Error(err)
		polled <- 0
	}()
	wait.Eventually(t, time.Minute, "a poll to wait", func() string {
		_, body := get(t, "http://"+n.admin.Addr().String()+"/metrics")
		if !strings.Contains(body, "chatnode_push_waiting_polls 1") {
			return "none does"
		}
		return ""
	})
	end()
	if status := <-polled; status != http.StatusNotModified {
		t.Errorf("a poll was answered with %d", status)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", port.clients.Addr().String()); err == nil {
		_ = c.Close()
		t.Errorf("%s is open", port.clients.Addr())
	}
}
