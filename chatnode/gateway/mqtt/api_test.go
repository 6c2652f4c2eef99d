package mqtt

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// call makes a request of the HTTP API.
func (n *node) call(t testing.TB, method, path, token string, body any) (status int, text string) {
	t.Helper()
	raw, err := json.Marshal(body)
	must(t, err)
	if body == nil {
		raw = nil
	}
	q, err := http.NewRequestWithContext(t.Context(), method, n.http.URL+"/api/"+path, bytes.NewReader(raw))
	must(t, err)
	if token != "" {
		q.Header.Set("Authorization", token)
	}
	response, err := http.DefaultClient.Do(q)
	must(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(answer)
}

// ok makes a request that must be answered with that status, and gives the object that it is answered with.
func (n *node) ok(t testing.TB, status int, method, path, user string, body any) object {
	t.Helper()
	return n.as(t, status, method, path, tokenOf(t, user), body)
}

func (n *node) as(t testing.TB, status int, method, path, token string, body any) object {
	t.Helper()
	got, text := n.call(t, method, path, token, body)
	var o object
	if got != status || json.Unmarshal([]byte(text), &o) != nil {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return o
}

// results are the objects in an answer's result.
func results(t testing.TB, answer object) (all []object) {
	t.Helper()
	list, ok := answer["result"].([]any)
	if !ok || answer["success"] != true {
		t.Fatalf("answer %v", answer)
	}
	for _, each := range list {
		all = append(all, each.(object))
	}
	return all
}

func adminToken(t testing.TB) string {
	claims := claimsOf("tilechat", "root")
	claims["tiledesk_api_roles"] = "admin"
	return signWith(t, tokenKey, claims)
}

func TestHistoryAndConversationsAreAsTheTimelineOfTheUser(t *testing.T) {
	n := startNode(t, nil)
	tcp := transports[0]
	ann, bob := n.connect(t, tcp, "ann", 0), n.connect(t, tcp, "bob", 0)
	for _, words := range []string{"one", "two"} {
		ann.say("bob", object{"text": words, "sender_fullname": "Ann"})
		ann.hear("messages/bob/clientadded")
	}
	one, two := bob.hear("messages/ann/clientadded"), bob.hear("messages/ann/clientadded")

	history := results(t, n.ok(t, 200, "GET", "tilechat/bob/conversations/ann/messages", "bob", nil))
	if len(history) != 2 {
		t.Fatalf("history %v", history)
	}
	has(t, history[0], object{"text": "two", "status": 150, "timelineOf": "bob", "conversWith": "ann", "sender": "ann", "recipient": "bob",
		"message_id": two["message_id"], "sender_fullname": "Ann"})
	has(t, history[1], object{"text": "one"})

	list := results(t, n.ok(t, 200, "GET", "tilechat/bob/conversations", "bob", nil))
	if len(list) != 1 {
		t.Fatalf("conversations %v", list)
	}
	has(t, list[0], object{"conversWith": "ann", "key": "ann", "timelineOf": "bob", "is_new": true, "archived": false, "last_message_text": "two",
		"text": "two", "sender": "ann"})

	bob.publish("apps/tilechat/users/bob/messages/ann/"+two["message_id"].(string)+"/update", object{"status": 200})
	bob.hear("messages/ann/" + two["message_id"].(string) + "/update")
	for _, m := range []object{one, two} { // who has received a message has all before it
		has(t, ann.hear("messages/bob/"+m["message_id"].(string)+"/clientupdated"),
			object{"status": 250, "timelineOf": "ann", "message_id": m["message_id"]})
	}
	has(t, results(t, n.ok(t, 200, "GET", "tilechat/ann/conversations/bob/messages", "ann", nil))[0], object{"status": 250})
	has(t, results(t, n.ok(t, 200, "GET", "tilechat/bob/conversations/ann/messages", "bob", nil))[0], object{"status": 200})

	bob.publish("apps/tilechat/users/bob/conversations/ann/update", object{"is_new": false, "colour": "red"})
	bob.hear("conversations/ann/update")
	has(t, bob.hear("conversations/ann/clientupdated"), object{"is_new": false, "colour": "red", "timelineOf": "bob", "conversWith": "ann"})
	has(t, results(t, n.ok(t, 200, "GET", "tilechat/bob/conversations/ann", "bob", nil))[0], object{"is_new": false, "colour": "red"})

	n.ok(t, 201, "DELETE", "tilechat/conversations/ann", "bob", nil)
	has(t, bob.hear("conversations/ann/clientdeleted"), object{"archived": true, "conversWith": "ann"})
	has(t, bob.hear("archived_conversations/ann/clientadded"), object{"archived": true, "text": "two"})
	for path, want := range map[string]int{"conversations": 0, "conversations/ann": 0, "archived_conversations": 1, "conversations/archived": 1} {
		if got := results(t, n.ok(t, 200, "GET", "tilechat/bob/"+path, "bob", nil)); len(got) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := results(t, n.ok(t, 200, "GET", "tilechat/ann/conversations", "ann", nil)); len(got) != 1 {
		t.Errorf("the other's conversation was archived too: %v", got)
	}
	ann.say("bob", object{"text": "three"})
	bob.hear("messages/ann/clientadded")
	has(t, results(t, n.ok(t, 200, "GET", "tilechat/bob/conversations/ann", "bob", nil))[0],
		object{"archived": false, "is_new": true, "colour": "red", "last_message_text": "three"})
}

func TestTheAPILetsInWhoMay(t *testing.T) {
	n := startNode(t, nil)
	ann := tokenOf(t, "ann")
	for name, test := range map[string]struct {
		method, path, token string
		status              int
		body                string
	}{
		"no token":         {"GET", "tilechat/ann/conversations", "", 403, `{"msg":"Unauthorized.","success":false}` + "\n"},
		"another key":      {"GET", "tilechat/ann/conversations", signWith(t, []byte("tokenkey"), claimsOf("tilechat", "ann")), 403, ""},
		"another app":      {"GET", "other/ann/conversations", ann, 401, ""},
		"another user":     {"GET", "tilechat/bob/conversations", ann, 401, ""},
		"another's words":  {"GET", "tilechat/bob/conversations/ann/messages", adminToken(t), 401, ""},
		"an administrator": {"GET", "tilechat/bob/conversations", adminToken(t), 200, `{"result":[],"success":true}` + "\n"},
		"by the query":     {"GET", "tilechat/ann/conversations?jwt=" + url.QueryEscape(ann), "", 200, ""},
		"no such path":     {"GET", "tilechat/ann/nothing/at/all", ann, 404, ""},
		"a name missing":   {"POST", "tilechat/messages", ann, 405, "Sender Fullname is mandatory"},
		"no members":       {"POST", "tilechat/groups", ann, 405, "group_name is mandatory"},
		"no group":         {"GET", "tilechat/groups/group-none", ann, 404, `{"err":"Group doesn't exist","success":false}` + "\n"},
		"version":          {"GET", "tilechat/getInfo", ann, 200, `{"version":"test"}` + "\n"},
	} {
		status, body := n.call(t, test.method, test.path, test.token, nil)
		if status != test.status || test.body != "" && body != test.body || test.status == 401 && body != "" {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
}

func TestABodyThatIsNoneIsRefused(t *testing.T) {
	n := startNode(t, nil)
	large := object{"text": strings.Repeat("x", 128<<10+1-len(`{"text":""}`))} // by one byte
	for want, body := range map[string]any{"the body is too large": large, "the body is no JSON object": []int{1}} {
		if got := n.ok(t, 400, "POST", "tilechat/messages", "ann", body)["err"]; got != want {
			t.Errorf("%v instead of %s", got, want)
		}
		if status, text := n.call(t, "POST", "tilechat/messages", "", body); status != 403 {
			t.Errorf("of somebody without a token: %d %s", status, text)
		}
	}
}

func TestMessagesOverHTTPArriveOverMQTT(t *testing.T) {
	n := startNode(t, nil)
	bob := n.connect(t, transports[0], "bob", 0)
	message := object{"sender_fullname": "Ann", "recipient_id": "bob", "recipient_fullname": "Bob", "text": "hello", "attributes": object{"a": 1}}
	has(t, n.ok(t, 200, "POST", "tilechat/messages", "ann", message), object{"success": true})
	has(t, bob.hear("messages/ann/clientadded"), object{"text": "hello", "sender": "ann", "recipient": "bob", "status": 150})
	sync := n.ok(t, 200, "POST", "tilechat/messages/sync", "ann", message)["message"].(object)
	has(t, sync, object{"text": "hello", "status": 100, "sender": "ann", "message_id": bob.hear("messages/ann/clientadded")["message_id"]})
	message["sender_id"] = "carl"
	n.as(t, 200, "POST", "tilechat/messages", adminToken(t), message)
	has(t, bob.hear("messages/carl/clientadded"), object{"sender": "carl"})
	n.ok(t, 200, "POST", "tilechat/messages", "ann", message) // who is no administrator speaks for nobody else
	has(t, bob.hear("messages/ann/clientadded"), object{"sender": "ann"})
}
