package conn

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func doRequest(q *Requests, body io.Reader, answer func(ctx context.Context, body []byte) error) error {
	return q.Do(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body), answer)
}

func TestRequestsAreAnsweredInTimeWithTheirBodies(t *testing.T) {
	q := &Requests{BodyBytes: 5, Timeout: time.Hour, AtOnce: 1}
	failed := errors.New("the test wants it")
	for body, want := range map[string]error{"": nil, "hello": failed} {
		err := doRequest(q, strings.NewReader(body), func(ctx context.Context, got []byte) error {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Hour || string(got) != body || q.Running() != 1 {
				t.Errorf("%q until %v, %d at once, want %q", got, end, q.Running(), body)
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if q.Running() != 0 {
		t.Errorf("%d are being answered", q.Running())
	}
}

func TestRequestsThatAreTooLargeOrTooManyAreNotAnswered(t *testing.T) {
	q := &Requests{BodyBytes: 5, Timeout: time.Hour, AtOnce: 2}
	never := func(context.Context, []byte) error { t.Error("was answered"); return nil }
	var large *http.MaxBytesError
	if err := doRequest(q, strings.NewReader("hello!"), never); !errors.Is(err, ErrBody) || !errors.As(err, &large) {
		t.Errorf("a large body: %v", err)
	}
	if err := doRequest(q, io.MultiReader(strings.NewReader("he"), failingReader{}), never); !errors.Is(err, ErrBody) || errors.As(err, &large) {
		t.Errorf("half a body: %v", err)
	}
	within := func(depth func(context.Context, []byte) error) func(context.Context, []byte) error {
		return func(context.Context, []byte) error { return doRequest(q, strings.NewReader("x"), depth) }
	}
	if err := doRequest(q, nil, within(within(never))); !errors.Is(err, ErrBusy) {
		t.Errorf("the third at once: %v", err)
	}
	if err := doRequest(q, nil, within(func(context.Context, []byte) error { return nil })); err != nil {
		t.Errorf("the second at once: %v", err)
	}
}

// failingReader is a client that goes.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestRequestsWhoseBodiesDoNotComeKeepNobodyOutUntilThereAreManyOfThem(t *testing.T) {
	q := &Requests{BodyBytes: 5, Timeout: time.Hour, AtOnce: 1}
	fine := func(context.Context, []byte) error { return nil }
	done := make(chan error, bodiesPerAnswer)
	var clients []*io.PipeWriter
	for n := range bodiesPerAnswer {
		if err := doRequest(q, strings.NewReader("x"), fine); err != nil {
			t.Errorf("beside %d: %v", n, err)
		}
		body, client := io.Pipe()
		clients = append(clients, client)
		reading := make(chan struct{})
		go func() {
			done <- doRequest(q, io.MultiReader(readerFunc(func([]byte) (int, error) { close(reading); return 0, io.EOF }), body), fine)
		}()
		<-reading
	}
	if err := doRequest(q, strings.NewReader("x"), fine); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	if err := doRequest(q, nil, fine); err != nil {
		t.Errorf("one without a body: %v", err)
	}
	if reading := testutil.ToFloat64(q.Gauges("test", "a test")[0]); reading != bodiesPerAnswer {
		t.Errorf("%v bodies are on their way, want %d", reading, bodiesPerAnswer)
	}
	for _, client := range clients {
		_ = client.Close()
	}
	for range clients {
		if err := <-done; err != nil && !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
	}
	for _, gauge := range q.Gauges("test", "a test") {
		if n := testutil.ToFloat64(gauge); n != 0 {
			t.Errorf("%v are on their way", n)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
