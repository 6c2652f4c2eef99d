package interwork

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// person is a user of the native protocol, and what happens where the person listens.
type person struct {
	*client.Client
	stage  *stage
	name   string
	events heard[event]
	// said are the texts of the person's own messages.
	said []string
}

// event is a publication.
type event struct {
	ID, Type, Sender, Text, User, Reaction string
	Target                                 uint64
	Typing                                 bool
	Data                                   json.RawMessage
}

func (s *stage) person(name string) *person {
	s.t.Helper()
	return &person{Client: s.native(s.ctx, name), stage: s, name: name}
}

// listen subscribes to a channel.
func (p *person) listen(channel string) *client.Subscription {
	p.stage.t.Helper()
	sub, err := p.Subscribe(p.stage.ctx, channel, client.SubscribeOptions{OnPublication: p.took})
	p.stage.must(err)
	return sub
}

// took takes a publication.
func (p *person) took(pub *protocol.Publication) {
	var e event
	if json.Unmarshal(pub.Data, &e) == nil {
		p.events.add(e)
	}
}

// hears gives the texts of messages.
func (p *person) hears(ctx context.Context) (texts []string, err error) {
	events, err := p.events.all(ctx)
	for _, e := range events {
		if e.Type == "message" {
			texts = append(texts, e.Text)
		}
	}
	return texts, err
}

// say sends a text, with what else the request has.
func (p *person) say(channel, words string, request *chatv1.SendRequest) *chatv1.Sent {
	p.stage.t.Helper()
	q := &chatv1.SendRequest{}
	if request != nil {
		q = request
	}
	q.Room, q.Text = channel, text(words)
	if q.Id == "" {
		q.Id = newID()
	}
	sent := &chatv1.Sent{}
	p.call("Send", q, sent)
	p.said = append(p.said, words)
	return sent
}

// call calls a method of chat, which must succeed.
func (p *person) call(method string, request, reply proto.Message) {
	p.stage.t.Helper()
	p.stage.must(call(p.stage.ctx, p.Client, method, request, reply))
}

var capital = regexp.MustCompile(`(.)([A-Z])`)

// call calls a method of chat by its name in the service, over a socket.
func call(ctx context.Context, c *client.Client, method string, request, reply proto.Message) error {
	body, err := chatjson.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := c.RPC(ctx, "chat."+strings.ToLower(capital.ReplaceAllString(method, "${1}_$2")), body)
	if err != nil {
		return err
	}
	return chatjson.Unmarshal(answer, reply)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
