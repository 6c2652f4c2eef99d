package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Errors of Requests.
var (
	// ErrBusy says that as many requests as may be are being answered.
	ErrBusy = errors.New("this node answers as many requests at once as it may; try again")
	// ErrBody says that a request's body did not come; it wraps a *http.MaxBytesError if that is too large.
	ErrBody = errors.New("the body could not be read")
)

// Requests bounds plain requests of HTTP, which hold no connection: how large they are, how many are answered at once, and for how long.
type Requests struct {
	// BodyBytes is how much the body of one may have, and Timeout how long it may take to answer it.
	BodyBytes int64
	Timeout   time.Duration
	// AtOnce is how many are answered at a time. One whose body has not come yet is none of them, so that slow clients keep nobody out; of
	// those there may be bodiesPerAnswer times as many.
	AtOnce int

	reading, running atomic.Int64
}

// bodiesPerAnswer is how many bodies may be on their way for each request that may be answered at a time.
const bodiesPerAnswer = 4

// Do reads a request's body and has it answered, with a context that ends when the time is over or the client has gone. Errors: ErrBody, ErrBusy,
// those of answer.
func (q *Requests) Do(w http.ResponseWriter, r *http.Request, answer func(ctx context.Context, body []byte) error) error {
	body, err := q.read(w, r)
	if err != nil {
		return err
	}
	defer q.running.Add(-1)
	if q.running.Add(1) > int64(q.AtOnce) {
		return ErrBusy
	}
	ctx, cancel := context.WithTimeout(r.Context(), q.Timeout)
	defer cancel()
	return answer(ctx, body)
}

func (q *Requests) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	defer q.reading.Add(-1)
	if q.reading.Add(1) > bodiesPerAnswer*int64(q.AtOnce) {
		return nil, ErrBusy
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, q.BodyBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	}
	return body, nil
}

// Running is how many are being answered.
func (q *Requests) Running() int64 { return q.running.Load() }

// Gauges tell how many are on their way: chatnode_NAME_reading_requests and chatnode_NAME_running_requests, which the help says are of.
func (q *Requests) Gauges(name, of string) []prometheus.Collector {
	gauge := func(doing, help string, n *atomic.Int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_" + name + "_" + doing + "_requests", Help: help},
			func() float64 { return float64(n.Load()) })
	}
	return []prometheus.Collector{
		gauge("reading", "Requests of "+of+" whose bodies have not come yet.", &q.reading),
		gauge("running", "Requests of "+of+" that are being answered.", &q.running),
	}
}
