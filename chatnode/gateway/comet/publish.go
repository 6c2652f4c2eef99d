package comet

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// hiding stands before the name of a pipe to which a browser publishes without its user's name.
const hiding = "@"

// publish sends a browser's message: web_pipe2, pipe, event, a character, and then the message to its end.
func (s *session) publish(ctx context.Context, text string) error {
	const fields = 5
	parts := strings.SplitN(text, "\n", fields)
	if len(parts) < fields {
		return refused("Parameters are missing")
	}
	named, event, payload := parts[1], parts[2], parts[4]
	pipe, hidden := strings.CutPrefix(named, hiding)
	switch {
	case !nameable(pipe) || !nameable(event) || len(pipe) > maxName || len(event) > maxName:
		return refused("Unsupported characters in the name of a pipe or an event")
	case strings.HasPrefix(pipe, "webauth_") && !hidden:
		if s.user == 0 {
			return refused("Only users who are signed in may write into this pipe")
		}
	case !strings.HasPrefix(pipe, "web_"):
		return refused("Browsers may not write into this pipe")
	}
	id := s.messageID(pipe, payload)
	if s.listens(pipe) {
		s.lookOut(id)
	}
	if err := s.say(ctx, pipe, event, payload, id, hidden); err != nil {
		return err
	}
	reached, err := s.reached(ctx, pipe)
	if err != nil {
		return err
	}
	s.send(s.encoder.frame(message{
		Data: map[string]any{"message": payload, "number_messages": reached}, Event: "answer", Pipe: "_answer_to_" + named,
		Time: s.gateway.now().Unix(),
	}))
	return nil
}

// say sends the message as the user, or, for those who have no name or hide it, as the application's server, though with no more rights.
func (s *session) say(ctx context.Context, pipe, event, payload, id string, hidden bool) error {
	actor, more := s.actor, extra{Event: event}
	if s.user == 0 || hidden {
		if !s.allow() {
			return refused("Too many messages")
		}
		if _, err := s.gateway.options.Chat.Access(ctx, s.actor, roomPrefix+pipe, chat.Publish); err != nil {
			return err
		}
		actor = chat.Actor{App: s.app, Server: true, Client: cmp.Or(s.browser.UUID, s.id)} // all sockets of a browser are one sender
		more.Nobody = true
	}
	_, err := s.gateway.options.Chat.Send(ctx, actor, sendRequest(pipe, payload, id, more))
	return err
}

// allow counts a message that nobody's own rate counts.
func (s *session) allow() bool {
	perSecond := s.gateway.options.MessagesPerSecond
	if s.limit == nil && perSecond > 0 {
		s.limit = rate.NewLimiter(rate.Limit(perSecond), max(1, int(2*perSecond)))
	}
	return s.limit == nil || s.limit.Allow()
}

// sendRequest is a message in a pipe.
func sendRequest(pipe, payload, id string, more extra) *chatv1.SendRequest {
	payload = strings.ToValidUTF8(payload, "\uFFFD")
	fields := map[string]*structpb.Value{"event": structpb.NewStringValue(more.Event)}
	if more.Nobody {
		fields["nobody"] = structpb.NewBoolValue(true)
	}
	q := &chatv1.SendRequest{Id: id, Room: roomPrefix + pipe, Data: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		"comet": structpb.NewStructValue(&structpb.Struct{Fields: fields}),
	}})}
	if payload != "" {
		q.Text = &payload
	}
	return q
}

// messageID is the id of a message. Clients of several nodes publish to all of them, and mark what is one message; then so is this.
func (s *session) messageID(pipe, payload string) string {
	var marked struct {
		UUID string `json:"_cometApi_uuid"`
	}
	if json.Unmarshal([]byte(payload), &marked) == nil && marked.UUID != "" {
		return uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join([]string{s.actor.User, s.browser.UUID, pipe, marked.UUID}, "\n"))).String()
	}
	return newID()
}

// newID makes the id of a message, or of somebody who listens.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// reached counts the others who listen to a pipe, over all nodes.
func (s *session) reached(ctx context.Context, pipe string) (int, error) {
	here, err := s.gateway.options.Hub.Presence(ctx, feedOf(s.app, pipe))
	if s.listens(pipe) {
		here.NumClients--
	}
	return max(0, here.NumClients), err
}

// feedOf is the feed of a pipe's room.
func feedOf(app, pipe string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: app, Name: roomPrefix + pipe}
}
