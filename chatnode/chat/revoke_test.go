package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestARevocationRefusesTokensOfBefore(t *testing.T) {
	var c clock
	s, _ := startWith(t, c.options(Options{Limits: noLimits}))
	var told []string
	var mu sync.Mutex
	s.OnRevoke(func(app, user string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, app+"/"+user)
	})
	admit := func(user string, issued time.Time, want error) {
		t.Helper()
		if err := s.Admit(DefaultApp, user, issued); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", user, err, want)
		}
	}
	revoke := func(q *chatv1.RevokeRequest) *chatv1.RevokeReply {
		t.Helper()
		return must(s.Revoke(t.Context(), theServer, q))(t)
	}
	admit("ann", time.Time{}, nil)
	before := time.UnixMilli(revoke(&chatv1.RevokeRequest{User: "ann"}).GetBefore())
	admit("ann", time.Time{}, ErrRevoked)
	admit("ann", before.Add(-time.Millisecond), ErrRevoked)
	admit("ann", before, nil)
	admit("bob", time.Time{}, nil)
	admit("", time.Time{}, nil)
	if err := s.Admit("other", "ann", time.Time{}); err != nil {
		t.Errorf("in another application: %v", err)
	}
	revoke(&chatv1.RevokeRequest{User: "ann", Ban: true})
	admit("ann", before.Add(time.Hour), ErrBanned)
	revoke(&chatv1.RevokeRequest{User: "ann", Allow: true})
	admit("ann", before.Add(time.Hour), nil)
	admit("ann", before.Add(-time.Millisecond), ErrRevoked)
	if got := revoke(&chatv1.RevokeRequest{User: "nobody", Allow: true}); got.GetBefore() != 0 {
		t.Errorf("lifting no ban gave %v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) < 2 || slices.ContainsFunc(told, func(who string) bool { return who != DefaultApp+"/ann" }) {
		t.Errorf("told of %q", told)
	}
}

func TestARevocationIsForgottenWhenNoTokenCanBeThatOldAndABanIsNot(t *testing.T) {
	var c clock
	s, b := startWith(t, c.options(Options{Limits: noLimits}))
	must(s.Revoke(t.Context(), theServer, &chatv1.RevokeRequest{User: "ann"}))(t)
	must(s.Revoke(t.Context(), theServer, &chatv1.RevokeRequest{User: "bob", Ban: true}))(t)
	rows := func() int { return must(b.Count(t.Context(), layout.Revoked, layout.RowKey(DefaultApp)))(t) }
	for _, ahead := range []time.Duration{0, revokedFor + time.Hour} {
		c.pass(ahead)
		if err := newSweepRound(s).dropRevoked(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 2, false: 1}[ahead == 0]; rows() != want {
			t.Fatalf("%d rows after %v", rows(), ahead)
		}
	}
	wait.For(t, time.Minute, "the node to forget it too", func(context.Context) error { return s.Admit(DefaultApp, "ann", time.Time{}) })
	if err := s.Admit(DefaultApp, "bob", c.now()); !errors.Is(err, ErrBanned) {
		t.Errorf("bob: %v", err)
	}
}

func TestABanThatComesWhileAnOldRevocationIsForgottenStays(t *testing.T) {
	w := startSwept(t)
	must(w.Revoke(t.Context(), theServer, &chatv1.RevokeRequest{User: "ann"}))(t)
	w.pass(revokedFor + time.Hour)
	key := personKey(DefaultApp, "ann")
	var once sync.Once
	w.tables.hinder(func(ctx context.Context, op, table, at string) (err error) {
		if table == layout.Revoked && at == key && (op == "get" || op == "remove") {
			once.Do(func() { // another node bans her, of which this one has not heard yet
				_, err = changeRow(ctx, w.tables.Tables, layout.Revoked, key, func(r *record[revokedRecord]) error {
					r.value.Banned = true
					return nil
				})
			})
		}
		return err
	})
	if err := newSweepRound(w.Service).dropRevoked(t.Context()); err != nil {
		t.Fatal(err)
	}
	row := must(loadRow[revokedRecord](t.Context(), w.tables.Tables, layout.Revoked, key))(t)
	if !row.value.Banned {
		t.Error("the ban is gone")
	}
}

func TestANewNodeKnowsWhoIsRevoked(t *testing.T) {
	s, b := start(t, noLimits)
	const n = 1100
	err := inParallel(t.Context(), n, func(ctx context.Context, i int) error {
		_, err := s.Revoke(ctx, theServer, &chatv1.RevokeRequest{User: fmt.Sprint("user", i), Ban: i%2 == 0})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	later, err := New(Options{Log: b, Tables: b, Signals: b})
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	wait.For(t, time.Minute, "the node to know", func(context.Context) error { // New waits for it, though not for ever
		if err := later.Admit(DefaultApp, "user0", time.Time{}); !errors.Is(err, ErrBanned) {
			return fmt.Errorf("user 0: %w", err)
		}
		return nil
	})
	t.Logf("a node that begins knows %d revoked users after %v", n, time.Since(begin))
	for i := range n {
		want := map[bool]error{true: ErrBanned, false: ErrRevoked}[i%2 == 0]
		if err := later.Admit(DefaultApp, fmt.Sprint("user", i), time.Time{}); !errors.Is(err, want) {
			t.Fatalf("user %d: %v", i, err)
		}
	}
}

func TestWhatOnlyServersMayDo(t *testing.T) {
	s, _ := start(t, noLimits)
	calls := map[string]func(a Actor) error{
		"revoke": func(a Actor) error {
			_, err := s.Revoke(t.Context(), a, &chatv1.RevokeRequest{User: "ann"})
			return err
		},
		"announce": func(a Actor) error {
			_, err := s.Announce(t.Context(), a, &chatv1.AnnounceRequest{Text: "hear"})
			return err
		},
		"letters": func(a Actor) error {
			_, err := s.DeadLetters(t.Context(), a, &chatv1.DeadLettersRequest{})
			return err
		},
	}
	for name, call := range calls {
		if err := call(theServer); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, Denied, call(ann))
		expect(t, Denied, call(anon))
	}
	for _, q := range []*chatv1.RevokeRequest{{}, {User: "ann", Ban: true, Allow: true}} {
		_, err := s.Revoke(t.Context(), theServer, q)
		expect(t, Invalid, err)
	}
	_, err := s.Announce(t.Context(), theServer, &chatv1.AnnounceRequest{Id: "x"})
	expect(t, Invalid, err)
}

func TestAnAnnouncementIsToldOnceAndForgottenAfterAnHour(t *testing.T) {
	var c clock
	s, b := startWith(t, c.options(Options{Limits: noLimits}))
	told := make(chan string, 10)
	s.OnAnnounce(func(app string, event []byte) { told <- app + string(event) })
	for range 3 {
		must(s.Announce(t.Context(), theServer, &chatv1.AnnounceRequest{Id: "1", Text: "once"}))(t)
	}
	must(s.Announce(t.Context(), Actor{App: "other", Server: true}, &chatv1.AnnounceRequest{Id: "1", Text: "there"}))(t)
	for _, want := range []string{DefaultApp, "other"} {
		if got := <-told; got[:len(want)] != want {
			t.Errorf("told %s", got)
		}
	}
	if err := newSweepRound(s).dropAnnounced(t.Context()); err != nil || must(b.Count(t.Context(), layout.Letters, layout.RowKey(announcedApp)))(t) != 2 {
		t.Errorf("dropped too early: %v", err)
	}
	c.pass(announcedFor + time.Minute)
	if err := newSweepRound(s).dropAnnounced(t.Context()); err != nil || must(b.Count(t.Context(), layout.Letters, layout.RowKey(announcedApp)))(t) != 0 {
		t.Errorf("not dropped: %v", err)
	}
	must(s.Announce(t.Context(), theServer, &chatv1.AnnounceRequest{Id: "2", Text: "later"}))(t)
	<-told
	if len(told) > 0 {
		t.Errorf("told again: %s", <-told)
	}
}

func TestDeadLettersAreThoseOfTheWebhook(t *testing.T) {
	var asked []LetterQuestion
	letters := []*chatv1.DeadLetter{{Room: "room:a", Offset: 7, Error: "503", Time: 1}}
	s, _ := startWith(t, Options{Limits: noLimits, Letters: func(_ context.Context, q LetterQuestion) ([]*chatv1.DeadLetter, uint64, error) {
		asked = append(asked, q)
		return letters, 9 - q.After, nil
	}})
	for _, c := range []struct {
		q    *chatv1.DeadLettersRequest
		want string
	}{
		{&chatv1.DeadLettersRequest{}, "9"},
		{&chatv1.DeadLettersRequest{Limit: 100, Retry: true, Room: "room:a", Cursor: "9"}, ""},
	} {
		got := must(s.DeadLetters(t.Context(), theServer, c.q))(t)
		same(t, "letters", got, &chatv1.DeadLettersReply{Letters: letters, Cursor: c.want})
	}
	if want := []LetterQuestion{{App: DefaultApp, Limit: 20}, {DefaultApp, "room:a", 9, 100, true}}; !slices.Equal(asked, want) {
		t.Errorf("asked %v", asked)
	}
	for _, q := range []*chatv1.DeadLettersRequest{{Limit: 101}, {Room: "nonsense"}, {Room: "room:"}, {Cursor: "x"}} {
		_, err := s.DeadLetters(t.Context(), theServer, q)
		expect(t, Invalid, err)
	}
}
