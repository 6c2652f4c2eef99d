package chat

import (
	"encoding/json"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestANoticeStaysInThePersonalFeed(t *testing.T) {
	s, log := start(t, DefaultLimits)
	server := Actor{App: DefaultApp, Server: true}
	n := Notice{ID: newID(), User: "ann", Text: "Hello", Data: json.RawMessage(`{"a":1}`)}
	first, err := s.Notify(t.Context(), server, n)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Notify(t.Context(), server, n)
	if err != nil || again.Offset != first.Offset {
		t.Errorf("the same again is at %d, %v, and was at %d", again.Offset, err, first.Offset)
	}
	page, err := log.After(t.Context(), backbone.Feed{Kind: layout.User, App: DefaultApp, Name: "ann"}, 0, 10)
	if err != nil || len(page.Messages) != 1 {
		t.Fatalf("the feed has %+v, %v", page.Messages, err)
	}
	var e noticeEvent
	if err := json.Unmarshal(page.Messages[0].Data, &e); err != nil || e.Type != "notice" || e.Text != "Hello" || string(e.Data) != `{"a":1}` || e.ID != first.ID {
		t.Errorf("the event is %+v, %v", e, err)
	}
	for name, test := range map[string]struct {
		actor Actor
		n     Notice
		want  Kind
	}{
		"a user":           {Actor{App: DefaultApp, User: "ann"}, n, Denied},
		"nobody":           {server, Notice{Text: "x"}, Invalid},
		"nothing":          {server, Notice{User: "ann"}, Invalid},
		"data of no JSON":  {server, Notice{User: "ann", Data: json.RawMessage(`{`)}, Invalid},
		"an id of nothing": {server, Notice{User: "ann", Text: "x", ID: string(make([]byte, maxID+1))}, Invalid},
	} {
		if _, err := s.Notify(t.Context(), test.actor, test.n); err == nil || err.(*Error).Kind != test.want { //nolint:errorlint // it is one
			t.Errorf("%s: %v", name, err)
		}
	}
}
