package chat

import (
	"fmt"
	"slices"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestNothingIsLeftOfADeletedRoomButItsName(t *testing.T) {
	s, b := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", open, "bob")
	must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"dora"}}))(t)
	must(s.Ban(ctx, ann, &chatv1.BanRequest{Room: "room:a", User: "eve"}))(t)
	must(s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "fred", Seconds: 600}))(t)
	var said []uint64
	for i := range 20 {
		said = append(said, say(t, s, bob, "room:a", fmt.Sprint("words ", i)))
	}
	for range 2 {
		must(s.DeleteRoom(ctx, ann, &chatv1.DeleteRoomRequest{Room: "room:a"}))(t)
	}
	for _, offset := range said {
		if e := stored(t, b, "room:a", offset); e != nil {
			t.Fatalf("%v is left", e)
		}
	}
	if got := events(t, s, testFeed("room:a")); len(got) != 1 || got[0]["change"] != "deleted" || got[0]["sender"] != "ann" {
		t.Fatalf("the log has %v", got)
	}
	for prefix, table := range map[string]string{
		roomKey(testFeed("room:a")): layout.Members, layout.RowKey(DefaultApp, "bob"): layout.Inbox, layout.RowKey(DefaultApp, "dora"): layout.Inbox,
		asidePrefix(testFeed("room:a"), none): layout.Members, asidePrefix(testFeed("room:a"), bannedFrom): layout.Members,
		asidePrefix(testFeed("room:a"), invitedTo): layout.Members,
	} {
		if n, err := b.Count(ctx, table, prefix); n != 0 || err != nil {
			t.Errorf("%d rows of %s are left, %v", n, table, err)
		}
	}
	if got := told(t, s, "room:a", "bob"); !slices.Equal(got, []string{"joined", "deleted"}) {
		t.Fatalf("bob was told %v", got)
	}
	text := "x"
	_, err := s.Send(ctx, bob, &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: &text})
	expect(t, NotFound, err) // it does not become an open room that nobody made
	_, err = s.DeleteRoom(ctx, bob, &chatv1.DeleteRoomRequest{Room: "room:a"})
	expect(t, NotFound, err)

	must(s.CreateRoom(ctx, bob, &chatv1.CreateRoomRequest{Room: "room:a"}))(t)
	if got := names(t, s, bob, "room:a", 0); !slices.Equal(got, []string{"bob owner"}) {
		t.Fatalf("members of the new room are %v", got)
	}
	say(t, s, bob, "room:a", "new")
	if got := history(t, s, bob, "room:a"); len(got) != 1 {
		t.Fatalf("the new room's history is %v", got)
	}
}

func TestWhoCameInWhileARoomWasDeletedIsNotInTheNextOne(t *testing.T) {
	s, _, later := mortals(t)
	ctx := t.Context()
	made(t, s, "room:a", group)
	must(s.DeleteRoom(ctx, ann, &chatv1.DeleteRoomRequest{Room: "room:a"}))(t)
	late := func(user string) {
		t.Helper()
		st := standing{actor: someone(user), feed: testFeed("room:a")}
		must(s.settle(ctx, &st, user, nowJoined, func(m *memberRecord) error {
			s.become(m, joined, asMember, 0)
			return nil
		}))(t)
	}
	late("bob")
	later(2 * settled)
	if err := s.sweepOnce(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := s.tables.Count(ctx, layout.Members, roomKey(testFeed("room:a"))); n != 0 || err != nil {
		t.Fatalf("the sweeper leaves %d members, %v", n, err)
	}
	late("carl")
	must(s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: "room:a"}))(t)
	if got := names(t, s, ann, "room:a", 0); !slices.Equal(got, []string{"ann owner"}) {
		t.Fatalf("members are %v", got)
	}
}

func TestADeletedConversationBeginsAnew(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	say(t, s, ann, "dm:ann,bob", "old")
	_, err := s.DeleteRoom(ctx, ann, &chatv1.DeleteRoomRequest{Room: "dm:ann,bob"})
	expect(t, Denied, err)
	must(s.DeleteRoom(ctx, theServer, &chatv1.DeleteRoomRequest{Room: "dm:ann,bob"}))(t)
	say(t, s, ann, "dm:ann,bob", "new")
	if got := history(t, s, someone("bob"), "dm:ann,bob"); len(got) != 1 || got[0].GetText() != "new" {
		t.Fatalf("the history is %v", got)
	}
	if n, err := s.tables.Count(ctx, layout.Inbox, layout.RowKey(DefaultApp, "bob")); n != 1 || err != nil {
		t.Fatalf("%d conversations on the list, %v", n, err)
	}
}

func TestListsWithoutMembershipAreSweptAway(t *testing.T) {
	s, b := start(t, noLimits)
	ctx := t.Context()
	made(t, s, "room:a", group, "bob")
	for _, user := range []string{"bob", "carl"} {
		if err := s.list(ctx, testFeed("room:a"), user, 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweepOnce(ctx); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]int{"ann": 1, "bob": 1, "carl": 0} {
		if n, err := b.Count(ctx, layout.Inbox, layout.RowKey(DefaultApp, user)); n != want || err != nil {
			t.Errorf("%d rooms on the list of %s, %v", n, user, err)
		}
	}
}

func TestOneNodeSweepsAtATime(t *testing.T) {
	s, _, later := mortals(t)
	ctx := t.Context()
	rounds := func() uint64 {
		t.Helper()
		return must(s.tables.Get(ctx, layout.Cursors, sweepKey))(t).Revision
	}
	if err := s.sweepOnce(ctx); err != nil {
		t.Fatal(err)
	}
	first := rounds()
	if err := s.sweepOnce(ctx); err != nil || rounds() != first {
		t.Fatalf("swept twice within %v, %v", sweepEvery, err)
	}
	later(sweepEvery + 1e9)
	if err := s.sweepOnce(ctx); err != nil || rounds() == first {
		t.Fatalf("swept no more, %v", err)
	}
}
