package chat21

import (
	"encoding/json"
	"strings"
	"testing"
)

// Whatever a client sends, what others get is a JSON object with the fields that are ours.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"text":"hello","type":"text","attributes":{"a":1},"metadata":null,"channel_type":"direct"}`,
		`{"text":1,"attributes":[],"channel_type":{},"group":{"members":{"a":1}}}`,
		`{"sender":"mallory","message_id":"x","status":7,"timestamp":12}`, `{"text":"\u0000\ud800"}`, `[]`, `null`, `{`, ``,
		`{"attributes":{"hiddenFor":"ann","updateconversation":false,"message_key":"k"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		o, err := parseOutgoing(payload)
		if err != nil {
			return
		}
		q, err := o.request("id", "dm:ann,bob")
		if err != nil {
			return
		}
		data, err := q.GetData().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		s := Said{ID: "id", Sender: "ann", time: 5, text: q.GetText(), data: data}
		raw, err := json.Marshal(s.object("app", Place{User: "ann", With: "bob"}))
		if err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		var seen object
		if err := json.Unmarshal(raw, &seen); err != nil || seen["sender"] != "ann" || seen["recipient"] != "bob" || seen["message_id"] != "id" {
			t.Fatalf("%q became %s: %v", payload, raw, err)
		}
	})
}

// A scope covers no more than it says.
func FuzzScopes(f *testing.F) {
	f.Add("rabbitmq.read:*/*/apps.a.users.u.*", "apps/a/users/u/#")
	f.Add("rabbitmq.read:*/*/*", "#")
	f.Add("read:a/b", "c")
	f.Fuzz(func(t *testing.T, scope, topic string) {
		_, pattern, ok := parseScope(scope)
		if !ok || !Covered([]string{pattern}, topic) {
			return
		}
		first, _, _ := strings.Cut(pattern, "*")
		if !strings.HasPrefix(strings.ReplaceAll(topic, "/", "."), first) {
			t.Fatalf("%q covers %q", scope, topic)
		}
	})
}
