package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ann       = Actor{App: DefaultApp, User: "ann", Client: "c1", Info: json.RawMessage(`{"name":"Ann"}`)}
	anon      = Actor{App: DefaultApp, Client: "c2"}
	noLimits  = Limits{TextBytes: 100, DataBytes: 200}
	fewLimits = Limits{TextBytes: 100, DataBytes: 200, MessagesPerSecond: 0.001, Burst: 3}
)

// start gives a service on an embedded log.
func start(t testing.TB, limits Limits, openChannels ...string) (*Service, *backbone.Backbone) {
	t.Helper()
	return startWith(t, Options{Limits: limits, OpenChannels: openChannels, ImplicitRooms: true})
}

// startWith gives a service with those options on an embedded log.
func startWith(t testing.TB, o Options) (*Service, *backbone.Backbone) {
	t.Helper()
	b, err := backbone.Open(t.Context(), backbone.Options{
		DataDir: t.TempDir(), Prefix: "test", Shards: 1, Create: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if hindered, ok := o.Tables.(*hindered); ok {
		hindered.Tables = b
	} else {
		o.Tables = b
	}
	if o.Log == nil {
		o.Log = b
	}
	if o.Signals == nil {
		o.Signals = b
	}
	if joining, ok := o.Log.(*joining); ok {
		joining.Log = b
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, b
}

func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not of the domain", err)
	}
	return e.Kind
}

const fine = Kind(255)

func TestWhoMayDoWhatInWhichChannel(t *testing.T) {
	s, _ := start(t, noLimits, "news", "chat:*")
	long := strings.Repeat("x", MaxName+1)
	for _, c := range []struct {
		actor   Actor
		channel string
		verb    Verb
		want    Kind
	}{
		{ann, "room:lobby", Subscribe, fine},
		{ann, "room:lobby", Publish, fine},
		{ann, "room:lobby", Presence, fine},
		{ann, "room:a b.c*>👋", History, fine},
		{anon, "room:lobby", Subscribe, Denied},
		{ann, "room:", Subscribe, Invalid},
		{ann, "room:" + long, Subscribe, Invalid},
		{ann, "room:\xff", Subscribe, Invalid},
		{ann, "dm:ann,bob", Publish, fine},
		{ann, "dm:ann,ann", Publish, fine},
		{ann, "dm:bob,ann", Publish, Invalid},
		{ann, "dm:bob,carl", Subscribe, Denied},
		{ann, "dm:ann", Subscribe, Invalid},
		{ann, "dm:ann,", Subscribe, Invalid},
		{ann, "dm:ann,b,c", Subscribe, Invalid},
		{ann, "dm:ann,b%2Cc", Subscribe, fine},
		{ann, "dm:ann,b%2cc", Subscribe, Invalid},
		{ann, "dm:50%25,ann", Subscribe, fine},
		{ann, "dm:50%,ann", Subscribe, Invalid},
		{anon, "dm:,ann", Subscribe, Invalid},
		{ann, "user:ann", Subscribe, fine},
		{ann, "user:ann", History, fine},
		{ann, "user:ann", Publish, Denied},
		{ann, "user:bob", Subscribe, Denied},
		{anon, "user:", Subscribe, Invalid},
		{anon, "news", Publish, fine},
		{anon, "chat:any", Subscribe, fine},
		{anon, "other", Subscribe, NotFound},
		{anon, "", Subscribe, Invalid},
		{anon, long, Subscribe, Invalid},
	} {
		access, err := s.Access(t.Context(), c.actor, c.channel, c.verb)
		got := fine
		if err != nil {
			got = kindOf(t, err)
		}
		if got != c.want {
			t.Errorf("%q doing %d in %q: %d (%v), want %d", c.actor.User, c.verb, c.channel, got, err, c.want)
		}
		if err == nil && Channel(access.Feed) != c.channel {
			t.Errorf("channel %q became %q", c.channel, Channel(access.Feed))
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "anything", true},
		{"*", "", true},
		{"a*", "abc", true},
		{"a*", "ba", false},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"ab*b", "ab", false},
		{"abc", "abc", true},
		{"abc", "abcd", false},
	} {
		if got := matches(c.pattern, c.s); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.s, got)
		}
	}
}

func FuzzChannel(f *testing.F) {
	for _, seed := range []string{"room:a", "dm:a,b", "user:a", "", "dm:%2C,%25", "x:\xff"} {
		f.Add(seed)
	}
	s, _ := start(f, noLimits, "*")
	f.Fuzz(func(t *testing.T, channel string) {
		access, err := s.Access(t.Context(), ann, channel, Subscribe)
		if err == nil && Channel(access.Feed) != channel {
			t.Fatalf("%q became %q", channel, Channel(access.Feed))
		}
	})
}

func TestSendStoresAnEventOnceAndAnswersTheSame(t *testing.T) {
	s, b := start(t, noLimits)
	request := fmt.Appendf(nil, `{"id":%q,"room":"room:a","text":"hi","reply_to":"x","mentions":["bob"]}`, uuid.Must(uuid.NewV7()))
	var sent Sent
	for range 10 {
		answer, err := s.CallSend(ann, request).Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if sent.ID == "" {
			sent = answer
		}
		if answer != sent {
			t.Fatalf("answered %+v, then %+v", sent, answer)
		}
	}
	page, err := b.After(t.Context(), backbone.Feed{Kind: layout.Room, App: DefaultApp, Name: "room:a"}, 0, 10)
	if err != nil || len(page.Messages) != 1 {
		t.Fatalf("%d messages stored, %v", len(page.Messages), err)
	}
	want := fmt.Sprintf(`{"id":%q,"type":"message","sender":"ann","time":%d,"text":"hi","reply_to":"x","mentions":["bob"]}`, sent.ID, sent.Time)
	if got := page.Messages[0]; string(got.Data) != want || got.Offset != sent.Offset ||
		string(got.Info) != `{"user":"ann","client":"c1","conn_info":{"name":"Ann"}}` {
		t.Fatalf("stored %s by %s at %d", got.Data, got.Info, got.Offset)
	}
}

// joining answers as a log does while the first append of an id is under way: every further one joins it.
type joining struct {
	Log
	first *backbone.Pending
}

func (j *joining) Enqueue(feed backbone.Feed, d backbone.Draft) *backbone.Pending {
	if j.first == nil {
		j.first = j.Log.Enqueue(feed, d)
	}
	return j.first
}

func TestRetryThatJoinsTheFirstAttemptAnswersItsTime(t *testing.T) {
	s, _ := startWith(t, Options{Log: &joining{}, Limits: noLimits, ImplicitRooms: true})
	request := fmt.Appendf(nil, `{"id":%q,"room":"room:a","text":"hi"}`, uuid.Must(uuid.NewV7()))
	first := s.CallSend(ann, request)
	if first.begun != nil {
		<-first.begun
	}
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched() // the retry comes at another time
	}
	second := s.CallSend(ann, request)
	want, err1 := first.Wait(t.Context())
	got, err2 := second.Wait(t.Context())
	if err := errors.Join(err1, err2); err != nil || got != want {
		t.Fatalf("answered %+v, then %+v, %v", want, got, err)
	}
}

func TestPublishMakesAnEventInRoomsAndKeepsTheDataInOpenChannels(t *testing.T) {
	s, b := start(t, noLimits, "*")
	for _, c := range []struct{ channel, data, want string }{
		{"room:a", `{"text":"hi"}`, `"text":"hi"}`},
		{"room:b", `{"value":1}`, `"data":{"value":1}}`},
		{"room:c", `"hi"`, `"data":"hi"}`},
		{"room:d", `{"text":1}`, `"data":{"text":1}}`},
		{"open", `{"text":"hi"}`, `{"text":"hi"}`},
	} {
		if _, err := s.Publish(ann, c.channel, []byte(c.data)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := b.After(t.Context(), backbone.Feed{Kind: layout.Room, App: DefaultApp, Name: c.channel}, 0, 10)
		if err != nil || len(page.Messages) != 1 || !strings.HasSuffix(string(page.Messages[0].Data), c.want) {
			t.Fatalf("%s to %s stored %v %v", c.data, c.channel, page.Messages, err)
		}
		if event := strings.HasPrefix(string(page.Messages[0].Data), `{"id":`); event != strings.HasPrefix(c.channel, "room:") {
			t.Fatalf("%s to %s stored %s", c.data, c.channel, page.Messages[0].Data)
		}
	}
}

func TestWrongRequestsGetTheirError(t *testing.T) {
	s, _ := start(t, noLimits)
	for name, c := range map[string]struct {
		request string
		want    Kind
	}{
		"not JSON":         {`{`, Invalid},
		"no id":            {`{"room":"room:a","text":"x"}`, Invalid},
		"long id":          {`{"id":"` + strings.Repeat("x", 65) + `","room":"room:a","text":"x"}`, Invalid},
		"no content":       {`{"id":"1","room":"room:a"}`, Invalid},
		"empty text":       {`{"id":"1","room":"room:a","text":""}`, Invalid},
		"long text":        {`{"id":"1","room":"room:a","text":"` + strings.Repeat("x", 101) + `"}`, Invalid},
		"much data":        {`{"id":"1","room":"room:a","data":"` + strings.Repeat("x", 201) + `"}`, Invalid},
		"empty mention":    {`{"id":"1","room":"room:a","text":"x","mentions":[""]}`, Invalid},
		"another's direct": {`{"id":"1","room":"dm:bob,carl","text":"x"}`, Denied},
		"no such channel":  {`{"id":"1","room":"news","text":"x"}`, NotFound},
	} {
		_, err := s.CallSend(ann, []byte(c.request)).Wait(t.Context())
		if err == nil || kindOf(t, err) != c.want {
			t.Errorf("%s: %v, want kind %d", name, err, c.want)
		}
	}
}

func TestOneUserCannotFloodOthersAreNotHeldUp(t *testing.T) {
	s, _ := start(t, fewLimits, "*")
	for i := range fewLimits.Burst + 1 {
		_, err := s.Publish(ann, "room:a", []byte(`"x"`)).Wait(t.Context())
		if i < fewLimits.Burst && err != nil || i == fewLimits.Burst && (err == nil || kindOf(t, err) != TooMany) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if _, err := s.Publish(anon, "open", []byte(`"x"`)).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRatesForgetSendersThatRest(t *testing.T) {
	r := rates{limits: Limits{MessagesPerSecond: 1000, Burst: 1}}
	for i := range 3 * maxRates {
		r.allow(fmt.Sprint(i))
	}
	if len(r.senders) > maxRates {
		t.Fatalf("%d senders are remembered", len(r.senders))
	}
}

type signals struct {
	mu   sync.Mutex
	sent []string
}

func (s *signals) Signal(_ backbone.Feed, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, string(data))
	return nil
}

func TestTypingIsASignal(t *testing.T) {
	var out signals
	s, _ := startWith(t, Options{Signals: &out, Limits: noLimits, ImplicitRooms: true})
	if _, err := s.Typing(t.Context(), ann, &chatv1.TypingRequest{Room: "room:a", Typing: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Typing(t.Context(), ann, &chatv1.TypingRequest{Room: "user:bob"}); kindOf(t, err) != Denied {
		t.Fatal(err)
	}
	if want := []string{`{"type":"typing","sender":"ann","typing":true}`}; !slices.Equal(out.sent, want) {
		t.Fatalf("sent %v", out.sent)
	}
}
