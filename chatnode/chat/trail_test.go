package chat

import (
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestWhoWritesInAnOpenChannelLeavesATrail(t *testing.T) {
	s, _ := start(t, noLimits, "open*")
	text := "hello"
	must(s.Publish(ann, "open:published", []byte(`{"a":1}`)).Wait(t.Context()))(t)
	must(s.Send(t.Context(), ann, &chatv1.SendRequest{Id: newID(), Room: "open:sent", Text: &text}))(t)
	for _, channel := range []string{"open:published", "open:sent"} {
		feed := backbone.Feed{Kind: layout.Room, App: DefaultApp, Name: channel}
		row := must(s.tables.Get(t.Context(), layout.Inbox, trailKey(feed, "ann")))(t)
		if row.Revision == 0 {
			t.Errorf("what ann wrote in %s would not be found again", channel)
		}
	}
}
