package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// readWait bounds one access to the log.
const readWait = 10 * time.Second

// concerns says whether the receiver is told of a message. Channels outside rooms hold whatever their users like, and so may look like
// an event that they are not.
func (e *Events) concerns(feed backbone.Feed, m *backbone.Message) bool {
	if e.o.Beside != "" && strings.HasPrefix(feed.Name, e.o.Beside) {
		return true
	}
	if !strings.HasPrefix(feed.Name, "room:") && !strings.HasPrefix(feed.Name, "dm:") {
		return false
	}
	var event struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(m.Data, &event) == nil && e.types[event.Type]
}

// serve makes one attempt for a room's first event, or fetches events from the log if it has none in memory.
func (e *Events) serve(r *room) {
	e.mu.Lock()
	if r.gone || e.closed {
		e.mu.Unlock()
		return
	}
	if len(r.queue) == 0 {
		e.mu.Unlock()
		e.refill(r)
		return
	}
	w := r.queue[0]
	if w.message.Offset != r.trying {
		r.trying, r.attempts, r.since, r.taken = w.message.Offset, 0, time.Now(), map[string]bool{}
	}
	r.attempts++
	attempts, left := r.attempts, e.o.GiveUp-time.Since(r.since)
	e.mu.Unlock()

	o := e.attempt(r.ctx, r.feed, w.epoch, w.message, r.taken)
	if r.ctx.Err() != nil {
		return
	}
	final := o.result == resultRefused || o.result == resultFailed && (attempts >= e.b.attempts || left <= 0)
	if final {
		final = e.letter(r.ctx, r.feed, w.message, o.what)
	}
	pause := min(max(e.b.backOff(attempts), o.after), e.b.lastPause)
	if left > 0 {
		pause = min(pause, left) // the last attempt comes when the time is over, not long after
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if final || o.result == resultTaken || o.result == resultDeclined {
		e.settled(r)
	} else {
		e.shelve(r, pause)
	}
}

// outcome of an attempt: what the receiver said, in words, and for how long it wants to be left alone.
type outcome struct {
	result, what string
	after        time.Duration
}

// attempt posts, once, what of an event the receiver has not taken yet, and notes what it takes. What it does not take ends the attempt.
func (e *Events) attempt(ctx context.Context, feed backbone.Feed, epoch string, m *backbone.Message, taken map[string]bool) outcome {
	forming, cancel := context.WithTimeout(ctx, readWait)
	bodies, err := e.o.Form(forming, Event{feed.App, feed.Name, m.Offset, epoch, m.Data})
	cancel()
	if err != nil {
		return outcome{result: resultFailed, what: err.Error()}
	}
	o := outcome{result: resultTaken}
	for _, b := range bodies {
		if taken[b.Key] {
			continue
		}
		if o = e.post(ctx, deliveryID(feed, m, b.Key), b.JSON); o.result != resultTaken && o.result != resultDeclined {
			return o
		}
		taken[b.Key] = true
	}
	return o
}

// post makes one request.
func (e *Events) post(ctx context.Context, id string, body []byte) outcome {
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	began := time.Now()
	a, err := e.endpoint.post(ctx, id, body)
	o := judge(a, err)
	e.metrics.seconds.Observe(time.Since(began).Seconds())
	e.metrics.deliveries.WithLabelValues(o.result).Inc()
	return o
}

// judge says what an answer means; see README.md.
func judge(a answer, err error) outcome {
	if err != nil {
		return outcome{result: resultFailed, what: err.Error()}
	}
	o := outcome{result: resultFailed, what: fmt.Sprintf("answered %d", a.status)}
	switch {
	case a.status/100 == 2:
		o.result = resultTaken
	case a.status == http.StatusGone:
		o.result = resultDeclined
	case a.status == http.StatusBadRequest, a.status == http.StatusRequestEntityTooLarge, a.status == http.StatusUnsupportedMediaType,
		a.status == http.StatusUnprocessableEntity:
		o.result = resultRefused
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		o.after = a.after
	}
	return o
}

// deliveryID names a stored event, or one of its requests: the same whoever delivers it, and another if a log that lost its end uses the
// offset again.
func deliveryID(feed backbone.Feed, m *backbone.Message, key string) string {
	h := sha256.New()
	h.Write([]byte(feed.App + "\x00" + feed.Name + "\x00" + strconv.FormatUint(m.Offset, 10) + "\x00" + strconv.FormatInt(m.Time, 10) + "\x00"))
	h.Write(m.Data)
	if key != "" {
		h.Write([]byte("\x00" + key))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// refill reads events of the rest from the log into the queue.
func (e *Events) refill(r *room) {
	e.mu.Lock()
	if r.gone {
		e.mu.Unlock()
		return
	}
	after, limit := r.rest.after, e.b.perRoom
	if e.held >= e.b.bytes || r.attempts > 0 && r.trying > after {
		limit = 1 // there is no room for more, or the one after it will probably fail again
	}
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(r.ctx, readWait)
	page, err := e.log.After(ctx, r.feed, after, limit)
	cancel()

	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case r.gone:
	case err != nil || page.Head.Epoch != r.rest.epoch:
		e.pause(r, e.b.firstPause) // the log can't be read at the moment, or is about to be another owner's
	case !e.merge(r, page):
		e.pause(r, e.b.firstPause)
	default:
		e.goOn(r)
	}
}

// merge puts a page of the rest into the queue, and reports whether there was anything to do. The last event of the rest has its hold,
// so that the cursor stays before all of it until all of it is delivered.
func (e *Events) merge(r *room, page backbone.Page) bool {
	covered := page.End
	if !page.More {
		covered = max(covered, page.Head.Offset)
	}
	for _, m := range page.Messages {
		if m.Offset <= r.rest.until && e.concerns(r.feed, m) {
			r.queue = append(r.queue, waiting{message: m, epoch: r.rest.epoch})
			e.held += m.Size()
		}
	}
	progress := covered > r.rest.after
	r.rest.after = max(r.rest.after, covered)
	if covered < r.rest.until {
		return progress
	}
	h := r.rest.hold
	r.rest = nil
	if n := len(r.queue); n > 0 {
		r.queue[n-1].hold = h
	} else {
		h.release()
	}
	return true
}
