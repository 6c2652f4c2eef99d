package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
)

// news is a change of the user's list of conversations, as the personal feed tells it.
type news struct {
	Type   string `json:"type"` // "conversation"
	Room   string `json:"room"`
	Change string `json:"change"`
	// Time is when the log stored it, in milliseconds.
	Time int64 `json:"time"`
}

// newsWatch listens to the personal feed for the session itself: the client is not told.
type newsWatch struct{ subscription }

// Encoder implements fanout.Member.
func (*newsWatch) Encoder() fanout.Encoder { return newsEncoder{} }

// Backlog implements fanout.Backlogger.
func (*newsWatch) Backlog() int { return 0 }

// Write implements fanout.Member.
func (w *newsWatch) Write(lines []byte) bool {
	s := w.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	for line := range bytes.Lines(lines) {
		var n news
		if json.Unmarshal(line, &n) == nil {
			s.news = append(s.news, n)
		}
	}
	if len(s.news) > s.gateway.limits.News {
		s.disconnect("news", "too many conversations change at once")
		return true
	}
	s.launch()
	return true
}

// newsEncoder keeps of a personal feed's events what sessions want to know, one JSON object a line.
type newsEncoder struct{}

// Messages implements fanout.Encoder.
func (newsEncoder) Messages(_ backbone.Feed, batch []*backbone.Message) (lines []byte) {
	for _, m := range batch {
		var n news
		if json.Unmarshal(m.Data, &n) != nil || n.Type != "conversation" {
			continue
		}
		n.Time = m.Time
		line, err := json.Marshal(n)
		if err == nil {
			lines = append(append(lines, line...), '\n')
		}
	}
	return lines
}

// Signal implements fanout.Encoder.
func (newsEncoder) Signal(backbone.Feed, []byte) []byte { return nil }

// Join implements fanout.Encoder.
func (newsEncoder) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder.
func (newsEncoder) Leave(backbone.Feed, []byte) []byte { return nil }

// follow enters rooms that the user is in now, and leaves those where it is not any more.
func (s *session) follow(ctx context.Context, all []news) {
	ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	for _, n := range all {
		var err error
		switch n.Change {
		case "created", "joined":
			err = s.enterNew(ctx, n)
		case "left", "kicked", "banned", "deleted":
			s.leave(n.Room)
		}
		if err != nil && !chat21.IsForbidden(err) {
			s.disconnect("unavailable", "the log can't be reached; try again")
			return
		}
	}
}

// lookBack is how many messages are looked at for those that came since a room was new.
const lookBack = 64

// enterNew enters a room, and delivers what was said there since the user was told of it.
func (s *session) enterNew(ctx context.Context, n news) error {
	sub, err := s.enter(ctx, n.Room)
	if err != nil || sub == nil {
		return err
	}
	feed := backbone.Feed{Kind: layout.Room, App: s.actor.App, Name: n.Room}
	// Whatever the log has behind the place of the subscription comes by that; what the page has of it too must not come twice.
	page, err := s.gateway.options.Log.Before(ctx, feed, sub.head+1, lookBack)
	if err != nil {
		s.leave(n.Room)
		return err
	}
	since := slices.DeleteFunc(slices.Clone(page.Messages), func(m *backbone.Message) bool {
		return m.Offset <= sub.floor || n.Change != "created" && m.Time < n.Time
	})
	slices.Reverse(since)
	if len(since) > 0 && !sub.Write(sub.Encoder().Messages(feed, since)) {
		s.disconnect("slow", "messages were not taken")
		return nil
	}
	sub.place.Start()
	return nil
}
