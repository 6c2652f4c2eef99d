package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestAWebhookIsToldOfEachEventOnceAndInOrder(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	say(t, b, "room:a", "before the webhook was there")
	r := newReceiver(t, nil)
	openEvents(t, b, eventsOptions(r.URL), quick())
	rooms := []string{"room:a", "room:b", "dm:ann,bob"}
	for _, n := range numbers(1, 100) {
		for _, room := range rooms {
			say(t, b, room, n)
		}
	}
	for _, room := range rooms {
		if doubles := r.await(t, room, numbers(1, 100)); doubles > 0 || r.requests(room) != 100 {
			t.Errorf("%s: %d requests, %d doubles for 100 events", room, r.requests(room), doubles)
		}
	}
	r.verify(t)
	if r.conflicts > 0 {
		t.Errorf("a room had two requests out %d times", r.conflicts)
	}
	d := r.all[0]
	if d.App != "default" || d.Offset == 0 || d.Epoch == "" || d.Event.Type != "message" || d.Event.Sender != "ann" {
		t.Errorf("was told %+v", d)
	}
}

func TestAWebhookIsToldOfTheTypesItAskedForAndOfRoomsOnly(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	r := newReceiver(t, nil)
	o := eventsOptions(r.URL)
	o.Types = []string{"message", "delete"}
	openEvents(t, b, o, quick())
	send(t, b, "lobby", "1", `{"type":"message","text":"in an open channel, where anybody may write that"}`)
	send(t, b, "room:a", "2", `{"type":"reaction"}`)
	send(t, b, "room:a", "3", `not JSON`)
	send(t, b, "room:a", "4", `[1]`)
	send(t, b, "room:a", "5", `{"type":"delete","text":"deleted"}`)
	say(t, b, "room:a", "said")
	r.await(t, "room:a", []string{"deleted", "said"})
	if r.requests("lobby") > 0 || r.requests("room:a") != 2 {
		t.Errorf("was told %+v", r.all)
	}
}

func TestWhatFailsHoldsBackItsRoomOnlyHoweverMuchWaits(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	hanging := make(chan struct{})
	mend := sync.OnceFunc(func() { mended.Store(true); close(hanging) })
	r := newReceiver(t, func(d delivery) int {
		switch {
		case mended.Load():
			return 0
		case d.Room == "room:failing":
			return http.StatusInternalServerError
		case d.Room == "room:slow":
			<-hanging
			return http.StatusInternalServerError
		case d.Room == "room:moved":
			return http.StatusFound
		}
		return 0
	})
	t.Cleanup(mend)
	within := quick()
	within.perRoom, within.bytes = 4, 4096
	e := openEvents(t, b, eventsOptions(r.URL), within)
	held := []string{"room:failing", "room:slow", "room:moved"}
	for _, n := range numbers(1, 200) {
		for _, room := range append(held, "room:well") {
			say(t, b, room, n)
		}
	}
	r.await(t, "room:well", numbers(1, 200))
	wait.For(t, patience, "repeated attempts", func(context.Context) error {
		if n := min(r.requests("room:failing"), r.requests("room:moved")); n < 3 {
			return fmt.Errorf("%d so far", n)
		}
		return nil
	})
	for _, room := range held {
		if texts, _ := r.texts(room); len(texts) > 0 {
			t.Errorf("%s went on: %v", room, texts)
		}
	}
	wait.For(t, patience, "figures of three rooms that are held back", func(context.Context) error {
		if f := e.figures(); f.rooms != 3 || f.bytes == 0 || f.bytes > 4096+4*1024 || f.oldest <= 0 {
			return fmt.Errorf("%+v", f)
		}
		return nil
	})
	mend()
	for _, room := range held {
		if doubles := r.await(t, room, numbers(1, 200)); doubles > 0 {
			t.Errorf("%s: %d doubles without a take-over", room, doubles)
		}
	}
	wait.For(t, patience, "nothing to wait", func(context.Context) error {
		if f := e.figures(); f != (figures{}) {
			return fmt.Errorf("%+v", f)
		}
		return nil
	})
	r.verify(t)
}

func TestBeyondSoManyWaitingRoomsTheLogWaits(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	r := newReceiver(t, func(delivery) int {
		if mended.Load() {
			return 0
		}
		return http.StatusBadGateway
	})
	within := quick()
	within.rooms = 3
	e := openEvents(t, b, eventsOptions(r.URL), within)
	var rooms []string
	for _, n := range numbers(1, 10) {
		rooms = append(rooms, "room:"+n)
		say(t, b, "room:"+n, numbers(1, 20)...)
	}
	wait.For(t, patience, "rooms to wait", func(context.Context) error {
		if f := e.figures(); f.rooms != 3 {
			return fmt.Errorf("%v wait", f.rooms)
		}
		return nil
	})
	mended.Store(true)
	for _, room := range rooms {
		r.await(t, room, numbers(1, 20))
	}
}

func TestARestartLosesNothing(t *testing.T) {
	dir := t.TempDir()
	var down atomic.Bool
	r := newReceiver(t, func(delivery) int {
		if down.Load() {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	b := openLog(t, logOptions("", dir))
	within := quick()
	within.perRoom = 8
	e := openEvents(t, b, eventsOptions(r.URL), within)
	say(t, b, "room:a", numbers(1, 20)...)
	r.await(t, "room:a", numbers(1, 20))
	down.Store(true)
	say(t, b, "room:a", numbers(21, 60)...)
	say(t, b, "room:b", "alone")
	wait.For(t, patience, "an event that was tried, left to the log, and read from there", func(context.Context) error {
		if n := r.requests("room:b"); n < 3 {
			return fmt.Errorf("%d attempts", n)
		}
		return nil
	})
	e.Close()
	say(t, b, "room:a", numbers(61, 70)...)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	down.Store(false)
	b = openLog(t, logOptions("", dir))
	openEvents(t, b, eventsOptions(r.URL), within)
	doubles := r.await(t, "room:a", numbers(1, 70))
	r.await(t, "room:b", []string{"alone"})
	t.Logf("%d events came twice", doubles)
}

func TestTakeOversLoseNothingAndKeepTheOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	for name, end := range map[string]func(t *testing.T, nats, url string) func(){
		"killed": startNode,
		"closed": func(t *testing.T, nats, url string) func() {
			b := openLog(t, logOptions(nats, ""))
			e := openEvents(t, b, eventsOptions(url), defaultBounds)
			return func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				e.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			nats := process.StartNATS(t, 1).URL()
			var turn atomic.Int32
			r := newReceiver(t, func(delivery) int {
				if turn.Add(1)%10 == 0 {
					return http.StatusInternalServerError // now and then, so that something waits
				}
				return 0
			})
			endFirst := end(t, nats, r.URL)
			b := openLog(t, logOptions(nats, ""))
			openEvents(t, b, eventsOptions(r.URL), quick())
			wait.For(t, patience, "a fair share of shards", func(context.Context) error {
				if n := b.Owned(); n != 2 {
					return fmt.Errorf("owns %d", n)
				}
				return nil
			})
			rooms := []string{"room:a", "room:b", "room:c", "room:d", "room:e", "room:f"}
			for _, n := range numbers(1, 300) {
				for _, room := range rooms {
					say(t, b, room, n)
				}
				if n == "100" {
					endFirst()
				}
			}
			doubles := 0
			for _, room := range rooms {
				doubles += r.await(t, room, numbers(1, 300))
			}
			r.verify(t)
			t.Logf("%d of %d events came twice", doubles, 300*len(rooms))
		})
	}
}

func TestWhatIsErasedWhileItWaitsIsNotTold(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	r := newReceiver(t, func(delivery) int {
		if mended.Load() {
			return 0
		}
		return http.StatusInternalServerError
	})
	e := openEvents(t, b, eventsOptions(r.URL), quick())
	first := say(t, b, "room:a", "erased after it was tried")
	second := say(t, b, "room:a", "erased before it was tried")
	say(t, b, "room:a", "kept")
	alone := say(t, b, "room:b", "erased alone")
	wait.For(t, patience, "attempts", func(context.Context) error {
		if n := min(r.requests("room:a"), r.requests("room:b")); n < 2 {
			return fmt.Errorf("%d so far", n)
		}
		return nil
	})
	for _, gone := range []struct {
		room   string
		offset uint64
	}{{"room:a", first}, {"room:a", second}, {"room:b", alone}} {
		if err := b.Erase(t.Context(), feed(gone.room), gone.offset); err != nil {
			t.Fatal(err)
		}
	}
	wait.For(t, patience, "room:b to have nothing waiting", func(context.Context) error {
		if f := e.figures(); f.rooms != 1 {
			return fmt.Errorf("%+v", f)
		}
		return nil
	})
	mended.Store(true)
	r.await(t, "room:a", []string{"kept"})
	if texts, _ := r.texts("room:b"); len(texts) > 0 {
		t.Errorf("was told %v", texts)
	}
	if letters, err := someLetters(t, e, "default", 10); err != nil || len(letters) > 0 {
		t.Errorf("letters %+v, %v", letters, err)
	}
}

func TestSoManyAttemptsAreEnough(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	r := newReceiver(t, func(d delivery) int {
		if d.Event.Text == "fails" {
			return http.StatusInternalServerError
		}
		return 0
	})
	within := quick()
	within.attempts = 7
	openEvents(t, b, eventsOptions(r.URL), within)
	say(t, b, "room:a", "fails", "follows")
	r.await(t, "room:a", []string{"follows"})
	if n := r.requests("room:a"); n != 8 {
		t.Errorf("%d requests for an event that fails and one that does not", n)
	}
}

func TestAnswersAreJudged(t *testing.T) {
	for status, want := range map[int]string{
		200: resultTaken, 202: resultTaken, 204: resultTaken, 410: resultDeclined, 400: resultRefused, 413: resultRefused, 415: resultRefused,
		422: resultRefused, 301: resultFailed, 304: resultFailed, 401: resultFailed, 403: resultFailed, 404: resultFailed, 405: resultFailed,
		408: resultFailed, 409: resultFailed, 429: resultFailed, 500: resultFailed, 503: resultFailed,
	} {
		if o := judge(answer{status: status}, nil); o.result != want || o.after != 0 {
			t.Errorf("%d is judged %+v, want %s", status, o, want)
		}
		if o := judge(answer{status: status, after: time.Minute}, nil); (o.after > 0) != (status == 429 || status == 503) {
			t.Errorf("%d asks for a pause of %v", status, o.after)
		}
	}
	if o := judge(answer{}, errors.New("refused")); o.result != resultFailed || o.what != "refused" {
		t.Errorf("an error is judged %+v", o)
	}
}

func TestPausesGrowToABound(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 5: 8 * time.Second, 10: 256 * time.Second, 11: 5 * time.Minute, 99: 5 * time.Minute} {
		for range 100 {
			if d := defaultBounds.backOff(attempts); d < want/2 || d > want {
				t.Fatalf("a pause of %v after %d attempts, want %v at most", d, attempts, want)
			}
		}
	}
}
