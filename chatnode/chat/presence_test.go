package chat

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// attendance says who listens, and what time it is.
type attendance struct {
	devices map[string][]string
	now     atomic.Int64 // milliseconds; the service looks at it whenever it likes
}

// clockStart is near the log's own clock, which refuses ids of another time.
var clockStart = time.Now().UnixMilli()

func startPresence(t *testing.T) (*Service, *attendance) {
	t.Helper()
	here := &attendance{devices: map[string][]string{}}
	here.now.Store(clockStart)
	s, _ := startWith(t, Options{
		Limits: noLimits, ImplicitRooms: true, Now: func() time.Time { return time.UnixMilli(here.now.Load()) },
		Here: func(_ context.Context, app string, users []string) (map[string][]string, error) {
			if app != DefaultApp {
				return nil, fmt.Errorf("asked for %v of %s", users, app)
			}
			found := map[string][]string{}
			for _, user := range users {
				if devices, ok := here.devices[user]; ok {
					found[user] = devices
				}
			}
			return found, nil
		},
	})
	return s, here
}

func TestPresenceIsSeenAsUsersWantToBeSeen(t *testing.T) {
	s, here := startPresence(t)
	here.devices["bob"] = []string{"ios", "", "ios", "web"}
	see := func(a Actor, want *chatv1.UserPresence) {
		t.Helper()
		want.User = "bob"
		got := must(s.Presence(t.Context(), a, &chatv1.PresenceRequest{Users: []string{"bob"}}))(t)
		same(t, "presence as "+a.User+" sees it", got, &chatv1.PresenceReply{Users: []*chatv1.UserPresence{want}})
	}
	be := func(status chatv1.Status) {
		t.Helper()
		got := must(s.SetStatus(t.Context(), someone("bob"), &chatv1.SetStatusRequest{Status: status}))(t)
		see(someone("bob"), got)
	}
	devices := []string{"ios", "web"}
	see(ann, &chatv1.UserPresence{Status: chatv1.Status_STATUS_ONLINE, Devices: devices})
	be(chatv1.Status_STATUS_AWAY)
	see(ann, &chatv1.UserPresence{Status: chatv1.Status_STATUS_AWAY, Devices: devices})
	be(chatv1.Status_STATUS_HIDDEN)
	see(ann, &chatv1.UserPresence{})
	see(someone("bob"), &chatv1.UserPresence{Status: chatv1.Status_STATUS_HIDDEN, Devices: devices})
	see(theServer, &chatv1.UserPresence{Status: chatv1.Status_STATUS_HIDDEN, Devices: devices})
	delete(here.devices, "bob")
	leave(t, s, "bob")
	see(ann, &chatv1.UserPresence{})
	be(chatv1.Status_STATUS_ONLINE)
	see(ann, &chatv1.UserPresence{LastSeen: clockStart})
	must(s.Block(t.Context(), someone("bob"), &chatv1.BlockRequest{User: "ann"}))(t)
	see(ann, &chatv1.UserPresence{})
	see(someone("carl"), &chatv1.UserPresence{LastSeen: clockStart})
}

func TestLastSeenIsNotedOnceInAWhile(t *testing.T) {
	s, here := startPresence(t)
	lastSeen := func() int64 {
		t.Helper()
		row := must(loadRow[personRecord](t.Context(), s.tables, layout.People, personKey(DefaultApp, "bob")))(t)
		return row.value.LastSeen
	}
	for _, c := range []struct {
		later time.Duration
		want  int64
	}{{0, clockStart}, {seenEvery - time.Millisecond, clockStart}, {time.Millisecond, clockStart + seenEvery.Milliseconds()}} {
		here.now.Add(c.later.Milliseconds())
		leave(t, s, "bob")
		if got := lastSeen(); got != c.want {
			t.Fatalf("%v later last seen at %d, want %d", c.later, got, c.want)
		}
	}
}

func TestWhoWasSeenIsForgottenInTime(t *testing.T) {
	var s seen
	now := time.UnixMilli(0)
	for i := range 3 * maxSeen {
		now = now.Add(time.Microsecond)
		s.due(fmt.Sprint(i), now)
	}
	if len(s.last) > maxSeen {
		t.Fatalf("%d users are remembered", len(s.last))
	}
}

func TestPresenceRequestsAreBounded(t *testing.T) {
	s, _ := startPresence(t)
	for kind, users := range map[Kind][]string{Invalid: make([]string, maxWatched+1), fine: nil} {
		_, err := s.Presence(t.Context(), ann, &chatv1.PresenceRequest{Users: users})
		if kind == fine && err != nil {
			t.Fatal(err)
		}
		if kind != fine {
			expect(t, kind, err)
		}
	}
	_, err := s.Presence(t.Context(), Actor{App: DefaultApp, Client: "x"}, &chatv1.PresenceRequest{})
	expect(t, Denied, err)
	for _, status := range []chatv1.Status{chatv1.Status_STATUS_UNSPECIFIED, 9} {
		_, err := s.SetStatus(t.Context(), ann, &chatv1.SetStatusRequest{Status: status})
		expect(t, Invalid, err)
	}
	_, err = s.SetStatus(t.Context(), theServer, &chatv1.SetStatusRequest{Status: chatv1.Status_STATUS_AWAY})
	expect(t, Invalid, err)
}
