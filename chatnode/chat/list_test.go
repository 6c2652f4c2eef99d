package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// actors do what comes to their minds in some rooms, each on any node.
type actors struct {
	t     *testing.T
	rand  *rand.Rand
	users []string
	rooms []string
	said  map[string][]uint64
}

func (a *actors) user() Actor  { return someone(a.users[a.rand.IntN(len(a.users))]) }
func (a *actors) room() string { return a.rooms[a.rand.IntN(len(a.rooms))] }

// act does something, that may be refused but must not fail.
func (a *actors) act(s *Service) {
	a.t.Helper()
	ctx, who, room, text := a.t.Context(), a.user(), a.room(), "text"
	var at uint64
	if said := a.said[room]; len(said) > 0 {
		at = said[a.rand.IntN(len(said))]
	}
	var err error
	switch a.rand.IntN(10) {
	case 0:
		_, err = s.Edit(ctx, who, &chatv1.EditRequest{Room: room, Offset: at, Id: newID(), Text: &text, Mentions: a.users[:a.rand.IntN(3)]})
	case 1:
		_, err = s.Delete(ctx, who, &chatv1.DeleteRequest{Room: room, Offset: at, Id: newID()})
	case 2, 3:
		_, err = s.Read(ctx, who, &chatv1.ReadRequest{Room: room, Offset: at})
	case 4:
		_, err = s.Join(ctx, who, &chatv1.JoinRequest{Room: room})
	case 5:
		_, err = s.Leave(ctx, who, &chatv1.LeaveRequest{Room: room})
	case 6:
		_, err = s.Invite(ctx, theServer, &chatv1.InviteRequest{Room: room, Users: []string{who.User}})
	default:
		var sent *chatv1.Sent
		if sent, err = s.Send(ctx, who, &chatv1.SendRequest{Room: room, Id: newID(), Text: &text, Mentions: a.users[:a.rand.IntN(3)]}); err == nil {
			a.said[room] = append(a.said[room], sent.GetOffset())
		}
	}
	var refused *Error
	if err != nil && (!errors.As(err, &refused) || refused.Kind == Internal || refused.Kind == Unavailable) {
		a.t.Fatal(err)
	}
}

// sameLists compares the users' lists of two services.
func sameLists(ctx context.Context, got, want *Service, users ...string) error {
	for _, user := range users {
		g, err := got.lists.read(ctx, DefaultApp, user)
		if err != nil {
			return err
		}
		w, err := want.lists.read(ctx, DefaultApp, user)
		if err != nil {
			return err
		}
		if a, b := inWords(g), inWords(w); !slices.Equal(a, b) {
			return fmt.Errorf("the list of %s is\n%q\nand should be\n%q", user, a, b)
		}
	}
	return nil
}

func inWords(in inbox) []string {
	words := []string{fmt.Sprint(in.unread, in.mentions)}
	for _, c := range in.rooms {
		words = append(words, fmt.Sprint(c.rank, c.marks, c.unread))
	}
	return words
}

// TestARememberedListIsExactlyThatWhichIsReadAnew lets nodes come and go, so that shards change owners, while rooms and marks change.
func TestARememberedListIsExactlyThatWhichIsReadAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	const shards = 4
	url := process.StartNATS(t, 1).URL()
	backboneOf := func(name string) *backbone.Backbone {
		return must(backbone.Open(t.Context(), backbone.Options{
			NATS: backbone.NATSOptions{URL: url}, Name: name, Prefix: "test", Shards: shards, Replicas: 1, Create: true,
			Logger: slog.New(slog.DiscardHandler),
		}))(t)
	}
	serve := func(b *backbone.Backbone, long int) *Service {
		s := must(New(Options{Log: b, Tables: b, Signals: b, ImplicitRooms: true, Limits: noLimits}))(t)
		s.lists.long = long
		return s
	}
	owned := func(b *backbone.Backbone, ok func(int) bool) {
		t.Helper()
		wait.For(t, 2*time.Minute, "shards to change owners", func(context.Context) error {
			if n := b.Owned(); !ok(n) {
				return fmt.Errorf("this node owns %d", n)
			}
			return nil
		})
	}
	here := backboneOf("here")
	s, anew := serve(here, 2), serve(here, 1000)
	t.Cleanup(func() {
		s.Close()
		anew.Close()
		if err := here.Close(); err != nil {
			t.Error(err)
		}
	})
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	a := &actors{t: t, rand: rand.New(rand.NewPCG(seed, 0)), users: []string{"ann", "bob", "carl"}, said: map[string][]uint64{}}
	for i := range 12 {
		a.rooms = append(a.rooms, fmt.Sprint("room:", i))
		must(s.CreateRoom(t.Context(), theServer, &chatv1.CreateRoomRequest{Room: a.rooms[i], Kind: open, Members: a.users}))(t)
	}
	play := func(by *Service, times int) {
		t.Helper()
		for range times {
			a.act(by)
			if by == s { // which sees at once what it has done
				if err := sameLists(t.Context(), s, anew, a.users...); err != nil {
					t.Fatal(err)
				}
				continue
			}
			wait.For(t, time.Minute, "the lists to be the same", func(ctx context.Context) error { return sameLists(ctx, s, anew, a.users...) })
		}
	}
	play(s, 100)
	for range 2 {
		beside := backboneOf("there")
		there := serve(beside, 2)
		owned(beside, func(n int) bool { return n > 0 })
		play(there, 20)
		wait.For(t, time.Minute, "the other node's lists to be the same", func(ctx context.Context) error { return sameLists(ctx, there, anew, a.users...) })
		there.Close()
		if err := beside.Close(); err != nil {
			t.Fatal(err)
		}
		owned(here, func(n int) bool { return n == 2*shards }) // of rooms, and of users
		play(s, 50)
	}
	if n := s.lists.remembered(); n == 0 {
		t.Fatal("no list was remembered")
	}
}

// broken is a log that counts nothing as long as it is broken.
type broken struct {
	Log
	is atomic.Bool
}

func (b *broken) Unread(ctx context.Context, questions []backbone.UnreadQuestion) ([]backbone.Unread, error) {
	if b.is.Load() {
		return nil, backbone.ErrUnavailable
	}
	return b.Log.Unread(ctx, questions)
}

// watchless are lists that hear of changes only from the test.
func watchless(s *Service, log Log, long, most int) *lists {
	return &lists{tables: s.tables, log: log, long: long, most: most, metrics: s.metrics}
}

func TestOfARememberedListOnlyWhatHasChangedIsCounted(t *testing.T) {
	s, b := start(t, noLimits)
	log := &broken{Log: b}
	l := watchless(s, log, 3, maxListed)
	for i := range 5 {
		enter(t, s, fmt.Sprint("room:", i), "ann", "bob")
	}
	looked := func(unread, counted int) {
		t.Helper()
		before := testutil.ToFloat64(s.metrics.roomsCounted)
		in := must(l.read(t.Context(), DefaultApp, "ann"))(t)
		if now := testutil.ToFloat64(s.metrics.roomsCounted) - before; int(now) != counted || int(in.unread) != unread || len(in.rooms) != 5 {
			t.Fatalf("%v of %d rooms were counted, should be %d; %d are unread, should be %d", now, len(in.rooms), counted, in.unread, unread)
		}
	}
	looked(0, 5)
	looked(0, 0)
	at := say(t, s, someone("bob"), "room:1", "hi")
	looked(1, 1)
	looked(1, 0)
	must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "room:1", Offset: at}))(t)
	l.changed(inboxKey(testFeed("room:1"), "ann"))
	looked(0, 1)
	l.changed(inboxKey(testFeed("room:1"), "ann")) // once more
	looked(0, 0)
	say(t, s, someone("bob"), "room:of others", "hi")
	looked(0, 0)

	say(t, s, someone("bob"), "room:2", "hi")
	log.is.Store(true)
	if _, err := l.read(t.Context(), DefaultApp, "ann"); !errors.Is(err, backbone.ErrUnavailable) {
		t.Fatal(err)
	}
	log.is.Store(false)
	looked(1, 5) // the list is read anew
	looked(1, 0)
}

// forgetful is a log whose owners know no changes of before.
type forgetful struct{ Log }

func (f forgetful) Changes(ctx context.Context, questions []backbone.ChangesQuestion) ([]backbone.Changes, error) {
	answers, err := f.Log.Changes(ctx, questions)
	for i := range answers {
		answers[i].Known = false
	}
	return answers, err
}

func TestMarksThatMoveAsAShardChangesItsOwnerAreSeen(t *testing.T) {
	s, b := start(t, noLimits)
	l := watchless(s, forgetful{b}, 1, maxListed)
	enter(t, s, "room:1", "ann", "bob")
	at := say(t, s, someone("bob"), "room:1", "hi")
	must(l.read(t.Context(), DefaultApp, "ann"))(t)
	must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "room:1", Offset: at}))(t)
	l.changed(inboxKey(testFeed("room:1"), "ann"))
	if in := must(l.read(t.Context(), DefaultApp, "ann"))(t); in.unread != 0 || in.rooms[0].marks.Read != at {
		t.Fatalf("%d are unread, and %d is read; should be 0 and %d", in.unread, in.rooms[0].marks.Read, at)
	}
}

func TestRememberedListsAreBounded(t *testing.T) {
	s, b := start(t, noLimits)
	l := watchless(s, b, 2, 5)
	for user, n := range map[string]int{"ann": 3, "bob": 4, "carl": 6} {
		for i := range n {
			if err := s.list(t.Context(), testFeed(fmt.Sprint("room:", i)), user, 0, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(user string) { must(l.read(t.Context(), DefaultApp, user))(t) }
	remembered := func(lists, rooms, forgotten int) {
		t.Helper()
		f := testutil.ToFloat64(s.metrics.listsForgotten)
		if len(l.users) != lists || l.remembered() != rooms || int(f) != forgotten {
			t.Fatalf("%d lists of %d rooms are remembered, %v forgotten; should be %d of %d, %d",
				len(l.users), l.remembered(), f, lists, rooms, forgotten)
		}
	}
	remembered(0, 0, 0)
	read("ann")
	remembered(1, 3, 0)
	read("bob") // for which the other one goes
	remembered(1, 4, 1)
	read("carl") // which is too long itself
	remembered(1, 4, 2)
	for i := range 5 { // more than the list has
		l.changed(inboxKey(testFeed(fmt.Sprint("room:", i)), "bob"))
	}
	remembered(0, 0, 3)
}

func TestAListIsInOrderHoweverManyOfItsRoomsMove(t *testing.T) {
	room := func(i int) *conversation {
		c := &conversation{rank: rank{At: rand.Int64N(100), Room: fmt.Sprint("room:", i)}}
		c.unread.Messages, c.unread.Mentions = rand.IntN(3), rand.IntN(2)
		return c
	}
	var all []*conversation
	for i := range 3 * fewMoves {
		all = append(all, room(i))
	}
	in := inbox{}.with(nil, all)
	for _, moves := range []int{0, 1, fewMoves / 2, fewMoves, 3 * fewMoves} {
		var gone, come []*conversation
		for i := range moves {
			gone, all[i] = append(gone, all[i]), room(i)
			come = append(come, all[i])
		}
		in = in.with(gone, come)
		var want inbox
		want.rooms = slices.SortedFunc(slices.Values(all), func(c, other *conversation) int { return c.compare(other.rank) })
		for _, c := range all {
			want.unread, want.mentions = want.unread+uint32(c.unread.Messages), want.mentions+uint32(c.unread.Mentions)
		}
		if !slices.Equal(inWords(in), inWords(want)) {
			t.Fatalf("after %d moves", moves)
		}
	}
}
