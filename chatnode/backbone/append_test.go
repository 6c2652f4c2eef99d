package backbone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// idAt makes a UUIDv7 of another time.
func idAt(at time.Time) string {
	id := uuid.Must(uuid.NewV7())
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli())<<16)
	copy(id[:6], ms[:6])
	return id.String()
}

func TestIDsTellWhereARetryIsRecognised(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		id   string
		want freshness
	}{
		"new":                       {idAt(now), fresh},
		"19 s old":                  {idAt(now.Add(-19 * time.Second)), fresh},
		"21 s old":                  {idAt(now.Add(-21 * time.Second)), lookUp},
		"23 h old":                  {idAt(now.Add(-23 * time.Hour)), lookUp},
		"25 h old":                  {idAt(now.Add(-25 * time.Hour)), stale},
		"of a clock that is ahead":  {idAt(now.Add(time.Minute)), lookUp},
		"a random UUID":             {uuid.NewString(), lookUp},
		"words of the client's own": {"message one", lookUp},
	} {
		if got := freshnessOf(c.id, now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAnIDIsStoredOncePerSenderAndRoom(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	for name, id := range map[string]string{
		"fresh UUIDv7": idAt(time.Now()), "UUIDv7 of an hour ago": idAt(time.Now().Add(-time.Hour)), "any words": "m-1",
	} {
		t.Run(name, func(t *testing.T) {
			feed := room("a " + name)
			first := send(t, b, feed, id, "one")
			for range 9 {
				again := send(t, b, feed, id, "one, again")
				if again.Offset != first.Offset || !again.Duplicate {
					t.Fatalf("first %+v, then %+v", first, again)
				}
			}
			if other := send(t, b, room("b "+name), id, "in another room"); other.Duplicate {
				t.Fatal("the same id in another room was taken for a retry")
			}
			r, err := b.Enqueue(feed, Draft{ID: id, Sender: "bob", Data: []byte("of another sender")}).Wait(t.Context())
			if err != nil || r.Duplicate {
				t.Fatalf("the same id of another sender was taken for a retry: %+v %v", r, err)
			}
			page, err := b.After(t.Context(), feed, 0, 10)
			if err != nil || !slices.Equal(texts(page.Messages), []string{"one", "of another sender"}) {
				t.Fatalf("stored %v %v", texts(page.Messages), err)
			}
		})
	}
}

func TestAnOldIDIsRefused(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	_, err := b.Enqueue(room("a"), Draft{ID: idAt(time.Now().Add(-25 * time.Hour)), Sender: "ann", Data: []byte("x")}).Wait(t.Context())
	if !errors.Is(err, ErrStaleID) {
		t.Fatalf("got %v", err)
	}
}

func TestConcurrentAttemptsShareOneOutcome(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	id := idAt(time.Now())
	var all sync.WaitGroup
	offsets := make([]uint64, 50)
	for i := range offsets {
		all.Go(func() { offsets[i] = send(t, b, room("a"), id, "x").Offset })
	}
	all.Wait()
	if slices.Min(offsets) != slices.Max(offsets) {
		t.Fatalf("offsets %v", offsets)
	}
}

func TestASendersMessagesKeepTheirOrderAndQueuesAreBounded(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	var pending []*Pending
	busy := 0
	for i := 1; i <= 2*maxLine; i++ {
		pending = append(pending, b.Enqueue(room("a"), Draft{ID: idAt(time.Now()), Sender: "ann", Data: fmt.Append(nil, i)}))
	}
	last := uint64(0)
	for _, p := range pending {
		r, err := p.Wait(t.Context())
		switch {
		case errors.Is(err, ErrBusy):
			busy++
		case err != nil:
			t.Fatal(err)
		case r.Offset <= last:
			t.Fatalf("offset %d after %d", r.Offset, last)
		default:
			last = r.Offset
		}
	}
	if busy > maxLine {
		t.Fatalf("%d of %d were refused", busy, 2*maxLine)
	}
}

func TestCloseAnswersWhatIsUnderWay(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Enqueue(room("a"), Draft{ID: "x", Data: []byte("x")}).Wait(t.Context()); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestALateSweepSendsNothingAgainThatTheStreamMayHaveForgotten(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	s := b.appender.shards[b.layout.ShardOf(room("a"))]
	p := &Pending{feed: room("a"), draft: Draft{ID: idAt(time.Now()), Data: []byte("x")}, done: make(chan struct{})}
	p.id = storedID(p.feed, &p.draft)
	p.line = &line{waiting: []*Pending{p}}
	p.end = time.Now().Add(200 * time.Millisecond)
	s.mu.Lock()
	s.byID[p.id], s.flights[p] = p, struct{}{}
	select {
	case b.appender.launched <- struct{}{}:
	default: // the sweeper has been woken already
	}
	// The sweep that begins now gets no further before the append's time is over.
	await(t, "the end of its time", func() bool { return time.Since(p.end) > 100*time.Millisecond })
	s.mu.Unlock()
	if r, err := p.Wait(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %+v, %v", r, err)
	}
}

func TestARetryEndsBeforeTheStreamMayHaveForgottenTheFirstAttempt(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	s := b.appender.shards[b.layout.ShardOf(room("a"))]
	for name, c := range map[string]struct {
		age time.Duration // of the id
		end time.Duration // after now, at most
	}{
		"new":                       {0, giveUp},
		"of a clock that is ahead":  {-4 * time.Second, giveUp},
		"a fresh one's last moment": {19 * time.Second, 6 * time.Second},
		"looked up":                 {time.Hour, giveUp},
	} {
		now := time.Now()
		p := b.Enqueue(room("a"), Draft{ID: idAt(now.Add(-c.age)), Data: []byte("x")})
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		left := p.end.Sub(now)
		s.mu.Unlock()
		if left > c.end+time.Second || left < c.end-2*time.Second {
			t.Errorf("%s: its attempts end after %v, and not after %v", name, left, c.end)
		}
	}
}

func TestAnAppendThatWaitedTooLongForItsPlaceIsNotSent(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	s := b.appender.shards[b.layout.ShardOf(room("a"))]
	s.mu.Lock()
	for range appendWindow {
		s.flights[&Pending{end: time.Now().Add(time.Hour), retryAt: time.Now().Add(time.Hour)}] = struct{}{}
	}
	s.mu.Unlock()
	p := b.Enqueue(room("a"), Draft{ID: idAt(time.Now()), Data: []byte("x")})
	s.mu.Lock()
	p.end = time.Now().Add(-time.Second)
	clear(s.flights)
	next := s.ready[0]
	s.ready = s.ready[1:]
	s.launch(next)
	s.mu.Unlock()
	if r, err := p.Wait(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %+v, %v", r, err)
	}
}
