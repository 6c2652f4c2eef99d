package push

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestAnEncodedSeparatorSeparatesNothing(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob", "a&b=c", "üäx")
	ann := n.login(t, "ann")
	r := n.call(t, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob&message=forged", "the message")
	if !strings.Contains(r.body, `"error-code":15`) {
		t.Fatal(r)
	}
	n.send(t, "ann", ann, "a&b=c", "x")
	if r, err := n.do(t.Context(), http.MethodGet, "/chattp_request/isonline?user_name=%C3%BC%C3%A4x", ""); err != nil || !strings.HasPrefix(r.body, ok) {
		t.Fatal(r, err)
	}
	if r, err := n.do(t.Context(), http.MethodGet, "/chattp_request%2Fisonline?user_name=ann", ""); err != nil || r.body != malformedURL+"\n" {
		t.Fatal(r, err)
	}
	r, err := n.do(t.Context(), http.MethodPost, "/chattp_request/send?user_name=ann&channel_id="+ann+"&dest_user=bob&message=%ff%zz%", "")
	if err != nil || r.body != accepted+"\n" {
		t.Fatal(r, err)
	}
	bob := n.login(t, "bob")
	if r := n.call(t, "savedmessages", "user_name", "bob", "channel_id", bob); !strings.Contains(r.body, "\"body\":\"\uFFFD%zz%\"") {
		t.Fatal(r)
	}
}

func TestNamesAndBodiesThatCantBe(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	ann := n.login(t, "ann")
	for _, name := range []string{"", "\x00server", strings.Repeat("x", chat.MaxName+1)} {
		if r := n.call(t, "register", "user_name", name, "password", "pw"); !strings.Contains(r.body, `"error-code":15`) {
			t.Errorf("%q: %v", name, r)
		}
		if r := n.call(t, "isonline", "user_name", name); !strings.Contains(r.body, `"error-code":15`) {
			t.Errorf("%q: %v", name, r)
		}
		if r := n.call(t, "login", "user_name", name, "password", "pw"); !strings.Contains(r.body, `"error-code":15`) {
			t.Errorf("%q: %v", name, r)
		}
		if r := n.call(t, "send", "user_name", "ann", "channel_id", ann, "dest_user", name, "x"); !strings.Contains(r.body, `"error-code":15`) {
			t.Errorf("%q: %v", name, r)
		}
	}
	if r := n.call(t, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", strings.Repeat("x", 17<<10)); !strings.Contains(r.body, `"error-code":14`) {
		t.Error(r)
	}
	if r := n.call(t, "send", "user_name", "ann", "channel_id", ann, "dest_user", "bob", strings.Repeat("x", DefaultBodyBytes+1)); r.status != http.StatusRequestEntityTooLarge {
		t.Error(r)
	}
}

func TestNobodyUsesWhatIsAnothers(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	ann := n.login(t, "ann")
	other, err := New(Options{
		App: "other", Chat: n.chat, Hub: n.gateway.options.Hub, Tables: n.gateway.options.Tables, Log: n.gateway.options.Log, HashCost: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	there := &node{gateway: other, chat: n.chat, client: n.client, url: newServer(t, other)}
	if r, err := there.do(t.Context(), http.MethodGet, "/sub?channel_id="+ann, ""); err != nil || r.status != http.StatusForbidden {
		t.Error(r, err)
	}
	there.want(t, unknownUser+`"online":false,"type":"online"}`, "isonline", "user_name", "ann")
	there.join(t, "ann") // another ann
	there.want(t, `{"status":false,"error":"You are not who you pretend to be","error-code":2,"settings":"","type":"settings"}`,
		"getconf", "user_name", "ann", "channel_id", ann)
	there.want(t, ok+`"online":false,"type":"online"}`, "isonline", "user_name", "ann")
	n.want(t, ok+`"online":true,"type":"online"}`, "isonline", "user_name", "ann")
}

// behind lets addresses be told by a header.
func behind(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func TestManyWrongPasswordsHinderNoMessages(t *testing.T) {
	n := start(t, "", behind)
	n.join(t, "ann", "bob")
	ann := n.login(t, "ann")
	n.send(t, "ann", ann, "bob", "the first")
	var guessing sync.WaitGroup
	for i := range maxHashing + 16 {
		guessing.Go(func() {
			r, err := n.do(t.Context(), http.MethodPost, "/chattp_request/login?user_name=bob&password="+fmt.Sprint(i), "",
				"X-Forwarded-For", fmt.Sprint("10.0.0.", i))
			if err != nil || !strings.Contains(r.body, `"error-code":13`) && !strings.Contains(r.body, `"error-code":21`) {
				t.Errorf("%v %v", r, err)
			}
		})
	}
	for range 5 {
		n.send(t, "ann", ann, "bob", "x")
	}
	guessing.Wait()
	n.login(t, "bob")
}

func TestWhoGuessesPasswordsIsNotJudgedForAWhile(t *testing.T) {
	now := time.Now()
	n := start(t, "", func(o *Options) {
		behind(o)
		o.Now = func() time.Time { return now }
	})
	n.join(t, "ann", "bob")
	n.login(t, "ann")
	from := func(address, command, params, want string) {
		t.Helper()
		r, err := n.do(t.Context(), http.MethodPost, "/chattp_request/"+command+"?"+params, "", "X-Forwarded-For", address)
		if err != nil || r.status != http.StatusOK || !strings.Contains(r.body, want) {
			t.Fatalf("%s from %s: %v %v, want %s", params, address, r, err, want)
		}
	}
	const guesser, owner, denied = "192.0.2.1", "192.0.2.2", `"status":false,"error":"Persistence denied login","error-code":17`
	for i := range 10 {
		from(guesser, "login", fmt.Sprint("user_name=ann&password=", i), `"error-code":13`)
	}
	from(guesser, "login", "user_name=ann&password=10", denied)
	from(guesser, "login", "user_name=ann&password=pw", denied)
	from(guesser, "change_password", "user_name=ann&password=pw&new_password=mine", `"error-code":2`)
	from(guesser, "login", "user_name=bob&password=pw", `"error-code":0`)
	from(owner, "login", "user_name=ann&password=pw", `"error-code":0`)
	for i := range 90 {
		from(guesser, "login", fmt.Sprint("password=pw&user_name=", i), `"error-code":15`)
	}
	from(guesser, "login", "user_name=bob&password=pw", denied)
	if refused := testutil.ToFloat64(n.gateway.metrics.refused.WithLabelValues(boundGuesses)); refused != 4 {
		t.Errorf("%v were refused, want 4", refused)
	}
	now = now.Add(time.Minute)
	from(guesser, "login", "user_name=ann&password=pw", `"error-code":0`)
}

func TestABodyThatNeverComesHindersNobody(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Requests = 2 })
	n.join(t, "ann")
	var slow net.Conn
	for range 5 {
		var err error
		if slow, err = net.Dial("tcp", strings.TrimPrefix(n.url, "http://")); err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if _, err := fmt.Fprintf(slow, "POST /chattp_request/isonline?user_name=ann HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
	}
	n.want(t, ok+`"online":false,"type":"online"}`, "isonline", "user_name", "ann")
	_ = slow.(*net.TCPConn).CloseWrite()
	answer, err := bufio.NewReader(slow).ReadString('\n')
	if err != nil || !strings.Contains(answer, "400") {
		t.Fatal(answer, err)
	}
}

func TestAPollWhoseBodyNeverComesIsAnsweredWhenTheTimeToReadItIsOver(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	bob := n.login(t, "bob")
	server := httptest.NewUnstartedServer(n.gateway)
	server.Config.ReadHeaderTimeout, server.Config.ReadTimeout = patience, time.Second
	server.Start()
	defer server.Close()
	for _, channel := range []string{bob, stranger} {
		slow, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if err := slow.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(slow, "GET /sub?channel_id=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", channel); err != nil {
			t.Fatal(err)
		}
		answer, err := bufio.NewReader(slow).ReadString('\n')
		if err != nil || !strings.Contains(answer, "400") {
			t.Fatal(answer, err)
		}
	}
}

func TestCommandsAreBounded(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Requests = 1 })
	n.join(t, "ann")
	// A request ends a little after its answer.
	wait.Eventually(t, patience, "a command to be the only one", func() string {
		another := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		err := n.gateway.requests.Do(httptest.NewRecorder(), another, func(context.Context, []byte) error {
			if r := n.call(t, "isonline", "user_name", "ann"); r.status != http.StatusInternalServerError || r.body != "Couldn't reach broker\n" {
				t.Error(r)
			}
			return nil
		})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	wait.Eventually(t, patience, "a command to be answered", func() string {
		if r := n.call(t, "isonline", "user_name", "ann"); r.status != http.StatusOK {
			return r.body
		}
		return ""
	})
}

func TestPollsAreBounded(t *testing.T) {
	n := start(t, "", func(o *Options) { o.Polls = 1 })
	n.join(t, "ann", "bob")
	one, other := listener{channel: n.login(t, "ann")}, listener{channel: n.login(t, "bob")}
	_, _, _ = one.poll(t.Context(), n)
	_, _, _ = other.poll(t.Context(), n)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	waiting := one
	go func() {
		_, _, err := waiting.poll(ctx, n)
		gone <- err
	}()
	n.waiting(t, 1)
	if r := <-other.polling(t, n); r.status != http.StatusServiceUnavailable {
		t.Fatal(r)
	}
	leave()
	if err := <-gone; err == nil {
		t.Fatal("the poll was answered")
	}
	n.waiting(t, 0)
}

func TestWhoIsErasedOrRevokedHasNoSession(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "ann", "bob")
	server := chat.Actor{App: chat.DefaultApp, Server: true}
	ann, bob := n.login(t, "ann"), n.login(t, "bob")
	channels := layout.RowKey("\x00push", chat.DefaultApp)
	if rows, err := n.tables.All(t.Context(), table, channels); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if _, err := n.chat.EraseUser(t.Context(), server, &chatv1.EraseUserRequest{User: "bob"}); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, patience, "bob to be erased", func() string {
		if r := n.call(t, "login", "user_name", "bob", "password", "pw"); !strings.Contains(r.body, `"error-code":15`) {
			return r.body
		}
		return ""
	})
	if r, err := n.do(t.Context(), http.MethodGet, "/sub?channel_id="+bob, ""); err != nil || r.status != http.StatusForbidden {
		t.Error(r, err)
	}
	if rows, err := n.tables.All(t.Context(), table, channels); err != nil || len(rows) != 1 || strings.Contains(string(rows[0].Data), "bob") {
		t.Errorf("whose channels are is still there: %v, %v", rows, err)
	}
	if _, err := n.chat.Revoke(t.Context(), server, &chatv1.RevokeRequest{User: "ann"}); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, patience, "ann to be refused", func() string {
		if r := n.call(t, "heartbeat", "user_name", "ann", "channel_id", ann); !strings.Contains(r.body, `"error-code":2`) {
			return r.body
		}
		return ""
	})
}

// A log that lost its end uses offsets again: then time is what is left to go by.
func TestNothingIsLostWhenPositionsBecomeVoid(t *testing.T) {
	n := start(t, "", nil)
	n.join(t, "bob")
	l := listener{channel: n.login(t, "bob")}
	for i := range 3 {
		n.natively(t, "ann", "bob", fmt.Sprint(i))
		l.next(t, n)
	}
	n.natively(t, "ann", "bob", "3")
	var p position
	if err := p.UnmarshalText([]byte(l.tag)); err != nil {
		t.Fatal(err)
	}
	for part, m := range p.marks {
		p.marks[part] = mark{m.offset + 1000, m.epoch + 1}
	}
	l.tag = p.String()
	got := ""
	for !strings.HasSuffix(got, "3") {
		got += l.next(t, n).Message
	}
	if !strings.HasSuffix("0123", got) {
		t.Fatalf("received %q", got)
	}
}
