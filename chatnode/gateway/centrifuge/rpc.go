package centrifuge

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"strconv"

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
	s.awaitIn(laneOf(q), r, func(ctx context.Context) (*protocol.Reply, error) {
		data, err := call(ctx)
		return &protocol.Reply{RPC: &protocol.RPCResult{Data: data}}, err
	})
}

// dear are the methods that may read much: lists, pages, other nodes. A session has a few of them run at a time, in the lanes of history.
var dear = map[string]bool{
	"chat.rooms": true, "chat.messages": true, "chat.search": true, "chat.members": true, "chat.read_by": true, "chat.presence": true,
	"chat.export_user": true, "chat.invite": true, "chat.create_room": true, "chat.delete_room": true,
}

// laneOf is the lane of a call; empty: it runs at once. The same call again waits for the first one.
func laneOf(q *protocol.RPCRequest) string {
	if !dear[q.Method] {
		return ""
	}
	return lane(maphash.String(laneSeed, q.Method) ^ maphash.Bytes(laneSeed, q.Data))
}

// lane gives one of the few lanes of a session for what may read much. No channel that anybody may have begins with a zero byte.
func lane(hash uint64) string { return "\x00" + strconv.FormatUint(hash%historyLanes, 10) }
