package chatv1_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
)

func description(t *testing.T) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(chatv1.OpenAPI, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// at follows names into nested objects.
func at(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func TestDescriptionHasEveryMethodWithItsWords(t *testing.T) {
	document := description(t)
	methods := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	if paths, _ := at(document, "paths").(map[string]any); len(paths) != methods.Len() {
		t.Errorf("%d paths for %d methods", len(paths), methods.Len())
	}
	for i := range methods.Len() {
		m := methods.Get(i)
		post := at(document, "paths", "/chatfleet.chat.v1.ChatService/"+string(m.Name()), "post")
		if text, _ := at(post, "description").(string); !strings.HasPrefix(text, string(m.Name())+" ") {
			t.Errorf("%s: described as %q", m.Name(), text)
		}
		for _, c := range []struct {
			schema any
			want   protoreflect.Name
		}{
			{at(post, "requestBody", "content", "application/json", "schema", "$ref"), m.Input().Name()},
			{at(post, "responses", "200", "content", "application/json", "schema", "$ref"), m.Output().Name()},
		} {
			if c.schema != "#/components/schemas/"+string(c.want) {
				t.Errorf("%s: %v, want %s", m.Name(), c.schema, c.want)
			}
		}
	}
}

func TestDescriptionRefersToWhatItHas(t *testing.T) {
	document := description(t)
	found := 0
	var visit func(value any)
	visit = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				if to, ok := inner.(string); ok && name == "$ref" {
					found++
					if at(document, strings.Split(strings.TrimPrefix(to, "#/"), "/")...) == nil {
						t.Errorf("%s is not there", to)
					}
				}
				visit(inner)
			}
		case []any:
			for _, inner := range value {
				visit(inner)
			}
		}
	}
	visit(document)
	if found == 0 {
		t.Error("nothing is referred to")
	}
}

func TestDescribedNamesOfEnumsAreThoseOfTheJSON(t *testing.T) {
	document := description(t)
	for schema, c := range map[string]struct {
		field string
		into  proto.Message
	}{
		"RoomKind": {"kind", &chatv1.Room{}}, "JoinPolicy": {"join", &chatv1.Room{}}, "HistoryPolicy": {"history", &chatv1.Room{}},
		"Role": {"role", &chatv1.Member{}}, "Membership": {"membership", &chatv1.Member{}}, "Status": {"status", &chatv1.UserPresence{}},
	} {
		names, _ := at(document, "components", "schemas", schema, "enum").([]any)
		if len(names) == 0 {
			t.Errorf("%s has no names", schema)
		}
		for i, name := range names {
			text, err := json.Marshal(map[string]any{c.field: name})
			if err == nil {
				err = chatjson.Unmarshal(text, c.into)
			}
			m := c.into.ProtoReflect()
			if got := m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(c.field))).Enum(); err != nil || int(got) != i+1 {
				t.Errorf("%s of %s is read as %d (%v)", name, schema, got, err)
			}
		}
	}
	if n := chatv1.File_api_chat_v1_chat_proto.Enums().Len(); n != 6 {
		t.Errorf("%d enums: this test knows 6", n)
	}
}

func TestDescribedFieldsAreThoseOfTheMessages(t *testing.T) {
	document := description(t)
	messages := chatv1.File_api_chat_v1_chat_proto.Messages()
	for i := range messages.Len() {
		m := messages.Get(i)
		properties, _ := at(document, "components", "schemas", string(m.Name()), "properties").(map[string]any)
		if len(properties) != m.Fields().Len() {
			t.Errorf("%s: %d properties for %d fields", m.Name(), len(properties), m.Fields().Len())
		}
		for j := range m.Fields().Len() {
			if field := m.Fields().Get(j); properties[string(field.Name())] == nil {
				t.Errorf("%s is missing", field.FullName())
			}
		}
	}
}
