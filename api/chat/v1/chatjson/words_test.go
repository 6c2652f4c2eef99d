package chatjson

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestJSONReadsAsIfWrittenByHand(t *testing.T) {
	for want, m := range map[string]proto.Message{
		`{}`: &chatv1.SendRequest{},
		`{"id":"1","offset":18446744073709551615,"time":-9223372036854775808}`: &chatv1.Sent{Id: "1", Offset: 1<<64 - 1, Time: -1 << 63},
		`{"room":"room:a","text":"","data":{"a":[1,"<b>"]},"reply_to":"x"}`: &chatv1.SendRequest{
			Room: "room:a", Text: proto.String(""), ReplyTo: "x", Data: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				"a": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNumberValue(1), structpb.NewStringValue("<b>")}}),
			}}),
		},
		`{"text":"<i>a & b</i>","data":null}`: &chatv1.SendRequest{Text: proto.String("<i>a & b</i>"), Data: structpb.NewNullValue()},
		`{"room":"room:a","kind":"group","data":{},"history":"since_joined","me":{"membership":"joined","role":"owner"}}`: &chatv1.Room{
			Room: "room:a", Kind: chatv1.RoomKind_ROOM_KIND_GROUP, History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED, Data: &structpb.Struct{},
			Me: &chatv1.Member{Membership: chatv1.Membership_MEMBERSHIP_JOINED, Role: chatv1.Role_ROLE_OWNER},
		},
		`{"kind":77}`: &chatv1.Room{Kind: 77},
	} {
		if written, err := Marshal(m); err != nil || string(written) != want {
			t.Errorf("got  %s (%v)\nwant %s", written, err, want)
		}
	}
}

func TestWhatIsNoTextIsNotWritten(t *testing.T) {
	for _, m := range []proto.Message{
		&chatv1.Sent{Id: "\xff"},
		&chatv1.SendRequest{Data: structpb.NewStringValue("\xff")},
		&chatv1.MembersReply{Members: []*chatv1.Member{{User: "\xff"}}},
	} {
		if written, err := Marshal(m); err == nil {
			t.Errorf("%s", written)
		}
	}
}

func TestErrorsNameTheFieldAndWhatBelongsThere(t *testing.T) {
	room := func() proto.Message { return &chatv1.CreateRoomRequest{} }
	send := func() proto.Message { return &chatv1.SendRequest{} }
	for _, c := range []struct {
		json string
		into func() proto.Message
		want string
	}{
		{``, send, "the request must be JSON in UTF-8"},
		{`{"a":1`, send, "the request must be JSON in UTF-8"},
		{"{\"room\":\"\xff\"}", send, "the request must be JSON in UTF-8"},
		{`{} {}`, send, "the request must be JSON in UTF-8"},
		{`null`, send, "the request must be an object"},
		{`[]`, send, "the request must be an object"},
		{`{"room":7}`, send, "room must be a string"},
		{`{"replyTo":7}`, send, "reply_to must be a string"},
		{`{"room":"a","room":"b"}`, send, "room must be there only once"},
		{`{"reply_to":"a","replyTo":"b"}`, send, "reply_to must be there only once"},
		{`{"mentions":"ann"}`, send, "mentions must be a list"},
		{`{"mentions":["ann",7]}`, send, "mentions[1] must be a string"},
		{`{"attachments":[{"size":1},{"size":"big"}]}`, send, "attachments[1].size must be a whole number within its range"},
		{`{"attachments":[null]}`, send, "attachments[0] must be an object"},
		{`{"thread":-1}`, send, "thread must be a whole number within its range"},
		{`{"thread":1.5}`, send, "thread must be a whole number within its range"},
		{`{"thread":1e9223372036854775807}`, send, "thread must be a whole number within its range"},
		{`{"thread":"1 "}`, send, "thread must be a whole number within its range"},
		{`{"thread":18446744073709551616}`, send, "thread must be a whole number within its range"},
		{`{"data":1e999}`, send, "data must be JSON with numbers that a double can hold, and no name twice in an object"},
		{`{"data":[]}`, room, "data must be an object"},
		{`{"join":"maybe"}`, room, `join must be one of "open", "invite"`},
		{`{"join":"Open"}`, room, `join must be one of "open", "invite"`},
		{`{"join":true}`, room, `join must be one of "open", "invite"`},
		{`{"remove":"yes"}`, func() proto.Message { return &chatv1.ReactRequest{} }, "remove must be true or false"},
	} {
		var wrong *Error
		if err := Unmarshal([]byte(c.json), c.into()); !errors.As(err, &wrong) || wrong.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.json, err, c.want)
		}
	}
}

func TestShortAndFullNamesAndUnknownFieldsAreRead(t *testing.T) {
	want := &chatv1.CreateRoomRequest{Room: "room:a", Kind: chatv1.RoomKind_ROOM_KIND_OPEN, RetentionSeconds: 5000}
	for _, json := range []string{
		`{"room":"room:a","kind":"open","retention_seconds":5000}`,
		`{"room":"room:a","kind":"ROOM_KIND_OPEN","retentionSeconds":"5000"}`,
		`{"room":"room:a","kind":3,"retention_seconds":5e3,"color":{"room":1}}`,
		"\n{ \"room\" : \"room:a\", \"kind\":3.0, \"retention_seconds\" : \"5.0e3\", \"title\":null }\n",
	} {
		got := &chatv1.CreateRoomRequest{Title: "of before"}
		if err := Unmarshal([]byte(json), got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: %v (%v)", json, got, err)
		}
	}
}
