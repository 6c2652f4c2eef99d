package methods

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// call decodes a request, has it answered and encodes the reply.
type call func(ctx context.Context, c Chat, a chat.Actor, data []byte) ([]byte, error)

// calls are the methods by the names that sockets call them by.
var calls = map[string]call{
	"chat.send":         method(Chat.Send),
	"chat.edit":         method(Chat.Edit),
	"chat.delete":       method(Chat.Delete),
	"chat.react":        method(Chat.React),
	"chat.messages":     method(Chat.Messages),
	"chat.search":       method(Chat.Search),
	"chat.typing":       method(Chat.Typing),
	"chat.read":         method(Chat.Read),
	"chat.delivered":    method(Chat.Delivered),
	"chat.read_by":      method(Chat.ReadBy),
	"chat.create_room":  method(Chat.CreateRoom),
	"chat.get_room":     method(Chat.GetRoom),
	"chat.update_room":  method(Chat.UpdateRoom),
	"chat.delete_room":  method(Chat.DeleteRoom),
	"chat.rooms":        method(Chat.Rooms),
	"chat.join":         method(Chat.Join),
	"chat.leave":        method(Chat.Leave),
	"chat.invite":       method(Chat.Invite),
	"chat.kick":         method(Chat.Kick),
	"chat.ban":          method(Chat.Ban),
	"chat.unban":        method(Chat.Unban),
	"chat.mute":         method(Chat.Mute),
	"chat.set_role":     method(Chat.SetRole),
	"chat.members":      method(Chat.Members),
	"chat.block":        method(Chat.Block),
	"chat.blocks":       method(Chat.Blocks),
	"chat.presence":     method(Chat.Presence),
	"chat.set_status":   method(Chat.SetStatus),
	"chat.announce":     method(Chat.Announce),
	"chat.revoke":       method(Chat.Revoke),
	"chat.export_user":  method(Chat.ExportUser),
	"chat.erase_user":   method(Chat.EraseUser),
	"chat.dead_letters": method(Chat.DeadLetters),
}

// Call calls the method with the name, such as "chat.create_room", with its request as JSON; no data is an empty request. Errors are of
// type *chat.Error: NoMethod, Invalid with the field named if the request can't be read, and those of the method.
func Call(ctx context.Context, c Chat, a chat.Actor, name string, data []byte) ([]byte, error) {
	call, ok := calls[name]
	if !ok {
		return nil, &chat.Error{Kind: chat.NoMethod, Message: fmt.Sprintf("there is no method %q; their names are like chat.create_room", name)}
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	return call(ctx, c, a, data)
}

// message is a Protobuf message that is a T.
type message[T any] interface {
	*T
	proto.Message
}

// method makes a call of a method of Chat.
func method[Q, R any, PQ message[Q], PR message[R]](do func(Chat, context.Context, chat.Actor, PQ) (PR, error)) call {
	return func(ctx context.Context, c Chat, a chat.Actor, data []byte) ([]byte, error) {
		q := PQ(new(Q))
		if err := chatjson.Unmarshal(data, q); err != nil {
			return nil, Malformed(err)
		}
		reply, err := do(c, ctx, a, q)
		if err != nil {
			return nil, err
		}
		return chatjson.Marshal(reply)
	}
}

// Malformed says as the domain does what chatjson found wrong in a request.
func Malformed(err error) error {
	var wrong *chatjson.Error
	if !errors.As(err, &wrong) {
		return err
	}
	return &chat.Error{Kind: chat.Invalid, Message: wrong.Error()}
}
