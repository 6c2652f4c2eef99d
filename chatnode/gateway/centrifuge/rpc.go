package centrifuge

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// rpc calls a method of chat. Calls begin in the order of the commands, and each is answered when it is done.
func (s *session) rpc(r request, q *protocol.RPCRequest) {
	if len(q.Data) > 0 && !s.isJSON(q.Data) {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("data must be JSON"))
		return
	}
	if !s.beginSending() {
		s.fail(r, protocol.ErrorTooManyRequests)
		return
	}
	calling := s.gateway.options.Chat.Call(s.actor, q.Method, q.Data)
	s.await(r, func(ctx context.Context) (*protocol.Reply, error) {
		data, err := calling.Wait(ctx)
		return &protocol.Reply{RPC: &protocol.RPCResult{Data: data}}, err
	})
}
