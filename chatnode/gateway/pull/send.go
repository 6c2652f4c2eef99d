package pull

import (
	"context"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// dataKey is where a message's data has what clients of this protocol know besides its text.
const dataKey = "pull"

// send stores a message, and answers when it is durable.
func (g *Gateway) send(ctx context.Context, r *request) (reply, error) {
	p, err := g.manner.placeOf(r.Chat)
	if err != nil {
		return reply{}, err
	}
	user, err := g.manner.sender(p, r.Sender)
	if err != nil {
		return reply{}, err
	}
	q := &chatv1.SendRequest{Room: p.channel, Text: &r.Text}
	if r.Text == "" && g.manner.remote { // which chat takes from nobody, and these dialects from everybody
		q.Text = nil
	}
	if q.Text == nil || user != r.Sender {
		if q.Data, err = besides(user, r.Sender); err != nil {
			return reply{}, err
		}
	}
	sent, err := g.options.Chat.Send(ctx, chat.Actor{App: g.options.App, User: user, Server: true}, q)
	if err != nil {
		return reply{}, err
	}
	g.strips.stored(p.channel, sent.GetOffset())
	return reply{g.manner.sent, plain, []byte(g.manner.okay)}, nil
}

// besides is the data of a message: the sender's name as it was written, if the event doesn't say it so.
func besides(user, written string) (*structpb.Value, error) {
	ours := map[string]any{}
	if user != written {
		ours["sender"] = written
	}
	return structpb.NewValue(map[string]any{dataKey: ours})
}
