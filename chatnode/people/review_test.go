package people

import (
	"context"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// run looks at changes until the test ends.
func run[S any](t *testing.T, r *Reviews[S]) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func TestWhatAChangeConcernsIsLookedAt(t *testing.T) {
	looked := make(chan string, 10)
	r := NewReviews(func(c Change) []string { return []string{c.Channel + " " + c.User, "another"} }, func(_ context.Context, s string) { looked <- s })
	run(t, r)
	r.Note("shop", "room:a", "ann")
	got := map[string]bool{}
	for range 2 {
		select {
		case s := <-looked:
			got[s] = true
		case <-time.After(patience):
			t.Fatal("nobody looks")
		}
	}
	if !got["room:a ann"] || !got["another"] {
		t.Errorf("looked at %v", got)
	}
	wait.Eventually(t, patience, "nothing to wait", func() string {
		if r.Waiting() > 0 {
			return "something does"
		}
		return ""
	})
}

func TestChangesOfOneUserDoNotWaitForThoseOfMany(t *testing.T) {
	looked, stuck := make(chan struct{}), make(chan struct{})
	r := NewReviews(func(c Change) []Change { return []Change{c} }, func(ctx context.Context, c Change) {
		if c.User == "" {
			<-stuck
			return
		}
		close(looked)
	})
	run(t, r)
	defer close(stuck)
	for i := range reviewing + 10 {
		r.Note("shop", string(rune('a'+i)), "")
	}
	r.Note("shop", "room:a", "ann")
	select {
	case <-looked:
	case <-time.After(patience):
		t.Fatal("who was expelled waits for others")
	}
}

func TestTooManyChangesBecomeOneOfEverybody(t *testing.T) {
	r := NewReviews(func(Change) []Change { return nil }, func(context.Context, Change) {})
	for i := range maxReviews + 1 {
		r.Note("shop", "room:a", string(rune('a'+i)))
	}
	all := r.ofMany.take()
	if _, ok := all[Change{}]; len(all) != 1 || !ok {
		t.Fatalf("%v", all)
	}
	if waiting := r.Waiting(); waiting != maxReviews {
		t.Fatalf("%d changes of one user wait", waiting)
	}
}
