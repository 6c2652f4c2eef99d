package chat

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestARoomIsMadeOnceAndARetryAnswersTheSame(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	data := must(structpb.NewStruct(map[string]any{"color": "red", "n": 1.5, "list": []any{"x"}}))(t)
	q := &chatv1.CreateRoomRequest{
		Room: "room:a", Title: "A", Data: data, Join: chatv1.JoinPolicy_JOIN_POLICY_OPEN,
		History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED, RetentionSeconds: 3600, Members: []string{"bob", "ann", "bob"},
	}
	room := must(s.CreateRoom(ctx, ann, q))(t)
	want := &chatv1.Room{
		Room: "room:a", Kind: group, Title: "A", Data: data, Join: q.Join, History: q.History, RetentionSeconds: 3600,
		Created: room.GetCreated(), CreatedBy: "ann", Members: 2,
		Me: &chatv1.Member{Room: "room:a", User: "ann", Membership: joined, Role: asOwner, Since: room.GetMe().GetSince()},
	}
	if !proto.Equal(room, want) || room.GetCreated() == 0 || room.GetMe().GetSince() == 0 {
		t.Fatalf("made %v, want %v", room, want)
	}
	if again := must(s.CreateRoom(ctx, ann, q))(t); !proto.Equal(again, room) {
		t.Fatalf("made again %v, want %v", again, room)
	}
	if n := len(events(t, s, testFeed("room:a"))); n != 3 {
		t.Fatalf("%d events tell of a room and two members", n)
	}
	_, err := s.CreateRoom(ctx, someone("bob"), q)
	expect(t, Conflict, err)
	other := proto.Clone(q).(*chatv1.CreateRoomRequest)
	other.Title = "B"
	_, err = s.CreateRoom(ctx, ann, other)
	expect(t, Conflict, err)
}

func TestARoomWithoutANameGetsOne(t *testing.T) {
	s, _ := start(t, noLimits)
	one := must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{}))(t)
	two := must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{}))(t)
	if one.GetRoom() == two.GetRoom() || !strings.HasPrefix(one.GetRoom(), "room:") || one.GetKind() != group {
		t.Fatalf("made %v and %v", one, two)
	}
}

func TestWhoseARoomIsThatAServerMakes(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	room := must(s.CreateRoom(ctx, theServer, &chatv1.CreateRoomRequest{Room: "room:a", Members: []string{"bob"}}))(t)
	if room.GetCreatedBy() != "" || room.GetMe() != nil || room.GetMembers() != 1 {
		t.Fatalf("made %v", room)
	}
	if got := names(t, s, theServer, "room:a", 0); !slices.Equal(got, []string{"bob member"}) {
		t.Fatalf("members are %v", got)
	}
	_, err := s.UpdateRoom(ctx, someone("bob"), &chatv1.UpdateRoomRequest{Room: "room:a", Title: proto.String("x")})
	expect(t, Denied, err)
	give(t, s, "room:a", "bob", asOwner)
	must(s.UpdateRoom(ctx, someone("bob"), &chatv1.UpdateRoomRequest{Room: "room:a", Title: proto.String("x")}))(t)
	must(s.CreateRoom(ctx, theServer, &chatv1.CreateRoomRequest{Room: "room:b"}))(t)
	must(s.CreateRoom(ctx, theServer, &chatv1.CreateRoomRequest{Room: "room:b"}))(t)
}

func TestNobodyBecomesOwnerOfWhatOthersSaid(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	say(t, s, bob, "room:talked", "hello")
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:joined"}))(t)
	if room := must(s.GetRoom(ctx, ann, &chatv1.GetRoomRequest{Room: "room:joined"}))(t); room.GetKind() != open || room.GetCreated() != 0 || room.GetMembers() != 1 {
		t.Fatalf("a room that nobody made is %v", room)
	}
	for _, room := range []string{"room:talked", "room:joined"} {
		for _, a := range []Actor{ann, bob} {
			_, err := s.CreateRoom(ctx, a, &chatv1.CreateRoomRequest{Room: room})
			expect(t, Conflict, err)
		}
		made := must(s.CreateRoom(ctx, theServer, &chatv1.CreateRoomRequest{Room: room, Kind: channel}))(t)
		if made.GetKind() != channel || made.GetCreated() == 0 {
			t.Fatalf("made %v", made)
		}
	}
	if got := names(t, s, theServer, "room:joined", 0); !slices.Equal(got, []string{"bob member"}) {
		t.Fatalf("members are %v", got)
	}
	must(s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: "room:quiet"}))(t)
}

func TestRoomsHaveToBeMadeWhereNoneIsImplicit(t *testing.T) {
	s, _ := startWith(t, Options{Limits: noLimits})
	ctx := t.Context()
	for _, a := range []Actor{ann, theServer} {
		_, err := s.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: "room:a"})
		expect(t, NotFound, err)
		_, err = s.Invite(ctx, a, &chatv1.InviteRequest{Room: "room:a", Users: []string{"x"}})
		expect(t, NotFound, err)
	}
	_, err := s.Join(ctx, ann, &chatv1.JoinRequest{Room: "room:a"})
	expect(t, NotFound, err)
	made(t, s, "room:a", open)
	must(s.Join(ctx, someone("bob"), &chatv1.JoinRequest{Room: "room:a"}))(t)
}

func TestADirectConversationIsMadeForBoth(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	if before := must(s.GetRoom(ctx, ann, &chatv1.GetRoomRequest{Room: "dm:ann,bob"}))(t); before.GetCreated() != 0 || before.GetMembers() != 2 {
		t.Fatalf("before it is there it is %v", before)
	}
	for range 2 {
		room := must(s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: "dm:ann,bob"}))(t)
		if room.GetKind() != direct || room.GetCreated() == 0 || room.GetMe().GetMembership() != joined {
			t.Fatalf("made %v", room)
		}
	}
	if got := told(t, s, "dm:ann,bob", "bob"); !slices.Equal(got, []string{"created"}) {
		t.Fatalf("bob was told %v", got)
	}
	if got := names(t, s, someone("bob"), "dm:ann,bob", 0); !slices.Equal(got, []string{"ann member", "bob member"}) {
		t.Fatalf("members are %v", got)
	}
}

func TestWrongRoomsGetTheirError(t *testing.T) {
	s, _ := start(t, noLimits)
	big := must(structpb.NewStruct(map[string]any{"x": strings.Repeat("x", maxRoomData)}))(t)
	for name, c := range map[string]struct {
		want  Kind
		actor Actor
		q     *chatv1.CreateRoomRequest
	}{
		"no room":                {Invalid, ann, &chatv1.CreateRoomRequest{Room: "user:ann"}},
		"anonymous":              {Denied, anon, &chatv1.CreateRoomRequest{Room: "room:a"}},
		"direct by a room: name": {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Kind: direct}},
		"no such kind":           {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Kind: 9}},
		"no such policy":         {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Join: 9}},
		"no such history":        {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", History: 9}},
		"long title":             {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Title: strings.Repeat("x", maxTitle+1)}},
		"much data":              {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Data: big}},
		"backwards":              {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", RetentionSeconds: -1}},
		"nameless member":        {Invalid, ann, &chatv1.CreateRoomRequest{Room: "room:a", Members: []string{""}}},
		"group by a dm: name":    {Invalid, ann, &chatv1.CreateRoomRequest{Room: "dm:ann,bob", Kind: group}},
		"settings of a dm:":      {Invalid, ann, &chatv1.CreateRoomRequest{Room: "dm:ann,bob", Title: "x"}},
		"another's dm:":          {Denied, ann, &chatv1.CreateRoomRequest{Room: "dm:bob,carl"}},
	} {
		if _, err := s.CreateRoom(t.Context(), c.actor, c.q); err == nil || kindOf(t, err) != c.want {
			t.Errorf("%s: %v, want kind %d", name, err, c.want)
		}
	}
	if n, err := s.tables.Count(t.Context(), layout.Rooms, layout.RowKey(DefaultApp)); n != 0 || err != nil {
		t.Fatalf("%d rooms were made, %v", n, err)
	}
}

func TestChangesOfTheSameMomentAreEachTold(t *testing.T) {
	still := time.Now()
	s, _ := startWith(t, Options{Limits: noLimits, Now: func() time.Time { return still }})
	made(t, s, "room:a", group)
	for _, title := range []string{"one", "two"} {
		must(s.UpdateRoom(t.Context(), ann, &chatv1.UpdateRoomRequest{Room: "room:a", Title: &title}))(t)
	}
	var told []string
	for _, e := range events(t, s, testFeed("room:a")) {
		if e["change"] == "updated" {
			told = append(told, e["title"].(string))
		}
	}
	if !slices.Equal(told, []string{"one", "two"}) {
		t.Errorf("the room was told of %q", told)
	}
}

func TestSettingsChangeAndTheRoomIsTold(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	made(t, s, "room:a", group, "bob")
	data := must(structpb.NewStruct(map[string]any{"a": "b"}))(t)
	q := &chatv1.UpdateRoomRequest{
		Room: "room:a", Title: proto.String("New"), Data: data, Join: chatv1.JoinPolicy_JOIN_POLICY_OPEN.Enum(),
		History: chatv1.HistoryPolicy_HISTORY_POLICY_ALL.Enum(), RetentionSeconds: proto.Int64(60), Archived: proto.Bool(true),
	}
	room := must(s.UpdateRoom(ctx, ann, q))(t)
	if again := must(s.UpdateRoom(ctx, ann, q))(t); !proto.Equal(room, again) {
		t.Fatalf("updated %v, then %v", room, again)
	}
	if room.GetTitle() != "New" || !proto.Equal(room.GetData(), data) || room.GetJoin() != *q.Join || room.GetHistory() != *q.History ||
		room.GetRetentionSeconds() != 60 || !room.GetArchived() {
		t.Fatalf("updated %v", room)
	}
	if got := must(s.GetRoom(ctx, someone("bob"), &chatv1.GetRoomRequest{Room: "room:a"}))(t); got.GetTitle() != "New" {
		t.Fatalf("bob sees %v", got)
	}
	room = must(s.UpdateRoom(ctx, ann, &chatv1.UpdateRoomRequest{Room: "room:a", Title: proto.String(""), Data: &structpb.Struct{}}))(t)
	if room.GetTitle() != "" || room.GetData() != nil || !room.GetArchived() {
		t.Fatalf("emptied %v", room)
	}
	var told []string
	for _, e := range events(t, s, testFeed("room:a")) {
		if e["type"] == "room" {
			told = append(told, e["change"].(string))
		}
	}
	if !slices.Equal(told, []string{"created", "updated", "updated"}) {
		t.Fatalf("the room was told %v", told)
	}
	for name, q := range map[string]*chatv1.UpdateRoomRequest{
		"title":     {Room: "room:a", Title: proto.String(strings.Repeat("x", maxTitle+1))},
		"retention": {Room: "room:a", RetentionSeconds: proto.Int64(-1)},
		"join":      {Room: "room:a", Join: chatv1.JoinPolicy(9).Enum()},
	} {
		if _, err := s.UpdateRoom(ctx, ann, q); err == nil || kindOf(t, err) != Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := s.UpdateRoom(ctx, theServer, &chatv1.UpdateRoomRequest{Room: "dm:ann,bob", Title: proto.String("x")})
	expect(t, Invalid, err)
	must(s.UpdateRoom(ctx, theServer, &chatv1.UpdateRoomRequest{Room: "dm:ann,bob", RetentionSeconds: proto.Int64(60)}))(t)
	must(s.UpdateRoom(ctx, theServer, &chatv1.UpdateRoomRequest{Room: "room:implicit", Title: proto.String("x")}))(t)
}
