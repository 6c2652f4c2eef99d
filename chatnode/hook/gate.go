package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

// gateParallel is how many questions may be out at a time.
const gateParallel = 256

// ErrNoVerdict says that the receiver gave no verdict, and that without one nothing may be stored. Asking again later is right.
var ErrNoVerdict = errors.New("there is no verdict of moderation")

// GateOptions say whom to ask before an event is stored.
type GateOptions struct {
	// URL of the receiver; see CheckURL.
	URL string
	// Secrets gives what requests are signed with; see ParseSecrets. It is asked for each request.
	Secrets func() [][]byte
	// Timeout bounds one question, from its beginning to the end of the answer.
	Timeout time.Duration
	// AcceptOnFailure lets events pass that no verdict came for; otherwise they are refused, with ErrNoVerdict.
	AcceptOnFailure bool
	Registerer      prometheus.Registerer
}

// Gate asks a receiver whether events may be stored. Its methods are safe for concurrent use.
type Gate struct {
	o        GateOptions
	endpoint *endpoint
	places   chan struct{}
	metrics  *gateMetrics
}

// NewGate gives a gate to close.
func NewGate(o GateOptions) (*Gate, error) {
	e, err := newEndpoint(o.URL, o.Secrets, gateParallel)
	if err != nil {
		return nil, fmt.Errorf("the address of moderation: %w", err)
	}
	g := &Gate{o: o, endpoint: e, places: make(chan struct{}, gateParallel)}
	g.metrics = newGateMetrics(o.Registerer, func() float64 { return float64(len(g.places)) })
	return g, nil
}

// Close lets go of idle connections. Questions that are out go on.
func (g *Gate) Close() { g.endpoint.close() }

// Check asks whether an event, JSON, may be stored in a room. No verdict comes if the receiver can't be reached in time, answers with
// another status than 200, with too much, or with what is no verdict, and if 256 questions are out already. What happens then has been
// declared: the event is accepted, or Check gives ErrNoVerdict. If ctx ends first, it gives the context's error.
func (g *Gate) Check(ctx context.Context, app, room string, event []byte) (Verdict, error) {
	began := time.Now()
	v, err := g.ask(ctx, app, room, event)
	g.metrics.seconds.Observe(time.Since(began).Seconds())
	switch {
	case ctx.Err() != nil:
		return Verdict{}, fmt.Errorf("ask moderation: %w", ctx.Err())
	case err == nil:
		g.metrics.checks.WithLabelValues(v.kind()).Inc()
		return v, nil
	}
	g.metrics.checks.WithLabelValues("failed").Inc()
	if g.o.AcceptOnFailure {
		return Verdict{Accept: true}, nil
	}
	return Verdict{}, fmt.Errorf("%w: %w", ErrNoVerdict, err)
}

func (g *Gate) ask(ctx context.Context, app, room string, event []byte) (Verdict, error) {
	select {
	case g.places <- struct{}{}:
		defer func() { <-g.places }()
	default:
		return Verdict{}, errors.New("too many questions are out")
	}
	body, err := json.Marshal(struct {
		App   string          `json:"app"`
		Room  string          `json:"room"`
		Event json.RawMessage `json:"event"`
	}{app, room, event})
	if err != nil {
		return Verdict{}, fmt.Errorf("write the question: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, g.o.Timeout)
	defer cancel()
	a, err := g.endpoint.post(ctx, uuid.NewString(), body)
	switch {
	case err != nil:
		return Verdict{}, err
	case a.status != http.StatusOK:
		return Verdict{}, fmt.Errorf("the receiver answered %d", a.status)
	case !a.whole:
		return Verdict{}, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return parseVerdict(a.body)
}
