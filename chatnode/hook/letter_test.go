package hook

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

func TestAnEventThatIsNotTakenBecomesALetterAndTheRoomGoesOn(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	r := newReceiver(t, func(d delivery) int {
		switch {
		case mended.Load():
			return 0
		case d.Event.Text == "fails" || d.Event.Text == "fails too":
			return http.StatusNotFound
		case d.Event.Text == "refused":
			return http.StatusUnprocessableEntity
		case d.Event.Text == "declined":
			return http.StatusGone
		}
		return 0
	})
	o := eventsOptions(r.URL)
	o.GiveUp = 200 * time.Millisecond
	e := openEvents(t, b, o, quick())
	first := say(t, b, "room:a", "fails")
	say(t, b, "room:a", "one", "refused", "two", "declined", "three")
	last := say(t, b, "room:a", "fails too")
	say(t, b, "room:a", "four")
	r.await(t, "room:a", []string{"one", "two", "three", "four"})

	letters, err := someLetters(t, e, "default", 10)
	if err != nil || len(letters) != 3 {
		t.Fatalf("letters %+v, %v", letters, err)
	}
	if l := letters[0]; l.Room != "room:a" || l.Offset != first || l.Error != "answered 404" || time.Since(time.UnixMilli(l.Time)) > patience {
		t.Errorf("letter %+v", l)
	}
	if letters[1].Error != "answered 422" || letters[2].Offset != last {
		t.Errorf("letters %+v", letters)
	}
	if some, err := someLetters(t, e, "default", 1); err != nil || len(some) != 1 {
		t.Errorf("letters %+v, %v", some, err)
	}
	if others, err := someLetters(t, e, "another", 10); err != nil || len(others) != 0 {
		t.Errorf("letters %+v of another application, %v", others, err)
	}

	before := r.requests("room:a")
	left, err := retrySome(t, e, "default", 10)
	if err != nil || len(left) != 3 || r.requests("room:a") != before+1 {
		t.Fatalf("left %+v after %d requests, %v", left, r.requests("room:a")-before, err)
	}
	mended.Store(true)
	if left, err = retrySome(t, e, "default", 1); err != nil || len(left) != 0 {
		t.Fatalf("left %+v, %v", left, err)
	}
	if left, err = retrySome(t, e, "default", 10); err != nil || len(left) != 0 {
		t.Fatalf("left %+v, %v", left, err)
	}
	if letters, err = someLetters(t, e, "default", 10); err != nil || len(letters) != 0 {
		t.Fatalf("letters %+v, %v", letters, err)
	}
	if texts, _ := r.texts("room:a"); !slices.Equal(texts[4:], []string{"fails", "refused", "fails too"}) {
		t.Errorf("taken %v", texts)
	}
	r.verify(t)
}

func TestALetterGoesWithItsEvent(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	r := newReceiver(t, nil)
	e := openEvents(t, b, eventsOptions(r.URL), quick())
	offset := say(t, b, "room:a", "what stands there now")
	r.await(t, "room:a", []string{"what stands there now"})
	m, err := b.Read(t.Context(), feed("room:a"), offset)
	if err != nil || m == nil {
		t.Fatal(m, err)
	}
	lost := *m
	lost.Data = []byte(`{"type":"message","text":"what stood there before the log lost its end"}`)
	if !e.letter(t.Context(), feed("room:a"), &lost, "answered 500") {
		t.Fatal("no letter")
	}
	lost.Offset += 100
	if !e.letter(t.Context(), feed("room:a"), &lost, "answered 500") {
		t.Fatal("no letter")
	}
	before := r.requests("room:a")
	left, err := retrySome(t, e, "default", 10)
	if err != nil || len(left) != 0 || r.requests("room:a") != before {
		t.Fatalf("left %+v, %v, %d requests", left, err, r.requests("room:a")-before)
	}
	if letters, err := someLetters(t, e, "default", 10); err != nil || len(letters) != 0 {
		t.Fatalf("letters %+v, %v", letters, err)
	}
}

// someLetters are the oldest of an application.
func someLetters(t *testing.T, e *Events, app string, limit int) ([]Letter, error) {
	t.Helper()
	page, err := e.Letters(t.Context(), LetterQuestion{App: app, Limit: limit})
	return page.Letters, err
}

func retrySome(t *testing.T, e *Events, app string, limit int) ([]Letter, error) {
	t.Helper()
	page, err := e.Retry(t.Context(), LetterQuestion{App: app, Limit: limit})
	return page.Letters, err
}

func TestLettersBehindThoseThatFailCanBeReachedByPageAndByRoom(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	r := newReceiver(t, func(d delivery) int {
		if mended.Load() && d.Event.Text != "bad" {
			return 0
		}
		return http.StatusUnprocessableEntity
	})
	e := openEvents(t, b, eventsOptions(r.URL), quick())
	var want []uint64
	for _, text := range []string{"bad", "a1", "a2", "a3", "a4"} {
		want = append(want, say(t, b, "room:a", text))
	}
	say(t, b, "room:b", "b0")
	say(t, b, "room:b", "b1")
	inRoom := func(room string, limit int) LetterQuestion {
		return LetterQuestion{App: "default", Room: room, Limit: limit}
	}
	pages := func(q LetterQuestion, ask func(context.Context, LetterQuestion) (LetterPage, error)) (sizes []int, offsets []uint64) {
		t.Helper()
		for {
			page, err := ask(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.Letters))
			for _, l := range page.Letters {
				offsets = append(offsets, l.Offset)
			}
			if q.After = page.Next; q.After == 0 {
				return sizes, offsets
			}
		}
	}
	wait.For(t, patience, "the letters", func(context.Context) error {
		if _, all := pages(inRoom("", 3), e.Letters); len(all) != 7 {
			return fmt.Errorf("%d", len(all))
		}
		return nil
	})
	if sizes, offsets := pages(inRoom("room:a", 2), e.Letters); !slices.Equal(sizes, []int{2, 2, 1}) || !slices.Equal(offsets, want) {
		t.Errorf("pages of %v with %v", sizes, offsets)
	}
	mended.Store(true)
	if _, left := pages(inRoom("room:b", 10), e.Retry); len(left) != 0 {
		t.Errorf("left of room:b are %v", left)
	}
	// The first of the room fails, so that the second is not tried; what is on later pages is.
	if sizes, left := pages(inRoom("room:a", 2), e.Retry); !slices.Equal(sizes, []int{2, 0, 0}) || !slices.Equal(left, want[:2]) {
		t.Errorf("left on pages of %v are %v", sizes, left)
	}
	if _, left := pages(inRoom("room:none", 10), e.Letters); len(left) != 0 {
		t.Errorf("another room has %v", left)
	}
}
