package chat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// someone is a user of that name.
func someone(name string) Actor { return Actor{App: DefaultApp, User: name, Client: "c-" + name} }

var theServer = Actor{App: DefaultApp, Server: true}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func testFeed(room string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: DefaultApp, Name: room}
}

// say sends a text and gives its offset.
func say(t testing.TB, s *Service, a Actor, room, text string, mentions ...string) uint64 {
	t.Helper()
	return send(t, s, a, &chatv1.SendRequest{Room: room, Text: &text, Mentions: mentions})
}

func send(t testing.TB, s *Service, a Actor, q *chatv1.SendRequest) uint64 {
	t.Helper()
	q.Id = newID()
	return must(s.Send(t.Context(), a, q))(t).GetOffset()
}

// must gives a value, or ends the test with the error.
func must[V any](value V, err error) func(testing.TB) V {
	return func(t testing.TB) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// expect ends the test unless err is of that kind.
func expect(t *testing.T, want Kind, err error) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %d", want)
	}
	if got := kindOf(t, err); got != want {
		t.Fatalf("%v is of kind %d, want %d", err, got, want)
	}
}

// history is the newest page of a room.
func history(t testing.TB, s *Service, a Actor, room string) []*chatv1.Message {
	t.Helper()
	return must(s.Messages(t.Context(), a, &chatv1.MessagesRequest{Room: room}))(t).GetMessages()
}

// stored is the event at an offset, nil if it is gone.
func stored(t testing.TB, b *backbone.Backbone, room string, offset uint64) *Event {
	t.Helper()
	m := must(b.Read(t.Context(), testFeed(room), offset))(t)
	if m == nil {
		return nil
	}
	var e Event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

func same(t testing.TB, what string, got, want proto.Message) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Fatalf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

// setRoom gives a room a record.
func setRoom(t testing.TB, s *Service, room string, value roomRecord) {
	t.Helper()
	_, err := changeRow(t.Context(), s.tables, layout.Rooms, roomKey(testFeed(room)), func(r *record[roomRecord]) error {
		r.value = value
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.rooms.forget(roomKey(testFeed(room)))
}

// enter makes users members of a room, with everything that follows.
func enter(t testing.TB, s *Service, room string, users ...string) {
	t.Helper()
	for _, user := range users {
		must(s.Join(t.Context(), someone(user), &chatv1.JoinRequest{Room: room}))(t)
	}
}

// appoint gives a member a role.
func appoint(t testing.TB, s *Service, room, user string, role chatv1.Role) {
	t.Helper()
	m := memberRecord{Membership: joined, Role: role, Since: 1}
	if _, err := s.setMember(t.Context(), testFeed(room), user, m); err != nil {
		t.Fatal(err)
	}
}

func TestServersMayLeaveTheIDOutAndUsersMayNot(t *testing.T) {
	s, _ := start(t, noLimits)
	q := &chatv1.SendRequest{Room: "room:a", Text: proto.String("x")}
	_, err := s.Send(t.Context(), ann, q)
	expect(t, Invalid, err)
	first := must(s.Send(t.Context(), theServer, q))(t)
	second := must(s.Send(t.Context(), theServer, q))(t)
	if first.GetId() == "" || first.GetId() == second.GetId() || first.GetOffset() == second.GetOffset() {
		t.Fatalf("sent %v, then %v", first, second)
	}
}

func TestAllThatIsSaidIsReadAsItWasSent(t *testing.T) {
	s, _ := start(t, Limits{TextBytes: 100, DataBytes: 1000})
	for i, data := range []string{`null`, `{"a":[1,"<b>",{"c":null}]}`, `"text"`, `1.5`, `[]`} {
		room := fmt.Sprint("room:", i)
		q := &chatv1.SendRequest{
			Id: newID(), Room: room, Text: proto.String("<hi>"), ReplyTo: "x", Mentions: []string{"bob"}, Thread: 7,
			Attachments: []*chatv1.Attachment{{Url: "https://files.example/1", Type: "image/png", Name: "1.png", Size: 5}},
		}
		q.Data = valueOf(t, data)
		sent := must(s.Send(t.Context(), ann, q))(t)
		got := history(t, s, ann, room)
		if len(got) != 1 {
			t.Fatalf("%d messages", len(got))
		}
		same(t, "message", got[0], &chatv1.Message{
			Id: q.Id, Offset: sent.GetOffset(), Sender: "ann", Time: sent.GetTime(), Text: q.Text, Data: q.Data, ReplyTo: "x",
			Mentions: q.Mentions, Thread: 7, Attachments: q.Attachments,
		})
	}
}

func TestDataIsNotNestedDeeperThanClientsRead(t *testing.T) {
	s, _ := start(t, Limits{TextBytes: 100, DataBytes: 1000})
	nested := func(depth int) string {
		return strings.Repeat(`{"[\\\"[":[`, depth/2) + strings.Repeat("]}", depth/2)
	}
	data, deeper := valueOf(t, nested(maxDepth)), valueOf(t, "["+nested(maxDepth)+"]")
	sent := must(s.Send(t.Context(), ann, &chatv1.SendRequest{Id: newID(), Room: "room:a", Data: data}))(t)
	same(t, "data", history(t, s, ann, "room:a")[0].GetData(), data)
	settings := &structpb.Struct{Fields: map[string]*structpb.Value{"x": deeper}}
	for what, do := range map[string]func() error{
		"a message": func() error {
			_, err := s.Send(t.Context(), ann, &chatv1.SendRequest{Id: newID(), Room: "room:a", Data: deeper})
			return err
		},
		"an edit": func() error {
			_, err := s.Edit(t.Context(), ann, &chatv1.EditRequest{Id: newID(), Room: "room:a", Offset: sent.GetOffset(), Data: deeper})
			return err
		},
		"an announcement": func() error {
			_, err := s.Announce(t.Context(), theServer, &chatv1.AnnounceRequest{Data: deeper})
			return err
		},
		"a room": func() error {
			_, err := s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:b", Data: settings})
			return err
		},
	} {
		if err := do(); err == nil || kindOf(t, err) != Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDataThatIsOddJSONIsReadNevertheless(t *testing.T) {
	s, _ := start(t, Limits{TextBytes: 100, DataBytes: 1000})
	for raw, want := range map[string]string{
		`{"a":1,"a":2}`: `{"a":2}`,
		"\"\xff\"":      `"\ufffd"`,
	} {
		if _, err := s.Publish(ann, "room:"+want, []byte(raw)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := history(t, s, ann, "room:"+want)
		same(t, raw, got[0].GetData(), valueOf(t, want))
	}
}
