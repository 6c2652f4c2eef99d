package centrifuge

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// publish sends data to a channel, and answers when the log has it.
func (s *session) publish(r request, q *protocol.PublishRequest) {
	if len(q.Data) == 0 || !s.isJSON(q.Data) {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("data must be JSON"))
		return
	}
	if !s.beginSending() {
		s.fail(r, protocol.ErrorTooManyRequests)
		return
	}
	sending := s.gateway.options.Chat.Publish(s.actor, q.Channel, q.Data)
	s.await(r, func(ctx context.Context) (*protocol.Reply, error) {
		_, err := sending.Wait(ctx)
		return &protocol.Reply{Publish: &protocol.PublishResult{}}, err
	})
}

// isJSON checks data of a client. The JSON codec has done so already.
func (s *session) isJSON(data []byte) bool {
	return s.encoder.encoding == protocol.JSON || protocol.ValidJSON(data)
}

// beginSending makes room for a sending that waits for the log; false if too many do.
func (s *session) beginSending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending >= s.gateway.limits.Sending {
		return false
	}
	s.sending++
	return true
}

// await answers with the outcome of what has begun, within the time that clients wait. What the log does goes on after that.
func (s *session) await(r request, outcome func(ctx context.Context) (*protocol.Reply, error)) {
	if !s.gateway.start(func() { s.finish(s.gateway.ctx, r, outcome) }) {
		s.refuse(r, protocol.ErrorInternal)
	}
}

// awaitIn is await in a lane, if it is not empty, where one outcome is waited for after the other.
func (s *session) awaitIn(lane string, r request, outcome func(ctx context.Context) (*protocol.Reply, error)) {
	if lane == "" {
		s.await(r, outcome)
		return
	}
	if !s.begin(lane, func(ctx context.Context) { s.finish(ctx, r, outcome) }) {
		s.endSending()
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}

func (s *session) finish(ctx context.Context, r request, outcome func(ctx context.Context) (*protocol.Reply, error)) {
	ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.SendTimeout)
	defer cancel()
	answer, err := outcome(ctx)
	s.endSending()
	if err != nil {
		s.fail(r, err)
		return
	}
	s.reply(r, answer, nil)
}

func (s *session) endSending() {
	s.mu.Lock()
	s.sending--
	s.mu.Unlock()
}
