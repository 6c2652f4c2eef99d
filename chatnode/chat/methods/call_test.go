package methods

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ann = chat.Actor{App: "default", User: "ann", Client: "c1"}

// nameOf writes CreateRoom as chat.create_room.
func nameOf(method string) string {
	var b strings.Builder
	for i, r := range method {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return "chat." + b.String()
}

func TestEveryMethodOfTheServiceIsCalledByItsName(t *testing.T) {
	service := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	if service.Len() != len(calls) {
		t.Errorf("the service has %d methods, there are calls for %d", service.Len(), len(calls))
	}
	for i := range service.Len() {
		method := service.Get(i)
		t.Run(string(method.Name()), func(t *testing.T) {
			r := &recorder{}
			reply, err := Call(t.Context(), r, ann, nameOf(string(method.Name())), nil)
			if err != nil || string(reply) != "{}" {
				t.Fatalf("%s, %v", reply, err)
			}
			if r.method != string(method.Name()) || r.actor.User != "ann" || r.request.ProtoReflect().Descriptor() != method.Input() {
				t.Errorf("%s was called for %v with %T", r.method, r.actor, r.request)
			}
		})
	}
}

func TestRequestsReachTheDomainAsTheyWereWritten(t *testing.T) {
	r := &recorder{}
	if _, err := Call(t.Context(), r, ann, "chat.set_role", []byte(`{"room":"room:a","user":"bob","role":"moderator","x":1}`)); err != nil {
		t.Fatal(err)
	}
	if want := (&chatv1.SetRoleRequest{Room: "room:a", User: "bob", Role: chatv1.Role_ROLE_MODERATOR}); !proto.Equal(r.request, want) {
		t.Errorf("got %v, want %v", r.request, want)
	}
}

func TestFailuresAreTheDomains(t *testing.T) {
	denied := &chat.Error{Kind: chat.Denied, Message: "not a member"}
	for _, c := range []struct {
		method, data string
		kind         chat.Kind
		words        string
	}{
		{"chat.fly", `{}`, chat.NoMethod, `there is no method "chat.fly"; their names are like chat.create_room`},
		{"CreateRoom", `{}`, chat.NoMethod, `there is no method "CreateRoom"; their names are like chat.create_room`},
		{"chat.send", `{"room":7}`, chat.Invalid, "room must be a string"},
		{"chat.send", `[`, chat.Invalid, "the request must be JSON in UTF-8"},
		{"chat.send", `{}`, chat.Denied, "not a member"},
	} {
		_, err := Call(t.Context(), &recorder{err: denied}, ann, c.method, []byte(c.data))
		var failed *chat.Error
		if !errors.As(err, &failed) || failed.Kind != c.kind || failed.Message != c.words {
			t.Errorf("%s %s: %v, want %v: %s", c.method, c.data, err, c.kind, c.words)
		}
	}
}
