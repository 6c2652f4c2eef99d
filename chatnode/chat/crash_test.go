package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

// mortal is a node's way to the log and the tables that ends with one of its writes: that one is done, without an answer, and none after
// it.
type mortal struct {
	*backbone.Backbone

	mu     sync.Mutex
	left   int // writes until the end; 0: no end
	ended  bool
	cancel context.CancelFunc
}

// arm makes the write of that number the last, until the returned function is called; it says whether there was one.
func (m *mortal) arm(number int, cancel context.CancelFunc) (heal func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.ended, m.cancel = number, false, cancel
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		ended := m.ended
		m.left, m.ended = 0, false
		return ended
	}
}

// write says whether a write is to be done, and whether its answer comes.
func (m *mortal) write() (do, answer bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return false, false
	}
	if m.left == 0 {
		return true, true
	}
	if m.left--; m.left > 0 {
		return true, true
	}
	m.ended = true
	m.cancel()
	return true, false
}

func (m *mortal) Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error) {
	do, answer := m.write()
	if !do {
		return 0, context.Canceled
	}
	revision, err := m.Backbone.Put(context.WithoutCancel(ctx), table, key, data, expected)
	if !answer {
		return 0, context.Canceled
	}
	return revision, err
}

func (m *mortal) Remove(ctx context.Context, table, key string, expected uint64) error {
	do, answer := m.write()
	if !do {
		return context.Canceled
	}
	err := m.Backbone.Remove(context.WithoutCancel(ctx), table, key, expected)
	if !answer {
		return context.Canceled
	}
	return err
}

func (m *mortal) Enqueue(feed backbone.Feed, d backbone.Draft) *backbone.Pending {
	do, answer := m.write()
	pending := &backbone.Pending{} // which never comes
	if do {
		stored := m.Backbone.Enqueue(feed, d)
		if _, err := stored.Wait(context.Background()); err == nil && answer {
			pending = stored
		}
	}
	return pending
}

func (m *mortal) Erase(ctx context.Context, feed backbone.Feed, offset uint64) error {
	do, answer := m.write()
	if !do {
		return context.Canceled
	}
	err := m.Backbone.Erase(context.WithoutCancel(ctx), feed, offset)
	if !answer {
		return context.Canceled
	}
	return err
}

// state is everything that is stored of a room, in words; times and offsets are left out.
func state(t *testing.T, s *Service, room string, users ...string) string {
	t.Helper()
	var lines []string
	feed := testFeed(room)
	r := must(loadRow[roomRecord](t.Context(), s.tables, layout.Rooms, roomKey(feed)))(t).value
	lines = append(lines, fmt.Sprintf("room %v %q owners %v deleted %v gone %v", r.Kind, r.Title, r.Owners, r.Deleted, r.Gone))
	list := func(what, prefix string) {
		rows, _, err := s.tables.List(t.Context(), layout.Members, prefix, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			user, m, err := parseMember(row)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(what, " ", user, " ", membershipWords[m.Membership], " ", roleWords[m.Role], " muted ", m.MutedUntil > 0))
		}
	}
	list("member", roomKey(feed))
	for _, aside := range asides {
		list("aside", asidePrefix(feed, aside))
	}
	for _, user := range users {
		if row := must(s.tables.Get(t.Context(), layout.Inbox, inboxKey(feed, user)))(t); row.Revision > 0 {
			lines = append(lines, "on the list of "+user)
		}
		for _, e := range events(t, s, backbone.Feed{Kind: layout.User, App: DefaultApp, Name: user}) {
			if e["room"] == room {
				lines = append(lines, fmt.Sprint("told ", user, " ", e["change"]))
			}
		}
	}
	for _, e := range events(t, s, feed) {
		lines = append(lines, fmt.Sprint("event ", e["type"], " ", e["change"], " by ", e["sender"], " ", e["user"], " ", e["membership"], " ", e["role"], " ", e["text"]))
	}
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(lines, "\n"), room, "ROOM")
}

func events(t *testing.T, s *Service, feed backbone.Feed) (all []map[string]any) {
	t.Helper()
	page := must(s.log.After(t.Context(), feed, 0, 1000))(t)
	for _, m := range page.Messages {
		var e map[string]any
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// acts are operations on a room that was made by owner, with the members bob and carl (who is an owner too), dora and as an owner gina invited, and eve banned.
var acts = map[string]func(ctx context.Context, s *Service, room string) error{
	"create": func(ctx context.Context, s *Service, room string) error {
		_, err := s.CreateRoom(ctx, someone("owner"), &chatv1.CreateRoomRequest{Room: room + "-other", Title: "T", Members: []string{"bob", "owner"}})
		return err
	},
	"update": func(ctx context.Context, s *Service, room string) error {
		title := "New"
		_, err := s.UpdateRoom(ctx, someone("owner"), &chatv1.UpdateRoomRequest{Room: room, Title: &title})
		return err
	},
	"delete": func(ctx context.Context, s *Service, room string) error {
		_, err := s.DeleteRoom(ctx, someone("owner"), &chatv1.DeleteRoomRequest{Room: room})
		return err
	},
	"join": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Join(ctx, someone("dora"), &chatv1.JoinRequest{Room: room})
		return err
	},
	"join as an owner": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Join(ctx, someone("gina"), &chatv1.JoinRequest{Room: room})
		return err
	},
	"leave": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Leave(ctx, someone("bob"), &chatv1.LeaveRequest{Room: room})
		return err
	},
	"leave as owner": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Leave(ctx, someone("carl"), &chatv1.LeaveRequest{Room: room})
		return err
	},
	"turn down": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Leave(ctx, someone("dora"), &chatv1.LeaveRequest{Room: room})
		return err
	},
	"invite": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Invite(ctx, someone("bob"), &chatv1.InviteRequest{Room: room, Users: []string{"fred"}})
		return err
	},
	"add an owner": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Invite(ctx, someone("owner"), &chatv1.InviteRequest{Room: room, Users: []string{"fred"}, Add: true, Role: chatv1.Role_ROLE_OWNER})
		return err
	},
	"ban": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Ban(ctx, someone("owner"), &chatv1.BanRequest{Room: room, User: "bob"})
		return err
	},
	"ban an owner": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Ban(ctx, theServer, &chatv1.BanRequest{Room: room, User: "carl"})
		return err
	},
	"unban": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Unban(ctx, someone("owner"), &chatv1.UnbanRequest{Room: room, User: "eve"})
		return err
	},
	"make owner": func(ctx context.Context, s *Service, room string) error {
		_, err := s.SetRole(ctx, someone("owner"), &chatv1.SetRoleRequest{Room: room, User: "bob", Role: chatv1.Role_ROLE_OWNER})
		return err
	},
	"step down": func(ctx context.Context, s *Service, room string) error {
		_, err := s.SetRole(ctx, someone("carl"), &chatv1.SetRoleRequest{Room: room, User: "carl", Role: chatv1.Role_ROLE_MEMBER})
		return err
	},
	"kick": func(ctx context.Context, s *Service, room string) error {
		_, err := s.Kick(ctx, someone("owner"), &chatv1.KickRequest{Room: room, User: "bob"})
		// Whoever has been kicked altogether is no member any more.
		if kind := new(Error); errors.As(err, &kind) && kind.Kind == NotFound {
			return nil
		}
		return err
	},
}

var cast = []string{"owner", "bob", "carl", "dora", "eve", "fred", "gina"}

// furnished makes the room that acts are for.
func furnished(t *testing.T, s *Service, room string) {
	t.Helper()
	owner, ctx := someone("owner"), t.Context()
	must(s.CreateRoom(ctx, owner, &chatv1.CreateRoomRequest{Room: room, Members: []string{"bob", "carl"}}))(t)
	must(s.SetRole(ctx, owner, &chatv1.SetRoleRequest{Room: room, User: "carl", Role: chatv1.Role_ROLE_OWNER}))(t)
	must(s.Invite(ctx, owner, &chatv1.InviteRequest{Room: room, Users: []string{"dora"}}))(t)
	must(s.Invite(ctx, owner, &chatv1.InviteRequest{Room: room, Users: []string{"gina"}, Role: chatv1.Role_ROLE_OWNER}))(t)
	must(s.Ban(ctx, owner, &chatv1.BanRequest{Room: room, User: "eve"}))(t)
	say(t, s, someone("bob"), room, "words")
}

// mortals gives a service that can die, and moves its clock.
func mortals(t *testing.T) (s *Service, m *mortal, later func(time.Duration)) {
	var mu sync.Mutex
	var shift time.Duration
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(shift)
	}
	b, err := backbone.Open(t.Context(), backbone.Options{
		DataDir: t.TempDir(), Prefix: "test", Shards: 1, Create: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	m = &mortal{Backbone: b}
	if s, err = New(Options{Log: m, Tables: m, Signals: b, Limits: noLimits, ImplicitRooms: true, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, m, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		shift += d
	}
}

func TestARetryCompletesWhatACrashLeftUndone(t *testing.T) {
	if testing.Short() {
		t.Skip("dies at every write of every act; make test runs it")
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, m, _ := mortals(t)
			both := func(room string) string {
				return state(t, s, room, cast...) + "\n" + state(t, s, room+"-other", cast...)
			}
			furnished(t, s, "room:whole")
			if err := act(t.Context(), s, "room:whole"); err != nil {
				t.Fatal(err)
			}
			want := both("room:whole")
			if err := act(t.Context(), s, "room:whole"); err != nil {
				t.Fatalf("the second time: %v", err)
			}
			if got := both("room:whole"); got != want {
				t.Fatalf("the second time makes\n%s\nof\n%s", got, want)
			}
			crashes := 0
			for number := 1; ; number += 1 + number/8 {
				room := fmt.Sprint("room:", number)
				furnished(t, s, room)
				ctx, cancel := context.WithCancel(t.Context())
				heal := m.arm(number, cancel)
				err := act(ctx, s, room)
				cancel()
				if !heal() {
					break
				}
				crashes++
				if err == nil {
					continue // what follows the answer
				}
				if kindOf(t, err) != Unavailable {
					t.Fatalf("crash at write %d: %v", number, err)
				}
				if err := act(t.Context(), s, room); err != nil {
					t.Fatalf("retry after a crash at write %d: %v", number, err)
				}
				if got := both(room); got != want {
					t.Fatalf("a crash at write %d and a retry make\n%s\nnot\n%s", number, got, want)
				}
			}
			t.Logf("%d crashes", crashes)
		})
	}
}

func TestTheSweeperCompletesWhatACrashLeftUndone(t *testing.T) {
	if testing.Short() {
		t.Skip("dies at every write of every act; make test runs it")
	}
	for name, act := range acts {
		if name == "create" || name == "update" {
			continue // without the request nobody knows who else was to be a member, and of settings only an event may be missing
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, m, later := mortals(t)
			furnished(t, s, "room:whole")
			before := state(t, s, "room:whole", cast...)
			if err := act(t.Context(), s, "room:whole"); err != nil {
				t.Fatal(err)
			}
			after := state(t, s, "room:whole", cast...)
			var rooms []string
			for number := 1; ; number += 1 + number/8 {
				room := fmt.Sprint("room:", number)
				furnished(t, s, room)
				ctx, cancel := context.WithCancel(t.Context())
				heal := m.arm(number, cancel)
				_ = act(ctx, s, room)
				cancel()
				if !heal() {
					break
				}
				rooms = append(rooms, room)
			}
			later(2 * settled)
			// A round leaves to the next one what the log was too busy for.
			wait.For(t, 2*time.Minute, "rooms to be whole", func(ctx context.Context) error {
				if err := s.sweepOnce(ctx); err != nil {
					return err
				}
				for _, room := range rooms {
					if got := state(t, s, room, cast...); got != after && got != before {
						return fmt.Errorf("after a crash %s became\n%s\nand neither\n%s\nnor\n%s", room, got, before, after)
					}
				}
				return nil
			})
		})
	}
}
