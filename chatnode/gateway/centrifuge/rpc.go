package centrifuge

import (
	"context"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/chat/methods"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// methodSend is the one method whose calls start in the order of the commands.
const methodSend = "chat.send"

// rpc calls a method of chat. Each call is answered when it is done.
func (s *session) rpc(r request, q *protocol.RPCRequest) {
	if len(q.Data) > 0 && !s.isJSON(q.Data) {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("data must be JSON"))
		return
	}
	if !s.beginSending() {
		s.fail(r, protocol.ErrorTooManyRequests)
		return
	}
	call := func(ctx context.Context) ([]byte, error) {
		return methods.Call(ctx, s.gateway.options.Chat, s.actor, q.Method, q.Data)
	}
	if q.Method == methodSend {
		sending := s.gateway.options.Chat.CallSend(s.actor, q.Data)
		call = func(ctx context.Context) ([]byte, error) {
			sent, err := sending.Wait(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(sent)
		}
	}
	s.await(r, func(ctx context.Context) (*protocol.Reply, error) {
		data, err := call(ctx)
		return &protocol.Reply{RPC: &protocol.RPCResult{Data: data}}, err
	})
}
