package push

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	ok          = `{"status":true,"error":"","error-code":0,`
	logoutFine  = ok + `"type":"logged-out"}`
	stranger    = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
	unknownUser = `{"status":false,"error":"User doesn't exist (or Persistence failed otherwise)","error-code":15,`
)

func TestEveryCommandIsAnsweredAsTheOriginalDoes(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	n.want(t, `{"status":false,"error":"Probably, this user already exists","error-code":15,"type":"registered"}`,
		"register", "user_name", "ann", "password", "other")
	n.want(t, `{"status":false,"error":"Probably, this user already exists","error-code":15,"type":"registered"}`,
		"register", "user_name", "", "password", "pw")
	n.want(t, `{"status":false,"error":"Probably, this user already exists","error-code":15,"type":"registered"}`,
		"register", "user_name", "carl", "password", "")
	n.want(t, ok+`"online":false,"type":"online"}`, "isonline", "user_name", "ann")
	n.want(t, unknownUser+`"online":false,"type":"online"}`, "isonline", "user_name", "nobody")
	n.want(t, unknownUser+`"channel_id":"","type":"logged-in"}`, "login", "user_name", "nobody", "password", "pw")
	n.want(t, `{"status":false,"error":"Wrong password!","error-code":13,"channel_id":"","type":"logged-in"}`,
		"login", "user_name", "ann", "password", "PW")
	ann, bob := n.login(t, "ann"), n.login(t, "bob")
	if !regexp.MustCompile(`^[a-z]{64}$`).MatchString(ann) || ann == bob || strings.HasSuffix(ann, "a") && strings.HasSuffix(bob, "a") && strings.HasSuffix(n.login(t, "ann"), "a") {
		t.Fatalf("channel ids %q and %q", ann, bob)
	}
	n.want(t, ok+`"online":true,"type":"online"}`, "isonline", "user_name", "ann")

	n.want(t, accepted, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", "hello")
	n.want(t, `{"status":false,"error":"You may not send messages to yourself","error-code":19,"type":"message-accepted"}`,
		"send", "user_name", "ann", "channel_id", ann, "dest_user", "ann", "hello")
	n.want(t, unknownUser+`"type":"message-accepted"}`, "send", "user_name", "ann", "channel_id", ann, "dest_user", "nobody", "hello")
	n.want(t, unknownUser+`"type":"message-accepted"}`, "send", "user_name", "nobody", "channel_id", ann, "dest_user", "bob", "hello")
	for _, channel := range []string{bob, stranger, "", "x"} {
		n.want(t, `{"status":false,"error":"Not authorized or offline","error-code":20,"type":"message-accepted"}`,
			"send", "user_name", "ann", "channel_id", channel, "dest_user", "bob", "hello")
		n.want(t, `{"status":false,"error":"Probably unauthorized (or offline)","error-code":2,"messages":[],"type":"saved-messages"}`,
			"savedmessages", "user_name", "ann", "channel_id", channel)
		n.want(t, `{"status":false,"error":"You are not who you pretend to be","error-code":2,"type":"saved-settings"}`,
			"setconf", "user_name", "ann", "channel_id", channel, "x")
		n.want(t, `{"status":false,"error":"You are not who you pretend to be","error-code":2,"settings":"","type":"settings"}`,
			"getconf", "user_name", "ann", "channel_id", channel)
		n.want(t, `{"status":false,"error":"You are probably not authorized.","error-code":2,"type":"heartbeated"}`,
			"heartbeat", "user_name", "ann", "channel_id", channel)
		n.want(t, `{"status":false,"error":"unauthorized to perform logout.","error-code":2,"type":"logged-out"}`,
			"logout", "user_name", "ann", "channel_id", channel)
	}

	n.want(t, ok+`"settings":"","type":"settings"}`, "getconf", "user_name", "ann", "channel_id", ann)
	n.want(t, ok+`"type":"saved-settings"}`, "setconf", "user_name", "ann", "channel_id", ann, `{"colour":"<blue>"}`)
	n.want(t, ok+`"settings":"{\"colour\":\"<blue>\"}","type":"settings"}`, "getconf", "user_name", "ann", "channel_id", ann)
	n.want(t, ok+`"type":"saved-settings"}`, "setconf", "user_name", "ann", "channel_id", ann, "settings", "preferred", "over this")
	n.want(t, ok+`"settings":"preferred","type":"settings"}`, "getconf", "user_name", "ann", "channel_id", ann)
	n.want(t, `{"status":false,"error":"Persistence refused to save settings.","error-code":17,"type":"saved-settings"}`,
		"setconf", "user_name", "ann", "channel_id", ann, strings.Repeat("x", maxSettings+1))
	for range 2 {
		n.want(t, ok+`"type":"heartbeated"}`, "heartbeat", "user_name", "ann", "channel_id", ann)
	}

	refused := `{"status":false,"error":"User not-authorized or non-existing.","error-code":2,"type":"changed-password"}`
	n.want(t, refused, "change_password", "user_name", "bob", "password", "wrong", "new_password", "new")
	n.want(t, refused, "change_password", "user_name", "nobody", "password", "pw", "new_password", "new")
	n.want(t, refused, "change_password", "user_name", "bob", "password", "pw", "new_password", "")
	n.want(t, ok+`"type":"changed-password"}`, "change_password", "user_name", "bob", "password", "pw", "new_password", strings.Repeat("long", 50))
	n.want(t, `{"status":false,"error":"Wrong password!","error-code":13,"channel_id":"","type":"logged-in"}`,
		"login", "user_name", "bob", "password", "pw")
	if r := n.call(t, "login", "user_name", "bob", "password", strings.Repeat("long", 50)); !strings.HasPrefix(r.body, `{"status":true`) {
		t.Fatal(r.body)
	}
	n.want(t, `{"status":false,"error":"Wrong password!","error-code":13,"channel_id":"","type":"logged-in"}`,
		"login", "user_name", "bob", "password", strings.Repeat("long", 50)+"er")

	n.want(t, logoutFine, "logout", "user_name", "bob", "channel_id", bob)
	n.want(t, `{"status":false,"error":"unauthorized to perform logout.","error-code":2,"type":"logged-out"}`,
		"logout", "user_name", "bob", "channel_id", bob)
	n.want(t, ok+`"online":true,"type":"online"}`, "isonline", "user_name", "bob") // by the other session
}

func TestTheTwoShapesDifferAsTheOriginalsDo(t *testing.T) {
	cpp := start(t, "", nil)
	haskell := start(t, "", func(o *Options) { o.Shape = Haskell })
	for _, c := range []struct {
		path          string
		cpp, haskell  string
		statusHaskell int
	}{
		{"/b/chattp_request/login?user_name=a", "Missing parameter in login request\n", "Login request lacking request parameter(s)\n", 400},
		{"/b/chattp_request/register?password=a", "Missing parameter in register request\n", "Register request lacking request parameter(s)\n", 400},
		{"/b/chattp_request/logout", "Missing parameter in login request\n", "Logout request lacking request parameter(s)\n", 400},
		{"/b/chattp_request/send?user_name=a&channel_id=b", "Missing parameter in send request\n", "Send request lacking request parameter(s)\n", 400},
		{"/b/chattp_request/isonline", "Missing parameter in isonline request\n", "Isonline request lacking request parameter(s)\n", 400},
		{"/b/chattp_request/dance", "Unknown request type.\n", "Unknown request type.\n", 404},
		{"/b/chattp_request/", "Unknown request type.\n", "Unknown request type.\n", 404},
		{"/b/chattp_request?user_name=a", malformedURL + "\n", malformedURL + "\n", 400},
		{"/", malformedURL + "\n", malformedURL + "\n", 400},
		{"/pub?channel_id=a", malformedURL + "\n", malformedURL + "\n", 400},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r, err := cpp.do(t.Context(), method, c.path, "")
			if err != nil || r.status != 400 || r.body != c.cpp || r.header.Get("Content-Type") != "text/plain" {
				t.Errorf("C++ %s: %v %v", c.path, r, err)
			}
			r, err = haskell.do(t.Context(), method, c.path, "")
			if err != nil || r.status != c.statusHaskell || r.body != c.haskell {
				t.Errorf("Haskell %s: %v %v", c.path, r, err)
			}
		}
	}
	haskell.join(t, "ann", "bob")
	haskell.want(t, ok+`"online":false,"type":"isonline"}`, "isonline", "user_name", "bob")
	ann := haskell.login(t, "ann")
	if r := haskell.call(t, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob"); r.status != 400 || r.body != "Empty message; not sent.\n" {
		t.Errorf("%v", r)
	}
	haskell.want(t, accepted, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", "message", "parameter", "the body")
	form := query("user_name", "ann", "channel_id", ann, "dest_user", "bob") + "&message=from+a+form"
	r, err := haskell.do(t.Context(), http.MethodPost, "/chattp_request/send", form, "Content-Type", "application/x-www-form-urlencoded")
	if err != nil || r.body != accepted+"\n" {
		t.Errorf("%v %v", r, err)
	}
	bob := haskell.login(t, "bob")
	r = haskell.call(t, "savedmessages", "user_name", "bob", "channel_id", bob)
	stamp := `"timestamp":"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"`
	want := regexp.MustCompile(`^\{"status":true,"error":"","error-code":0,"messages":\[\{"from":"ann","to":"bob",` + stamp + `,"body":"from a form"\},` +
		`\{"from":"ann","to":"bob",` + stamp + `,"body":"the body"\}\],"type":"saved-messages"\}` + "\n$")
	if !want.MatchString(r.body) {
		t.Errorf("%q", r.body)
	}
}

func TestSavedMessagesAreThoseOfTheTimeBetweenTwoSessions(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	ann := n.login(t, "ann")
	empty := ok + `"messages":[],"type":"saved-messages"}`
	n.natively(t, "carl", "bob", "from another protocol") // which takes some milliseconds, since the conversation is new
	n.send(t, "ann", ann, "bob", `one "quoted" \ & <two>`+"\n")
	n.want(t, accepted, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", "message", "preferred", "body")
	n.want(t, accepted, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", "") // the younger gateway takes that
	bob := n.login(t, "bob")
	n.send(t, "ann", ann, "bob", "live")
	r := n.call(t, "savedmessages", "user_name", "bob", "channel_id", bob)
	stamp := `"timestamp":"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000"\}`
	want := regexp.MustCompile(`^\{"status":true,"error":"","error-code":0,"messages":\[` +
		`\{"sender":"ann","receiver":"bob","body":"",` + stamp + `,` +
		`\{"sender":"ann","receiver":"bob","body":"preferred",` + stamp + `,` +
		`\{"sender":"ann","receiver":"bob","body":"one \\"quoted\\" \\\\ & <two>\\n",` + stamp + `,` +
		`\{"sender":"carl","receiver":"bob","body":"from another protocol",` + stamp +
		`\],"type":"saved-messages"\}` + "\n$")
	if !want.MatchString(r.body) {
		t.Fatalf("%q", r.body)
	}
	n.want(t, empty, "savedmessages", "user_name", "bob", "channel_id", bob)

	l := listener{channel: bob}
	if m := l.next(t, n); m.Message != "live" || m.From != "ann" || m.To != "bob" {
		t.Fatalf("%+v", m)
	}
	n.send(t, "ann", ann, "bob", "never fetched")
	n.want(t, logoutFine, "logout", "user_name", "bob", "channel_id", bob)
	n.send(t, "ann", ann, "bob", "while away")
	bob = n.login(t, "bob")
	r = n.call(t, "savedmessages", "user_name", "bob", "channel_id", bob)
	for _, text := range []string{"never fetched", "while away"} {
		if strings.Count(r.body, text) != 1 {
			t.Fatalf("%q not once in %q", text, r.body)
		}
	}
	if strings.Contains(r.body, "preferred") {
		t.Fatalf("taken twice: %q", r.body)
	}
	n.want(t, empty, "savedmessages", "user_name", "bob", "channel_id", bob)
}

// A client that has lost its channel logs in again, and never logs out of the session before.
func TestWhatNoSessionHasReceivedIsSavedForTheNext(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Interval = true })
	n.join(t, "bob")
	lost := listener{channel: n.login(t, "bob")}
	n.natively(t, "ann", "bob", "received")
	lost.next(t, n)
	if _, r, err := lost.poll(t.Context(), n); err != nil || r.status != http.StatusNotModified {
		t.Fatal(r, err)
	}
	for _, text := range []string{"of the first session", "of the second"} {
		n.natively(t, "ann", "bob", text)
		again := n.login(t, "bob")
		r := n.call(t, "savedmessages", "user_name", "bob", "channel_id", again)
		if strings.Count(r.body, `"sender"`) != 1 || !strings.Contains(r.body, `"`+text+`"`) {
			t.Errorf("%q is not the only one in %s", text, r.body)
		}
	}
	if m := lost.next(t, n); m.Message != "of the first session" {
		t.Errorf("the first session, which comes back, receives %q", m.Message)
	}
}

func TestManySavedMessagesComeInParts(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	const senders, each = 7, 90
	for i := range each {
		for s := range senders {
			n.natively(t, "sender"+string(rune('a'+s)), "bob", strings.Repeat("i", i+1))
		}
	}
	bob := n.login(t, "bob")
	got := 0
	for range 3 {
		r := n.call(t, "savedmessages", "user_name", "bob", "channel_id", bob)
		if !strings.HasPrefix(r.body, ok) {
			t.Fatal(r.body)
		}
		got += strings.Count(r.body, `"sender"`)
	}
	if got != senders*each {
		t.Fatalf("%d of %d", got, senders*each)
	}
}

func TestOtherProtocolsCountForPresence(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	n.here["nat"] = []string{"phone"}
	n.want(t, ok+`"online":true,"type":"online"}`, "isonline", "user_name", "nat")
	bob := n.login(t, "bob")
	n.send(t, "bob", bob, "nat", "you have no account here")
	n.want(t, `{"status":false,"error":"Probably, this user already exists","error-code":15,"type":"registered"}`,
		"register", "user_name", "nat", "password", "mine now")
}

func TestSessionsAreBounded(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	first := n.login(t, "bob")
	for range maxSessions {
		n.login(t, "bob")
	}
	n.want(t, `{"status":false,"error":"You are probably not authorized.","error-code":2,"type":"heartbeated"}`,
		"heartbeat", "user_name", "bob", "channel_id", first)
}

func TestASessionThatReceivesIsNotTheQuietOne(t *testing.T) {
	began, calls := time.Now(), atomic.Int64{}
	n := start(t, "", func(o *Options) {
		o.Interval = true
		o.Now = func() time.Time { return began.Add(time.Duration(calls.Add(1)) * time.Millisecond) } // never the same twice
	})
	n.join(t, "bob")
	first := listener{channel: n.login(t, "bob")}
	second := n.login(t, "bob")
	n.natively(t, "ann", "bob", "x")
	first.next(t, n)
	if _, r, err := first.poll(t.Context(), n); err != nil || r.status != http.StatusNotModified {
		t.Fatal(r, err)
	}
	for range maxSessions - 1 {
		n.login(t, "bob")
	}
	n.want(t, ok+`"type":"heartbeated"}`, "heartbeat", "user_name", "bob", "channel_id", first.channel)
	n.want(t, `{"status":false,"error":"You are probably not authorized.","error-code":2,"type":"heartbeated"}`,
		"heartbeat", "user_name", "bob", "channel_id", second)
}

func TestNobodyRegistersWhereThatIsClosed(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Closed = true })
	n.want(t, `{"status":false,"error":"Probably, this user already exists","error-code":15,"type":"registered"}`,
		"register", "user_name", "ann", "password", "pw")
}
