package centrifuge

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestCommandsReachTheirSessionThroughAnyNode(t *testing.T) {
	url := startNATS(t).ClientURL()
	overNATS := func(s *setup) { s.natsURL = url }
	one, two := startNode(t, overNATS), startNode(t, overNATS)
	for _, via := range transports[2:] {
		t.Run(via.name, func(t *testing.T) {
			one.t, two.t = t, t
			c := one.connect(t, via, "ann")
			c.base = two.http.URL // whatever it says now, it says to the other node
			room := "room:" + t.Name()
			c.subscribe(room)
			listener := two.connect(t, transports[0], "bob")
			listener.subscribe(room)
			c.publish(room, "hello")
			for _, each := range []*rawClient{c, listener} {
				if push := each.push(); textOf(t, push.Pub) != "hello" {
					t.Errorf("%+v", push)
				}
			}
			secret := c.result.Session
			c.useSession("unknown")
			if err := c.write(c.frame(&protocol.Command{})); err == nil {
				t.Error("an unknown session was taken")
			}
			c.useSession(secret)
			c.cut()
			eventually(t, "the end of the session", func() bool { return c.write(c.frame(&protocol.Command{})) != nil })
		})
	}
	one.t, two.t = t, t
	if unknown := two.metric("chatnode_centrifuge_emulation_requests_total", "result", "unknown_session"); unknown < 6 {
		t.Errorf("%v unknown sessions counted", unknown)
	}
}

// useSession has further commands say that they are that session's.
func (c *rawClient) useSession(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = secret
}

// deaf is a log whose other nodes don't answer.
type deaf struct{ Log }

func (deaf) Ask(context.Context, string, string, []byte) ([]byte, error) {
	return nil, errors.New("no answer")
}

func TestCommandsForANodeThatDoesNotAnswerDoNotFillTheLog(t *testing.T) {
	n := startNode(t, nil)
	n.gateway.options.Log = deaf{n.backbone}
	now := time.Now()
	n.gateway.now = func() time.Time { return now }
	var log bytes.Buffer
	n.gateway.log = slog.New(slog.NewTextHandler(&log, nil))
	body := protocol.AppendEmulation(protocol.JSON, nil, &protocol.EmulationRequest{Node: "other", Session: "some", Data: []byte("{}")})
	for range 100 {
		answer := httptest.NewRecorder()
		n.http.Config.Handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/emulation", bytes.NewReader(body)))
		if answer.Code != http.StatusBadGateway {
			t.Fatalf("status %d", answer.Code)
		}
	}
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines < 1 || lines > 10 {
		t.Errorf("%d lines in the log", lines)
	}
}
