package hook

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
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

	letters, err := e.Letters(t.Context(), "default", 10)
	if err != nil || len(letters) != 3 {
		t.Fatalf("letters %+v, %v", letters, err)
	}
	if l := letters[0]; l.Room != "room:a" || l.Offset != first || l.Error != "answered 404" || time.Since(time.UnixMilli(l.Time)) > patience {
		t.Errorf("letter %+v", l)
	}
	if letters[1].Error != "answered 422" || letters[2].Offset != last {
		t.Errorf("letters %+v", letters)
	}
	if some, err := e.Letters(t.Context(), "default", 1); err != nil || len(some) != 1 {
		t.Errorf("letters %+v, %v", some, err)
	}
	if others, err := e.Letters(t.Context(), "another", 10); err != nil || len(others) != 0 {
		t.Errorf("letters %+v of another application, %v", others, err)
	}

	before := r.requests("room:a")
	left, err := e.Retry(t.Context(), "default", 10)
	if err != nil || len(left) != 3 || r.requests("room:a") != before+1 {
		t.Fatalf("left %+v after %d requests, %v", left, r.requests("room:a")-before, err)
	}
	mended.Store(true)
	if left, err = e.Retry(t.Context(), "default", 1); err != nil || len(left) != 0 {
		t.Fatalf("left %+v, %v", left, err)
	}
	if left, err = e.Retry(t.Context(), "default", 10); err != nil || len(left) != 0 {
		t.Fatalf("left %+v, %v", left, err)
	}
	if letters, err = e.Letters(t.Context(), "default", 10); err != nil || len(letters) != 0 {
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
	left, err := e.Retry(t.Context(), "default", 10)
	if err != nil || len(left) != 0 || r.requests("room:a") != before {
		t.Fatalf("left %+v, %v, %d requests", left, err, r.requests("room:a")-before)
	}
	if letters, err := e.Letters(t.Context(), "default", 10); err != nil || len(letters) != 0 {
		t.Fatalf("letters %+v, %v", letters, err)
	}
}
