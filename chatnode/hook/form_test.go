package hook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/chatfleet/chatfleet/test/wait"
)

// echoes is a form of several requests for an event, each with a text of its own.
func echoes(of ...string) Form {
	return func(_ context.Context, e Event) (bodies []Body, err error) {
		var said struct{ Type, Text string }
		if err := json.Unmarshal(e.Event, &said); err != nil || said.Type != "message" {
			return nil, err
		}
		for _, key := range of {
			raw, err := json.Marshal(map[string]any{"app": e.App, "room": e.Room, "event": map[string]string{"text": said.Text + " " + key}})
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, Body{key, raw})
		}
		return bodies, nil
	}
}

func TestAFormGivesTheRequestsOfAnEventInOrder(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var failures atomic.Int32
	r := newReceiver(t, func(d delivery) int {
		if d.Event.Text == "one b" && failures.Add(1) < 4 {
			return http.StatusInternalServerError
		}
		return 0
	})
	o := eventsOptions(r.URL)
	o.Form, o.Beside = echoes("a", "b", "c"), "\x00beside"
	openEvents(t, b, o, quick())
	send(t, b, "room:a", "0", `{"type":"member"}`) // of which this form says nothing
	say(t, b, "room:a", "one", "two")
	say(t, b, "lobby", "in an open channel")
	say(t, b, "\x00beside\x00ann", "three")
	doubles := r.await(t, "room:a", []string{"one a", "one b", "one c", "two a", "two b", "two c"})
	r.await(t, "\x00beside\x00ann", []string{"three a", "three b", "three c"})
	if n := r.requests("room:a"); n != 6+3 || doubles > 0 || r.requests("lobby") > 0 {
		t.Errorf("%d requests, %d doubles: what was taken is not told again as long as the node lives", n, doubles)
	}
	r.verify(t)
	ids := map[string]bool{}
	for _, d := range r.taken {
		ids[d.ID] = true
	}
	if len(ids) != 9 {
		t.Errorf("%d ids of 9 deliveries", len(ids))
	}
}

func TestAFormThatFailsIsAskedAgain(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	r := newReceiver(t, nil)
	o := eventsOptions(r.URL)
	var asked atomic.Int32
	o.Form = func(ctx context.Context, e Event) ([]Body, error) {
		if asked.Add(1) < 3 {
			return nil, errors.New("who is in the room can't be read")
		}
		return echoes("a")(ctx, e)
	}
	openEvents(t, b, o, quick())
	say(t, b, "room:a", "one")
	r.await(t, "room:a", []string{"one a"})
}

func TestALetterIsTriedAgainWithAllOfItsRequests(t *testing.T) {
	b := openLog(t, logOptions("", t.TempDir()))
	var mended atomic.Bool
	r := newReceiver(t, func(d delivery) int {
		if d.Event.Text == "one b" && !mended.Load() {
			return http.StatusBadRequest
		}
		return 0
	})
	o := eventsOptions(r.URL)
	o.Form = echoes("a", "b")
	e := openEvents(t, b, o, quick())
	say(t, b, "room:a", "one", "two")
	r.await(t, "room:a", []string{"one a", "two a", "two b"})
	mended.Store(true)
	wait.For(t, patience, "the letter to be taken", func(context.Context) error {
		left, err := retrySome(t, e, "default", 10)
		if err == nil && len(left) > 0 {
			err = errors.New(left[0].Error)
		}
		return err
	})
	if texts, _ := r.texts("room:a"); !slices.Contains(texts, "one b") {
		t.Errorf("was told %v", texts)
	}
}
