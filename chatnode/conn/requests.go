package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
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
	// AtOnce is how many are answered at a time. One whose body has not come yet is none of them, so that slow clients keep nobody out.
	AtOnce int

	running atomic.Int64
}

// Do reads a request's body and has it answered, with a context that ends when the time is over or the client has gone. Errors: ErrBody, ErrBusy,
// those of answer.
func (q *Requests) Do(w http.ResponseWriter, r *http.Request, answer func(ctx context.Context, body []byte) error) error {
	var body []byte
	if r.ContentLength != 0 {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, q.BodyBytes)); err != nil {
			return fmt.Errorf("%w: %w", ErrBody, err)
		}
	}
	defer q.running.Add(-1)
	if q.running.Add(1) > int64(q.AtOnce) {
		return ErrBusy
	}
	ctx, cancel := context.WithTimeout(r.Context(), q.Timeout)
	defer cancel()
	return answer(ctx, body)
}

// Running is how many are being answered.
func (q *Requests) Running() int64 { return q.running.Load() }
