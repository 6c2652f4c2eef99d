package backbone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	nodeWait = 2 * time.Second
	// maxNodeAnswers is how many questions of one kind a node works on at a time.
	maxNodeAnswers = 256
	failedHeader   = "Failed"
)

// ErrNoNode says that no node with that id lives.
var ErrNoNode = errors.New("no such node")

// Ask puts a question to one node, and gives its answer. Errors: ErrNoNode, the answerer's own, the context's.
func (b *Backbone) Ask(ctx context.Context, node, kind string, data []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, nodeWait)
	defer cancel()
	m, err := b.main.RequestWithContext(ctx, b.layout.Node(node, kind), data)
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrBadSubject) {
		return nil, ErrNoNode
	}
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", node, err)
	}
	if failed := m.Header.Get(failedHeader); failed != "" {
		return nil, fmt.Errorf("node %s: %s", node, failed)
	}
	return m.Data, nil
}

// Answer registers how this node answers questions of a kind (one subject token). The function runs on goroutines of its own.
func (b *Backbone) Answer(kind string, answer func(ctx context.Context, data []byte) ([]byte, error)) error {
	slots := make(chan struct{}, maxNodeAnswers)
	_, err := b.main.Subscribe(b.layout.Node(b.id, kind), func(m *nats.Msg) {
		select {
		case slots <- struct{}{}:
		default:
			b.respond(m, nil, errors.New("too many questions"))
			return
		}
		b.spawn(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(b.ctx, nodeWait)
			defer cancel()
			data, err := answer(ctx, m.Data)
			b.respond(m, data, err)
		})
	})
	if err != nil {
		return fmt.Errorf("answer questions about %s: %w", kind, err)
	}
	return nil
}

func (b *Backbone) respond(m *nats.Msg, data []byte, failed error) {
	out := &nats.Msg{Data: data}
	if failed != nil {
		out.Header = nats.Header{failedHeader: {failed.Error()}}
	}
	if err := m.RespondMsg(out); err != nil {
		b.metrics.unanswered.Inc()
	}
}
