package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// marksTold are the marks on a user's personal feed.
func marksTold(t testing.TB, b *backbone.Backbone, user string) (told []string) {
	t.Helper()
	feed := backbone.Feed{Kind: layout.User, App: DefaultApp, Name: user}
	for _, m := range must(b.After(t.Context(), feed, 0, 1000))(t).Messages {
		if strings.HasPrefix(string(m.Data), `{"type":"mark"`) {
			told = append(told, string(m.Data))
		}
	}
	return told
}

func TestMarksGrowToTheNewestMessageAndAreToldOnce(t *testing.T) {
	var out signals
	s, b := startWith(t, Options{Limits: noLimits, ImplicitRooms: true, Signals: &out})
	bob := someone("bob")
	early := say(t, s, ann, "room:a", "before bob came")
	enter(t, s, "room:a", "ann", "bob")
	first := say(t, s, ann, "room:a", "one", "bob")
	own := say(t, s, bob, "room:a", "own")
	last := say(t, s, ann, "room:a", "two")
	gone := say(t, s, ann, "room:a", "three", "bob")
	must(s.Delete(t.Context(), ann, &chatv1.DeleteRequest{Room: "room:a", Offset: gone, Id: newID()}))(t)
	check := func(got, want *chatv1.Marks) {
		t.Helper()
		want.Room, want.User = "room:a", "bob"
		same(t, "marks", got, want)
	}
	read := func(offset uint64) *chatv1.Marks {
		t.Helper()
		return must(s.Read(t.Context(), bob, &chatv1.ReadRequest{Room: "room:a", Offset: offset}))(t)
	}
	delivered := func(offset uint64) *chatv1.Marks {
		t.Helper()
		return must(s.Delivered(t.Context(), bob, &chatv1.DeliveredRequest{Room: "room:a", Offset: offset}))(t)
	}
	check(read(0), &chatv1.Marks{Unread: 2, Mentions: 1})
	check(delivered(own), &chatv1.Marks{Delivered: own, Unread: 2, Mentions: 1})
	check(read(first), &chatv1.Marks{Read: first, Delivered: own, Unread: 1})
	check(read(early), &chatv1.Marks{Read: first, Delivered: own, Unread: 1})
	check(delivered(first), &chatv1.Marks{Read: first, Delivered: own, Unread: 1})
	check(read(1<<62), &chatv1.Marks{Read: last, Delivered: last})
	check(read(last), &chatv1.Marks{Read: last, Delivered: last})
	check(delivered(1<<63), &chatv1.Marks{Read: last, Delivered: last})
	told := []string{
		fmt.Sprintf(`{"type":"mark","room":"room:a","read":0,"delivered":%d}`, own),
		fmt.Sprintf(`{"type":"mark","room":"room:a","read":%d,"delivered":%d}`, first, own),
		fmt.Sprintf(`{"type":"mark","room":"room:a","read":%d,"delivered":%d}`, last, last),
	}
	if got := marksTold(t, b, "bob"); !slices.Equal(got, told) {
		t.Errorf("the user's devices are told\n%v, want\n%v", got, told)
	}
	for i, was := range []uint64{0, own, own} {
		told[i] = strings.Replace(told[i], `"mark","room":"room:a"`, `"receipt","user":"bob"`, 1)
		told[i] = strings.TrimSuffix(told[i], "}") + fmt.Sprintf(`,"was":%d}`, was)
	}
	if !slices.Equal(out.sent, told) {
		t.Errorf("the room is told\n%v, want\n%v", out.sent, told)
	}
}

// The node that moved the marks died before it told of them: whoever is asked again tells for which messages they are.
func TestAReceiptThatIsToldLateSaysWhichMessagesItIsFor(t *testing.T) {
	var out signals
	s, b := startWith(t, Options{Limits: noLimits, ImplicitRooms: true, Signals: &out})
	enter(t, s, "room:a", "ann", "bob")
	before := say(t, s, ann, "room:a", "one")
	must(s.Delivered(t.Context(), someone("bob"), &chatv1.DeliveredRequest{Room: "room:a", Offset: before}))(t)
	at := say(t, s, ann, "room:a", "two")
	node := &mortal{Backbone: b}
	dying := must(New(Options{Log: node, Tables: node, Signals: &out, Limits: noLimits, ImplicitRooms: true}))(t)
	defer dying.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	defer node.arm(1, cancel)()
	_, err := dying.Delivered(ctx, someone("bob"), &chatv1.DeliveredRequest{Room: "room:a", Offset: at})
	expect(t, Unavailable, err)
	must(s.Delivered(t.Context(), someone("bob"), &chatv1.DeliveredRequest{Room: "room:a", Offset: at}))(t)
	want := fmt.Sprintf(`{"type":"receipt","user":"bob","read":0,"delivered":%d,"was":%d}`, at, before)
	if told := out.sent[len(out.sent)-1]; len(out.sent) != 2 || told != want {
		t.Errorf("the room is told %v, want %s at last", out.sent, want)
	}
}

func TestOnlyMembersHaveMarks(t *testing.T) {
	s, _ := start(t, noLimits)
	at := say(t, s, ann, "room:a", "hi")
	_, err := s.Read(t.Context(), someone("stranger"), &chatv1.ReadRequest{Room: "room:a", Offset: at})
	expect(t, Denied, err)
	_, err = s.Delivered(t.Context(), theServer, &chatv1.DeliveredRequest{Room: "room:a", Offset: at})
	expect(t, Invalid, err)
	fresh := must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "dm:ann,bob", Offset: 5}))(t)
	same(t, "marks of a conversation that has not begun", fresh, &chatv1.Marks{Room: "dm:ann,bob", User: "ann"})
	first := say(t, s, ann, "dm:ann,bob", "hi", "bob")
	bobs := must(s.Read(t.Context(), someone("bob"), &chatv1.ReadRequest{Room: "dm:ann,bob"}))(t)
	same(t, "marks", bobs, &chatv1.Marks{Room: "dm:ann,bob", User: "bob", Unread: 1, Mentions: 1})
	must(s.Read(t.Context(), someone("bob"), &chatv1.ReadRequest{Room: "dm:ann,bob", Offset: first}))(t)
	seen := must(s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "dm:ann,bob", Users: []string{"bob"}}))(t)
	same(t, "read by", seen, &chatv1.ReadByReply{Marks: []*chatv1.Marks{{Room: "dm:ann,bob", User: "bob", Read: first, Delivered: first}}})
}

func TestReadByTellsOfMembersOnly(t *testing.T) {
	s, _ := start(t, noLimits)
	say(t, s, ann, "room:a", "hi")
	enter(t, s, "room:a", "ann", "bob")
	next := say(t, s, ann, "room:a", "again")
	must(s.Read(t.Context(), someone("bob"), &chatv1.ReadRequest{Room: "room:a", Offset: next}))(t)
	want := &chatv1.ReadByReply{Marks: []*chatv1.Marks{{Room: "room:a", User: "ann"}, {Room: "room:a", User: "bob", Read: next, Delivered: next}}}
	same(t, "all", must(s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:a"}))(t), want)
	named := &chatv1.ReadByRequest{Room: "room:a", Users: []string{"ann", "nobody", "bob"}}
	same(t, "named", must(s.ReadBy(t.Context(), ann, named))(t), want)
	for i := range maxReaders - 1 {
		appoint(t, s, "room:a", fmt.Sprint("u", i), chatv1.Role_ROLE_MEMBER)
	}
	_, err := s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:a"})
	expect(t, Invalid, err)
	_, err = s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:a", Users: make([]string, maxReaders+1)})
	expect(t, Invalid, err)
	for _, name := range []string{"", strings.Repeat("x", MaxName+1), "\xff"} {
		_, err = s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:a", Users: []string{"ann", name}})
		expect(t, Invalid, err)
		_, err = s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:" + name, Users: []string{"ann"}})
		expect(t, Invalid, err)
	}
	setRoom(t, s, "room:b", roomRecord{Kind: channel, Created: 1})
	_, err = s.ReadBy(t.Context(), ann, &chatv1.ReadByRequest{Room: "room:b"})
	expect(t, Denied, err)
}

func TestMarksBringNoRoomBackAndHealALostRow(t *testing.T) {
	s, b := start(t, noLimits)
	bob := someone("bob")
	say(t, s, ann, "room:a", "before bob came")
	enter(t, s, "room:a", "bob")
	say(t, s, ann, "room:a", "hi")
	key := inboxKey(testFeed("room:a"), "bob")
	if err := removeRow(t.Context(), s.tables, layout.Inbox, key); err != nil {
		t.Fatal(err)
	}
	q := &chatv1.DeliveredRequest{Room: "room:a", Offset: 1 << 40}
	if got := must(s.Delivered(t.Context(), bob, q))(t); got.GetUnread() != 1 {
		t.Fatalf("with a row that was lost: %v", got)
	}
	if _, err := s.members.get(t.Context(), memberKey(testFeed("room:a"), "bob")); err != nil { // it is remembered that bob is a member
		t.Fatal(err)
	}
	for _, table := range []string{layout.Members, layout.Inbox} {
		row := must(b.Get(t.Context(), table, map[string]string{layout.Members: memberKey(testFeed("room:a"), "bob"), layout.Inbox: key}[table]))(t)
		if err := b.Remove(t.Context(), table, row.Key, row.Revision); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Delivered(t.Context(), bob, &chatv1.DeliveredRequest{Room: "room:a", Offset: 1 << 41})
	expect(t, Denied, err)
	if row := must(b.Get(t.Context(), layout.Inbox, key))(t); row.Revision != 0 {
		t.Fatal("the room is on the list again")
	}
}
