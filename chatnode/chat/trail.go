package chat

import (
	"context"
	"errors"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// A trail says that a user may have left something in a room that is not on the user's list: who leaves a room leaves one, and who writes in
// a channel without being a member. So everything of a user is found again: in the rooms on the user's list and at the end of the trails.
// They are rows of layout.Inbox, under RowKey(trailApp, app, user, room).

// trailApp stands in keys of trails before the application's name. No application has a name that begins so.
const trailApp = "\x00trail"

func trailPrefix(app, user string) string { return layout.RowKey(trailApp, app, user) }

func trailKey(feed backbone.Feed, user string) string {
	return trailPrefix(feed.App, user) + "." + layout.RowKey(feed.Name)
}

// leaveTrail makes sure that the user's trail to a room is there.
func (s *Service) leaveTrail(ctx context.Context, feed backbone.Feed, user string) error {
	if s.trails.has(feed, user) {
		return nil
	}
	_, err := s.tables.Put(ctx, layout.Inbox, trailKey(feed, user), []byte("{}"), 0)
	if err != nil && !errors.Is(err, backbone.ErrConflict) { // there is one already
		return fromLog(err)
	}
	s.trails.add(feed, user)
	return nil
}

// trailing says whether a trail has to be left before the actor's event can go to the log: members find the room on their lists.
func (s *Service) trailing(st *standing) bool {
	return !st.actor.Server && st.other == "" && st.member.value.Membership != joined && !s.trails.has(st.feed, st.actor.User)
}

// maxTrails is of how many users a node remembers what trails they have left.
const maxTrails = 10_000

// trails are those of which this node knows that they are there, by user. A node forgets those of users who are revoked, and so of those who
// are erased.
type trails struct {
	mu    sync.Mutex
	users map[[2]string]map[string]struct{}
}

func (t *trails) has(feed backbone.Feed, user string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, there := t.users[[2]string{feed.App, user}][feed.Name]
	return there
}

func (t *trails) add(feed backbone.Feed, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	who := [2]string{feed.App, user}
	if t.users == nil || len(t.users) >= maxTrails {
		t.users = map[[2]string]map[string]struct{}{}
	}
	if t.users[who] == nil || len(t.users[who]) >= maxTrails {
		t.users[who] = map[string]struct{}{}
	}
	t.users[who][feed.Name] = struct{}{}
}

func (t *trails) forget(app, user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.users, [2]string{app, user})
}
