package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestClientsOfDistributedChatAreServedUntilTheNodeDrains(t *testing.T) {
	n := launch(t, "--pull-listen=127.0.0.1:0", "--pull-app=shop", "--pull-dialect=a")
	end, ended := serve(t, n)
	port := n.protocols[0].(*pullPorts).port.Addr().String()
	response, err := http.Post("http://"+port+"/api/send", "application/json", strings.NewReader(`{"chat":"ann:bob","sender":"ann","text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Errorf("a message is answered %s", response.Status)
	}
	status, body := get(t, "http://"+port+"/api/pull?chat=ann:bob&limit=10")
	if status != http.StatusOK || !strings.HasPrefix(body, `{"messages":[{"chat":"ann:bob","text":"hello","sender":"ann","send_time":`) {
		t.Errorf("%d %s", status, body)
	}
	if _, body := get(t, "http://"+n.admin.Addr().String()+"/metrics"); !strings.Contains(body, `chatnode_pull_requests_total{call="send",status="201"} 1`) {
		t.Error("the message is not counted")
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", port); err == nil {
		_ = c.Close()
		t.Errorf("%s is open", port)
	}
}
