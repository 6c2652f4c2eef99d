package interwork

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat/chattest"
	"github.com/chatfleet/chatfleet/test/client"
)

// Users of cHaTTP have direct conversations alone.
var chattpRights = gateway{name: "cHaTTP", actor: fresh, asks: map[string]ask{
	"Send": func(s *stage, user string, q proto.Message) error {
		other, ok := partner(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		words := said(user, 0)
		if err := s.chattpUser(user).send(s.ctx, other, words); err != nil {
			return refused(err, `"error-code":20`)
		}
		return s.wasSaid(channelOf(q), words)
	},
	"Messages": func(s *stage, user string, q proto.Message) error {
		other, ok := partner(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		words := said(other, 0)
		heard := s.chattpUser(user).polling()
		if _, err := s.serverFor(other).Send(s.ctx, &chatv1.SendRequest{Id: newID(), Room: channelOf(q), Text: &words}); err != nil {
			return err
		}
		s.wantHeard(heard.all, words)
		return nil
	},
}}

var browserRights = gateway{name: "CppComet", room: webPipe, actor: fresh, asks: map[string]ask{
	"Send":     func(s *stage, user string, q proto.Message) error { return s.browserSends(s.browser(user), user, q) },
	"Messages": func(s *stage, user string, q proto.Message) error { return s.browserReads(s.browser(user), q) },
}}

// Browsers that have not signed in stand to a room as strangers.
var anonymousRights = gateway{name: "CppComet, not signed in", room: webPipe, actor: func() string { return "0" }, asks: map[string]ask{
	"Send": func(s *stage, user string, q proto.Message) error {
		return s.browserSends(s.browserWith("0", "undefined"), user, q)
	},
	"Messages": func(s *stage, _ string, q proto.Message) error {
		return s.browserReads(s.browserWith("0", "undefined"), q)
	},
}}

// Who listens is told of some pipes only.
var trackRights = gateway{name: "CppComet, who listens", room: func() string { return "track_" + fresh() }, actor: fresh, asks: map[string]ask{
	"Members": func(s *stage, user string, q proto.Message) error {
		pipe, ok := roomOf(q)
		if !ok || q.(*chatv1.MembersRequest).GetMembership() != 0 {
			return errUnsayable
		}
		b, marker := s.browser(user, pipe), "who"+fresh()
		b.say("track_pipe_users", pipe, marker)
		f := b.await("an answer or an error", func(f frame) bool { return f.Marker == marker || f.Event == "error" && f.Pipe == "sys" })
		comes := func(f frame) bool { return f.Pipe == pipe && f.Event == "subscription" }
		if _, err := s.native(s.ctx, "boss").Subscribe(s.ctx, channelOf(q), client.SubscribeOptions{}); err != nil {
			return err
		}
		if f.Marker == marker {
			b.await("somebody to come", comes)
			return nil
		}
		b.done()
		if frames, _ := b.frames.all(s.ctx); slices.ContainsFunc(frames, comes) {
			return errors.New("who comes is told, and who is there is not")
		}
		return chattest.ErrDenied
	},
}}

// webPipe is a pipe into which browsers may write.
func webPipe() string { return "web_" + fresh() }

func (s *stage) browserSends(b *browser, user string, q proto.Message) error {
	pipe, ok := roomOf(q)
	if !ok {
		return errUnsayable
	}
	words := said(user, 0)
	b.say("web_pipe2", pipe, "said", "*", words)
	f := b.await("a report or an error", func(f frame) bool { return f.Pipe == "_answer_to_"+pipe || f.Event == "error" })
	err := s.wasSaid("room:"+pipe, words)
	if told := f.Event != "error"; told != (err == nil) {
		return fmt.Errorf("it is told %+v, and %w", f, err)
	}
	return err
}

// browserReads reads what was said in a pipe, and what is said afterwards.
func (s *stage) browserReads(b *browser, q proto.Message) error {
	pipe, ok := roomOf(q)
	if !ok {
		return errUnsayable
	}
	if err := s.keepPast(pipe); err != nil {
		return err
	}
	past := len(b.past(pipe)) > 0
	b.say("subscription", pipe)
	b.done()
	words := said("server", 0)
	if _, err := s.server.Send(s.ctx, &chatv1.SendRequest{Id: newID(), Room: "room:" + pipe, Text: &words}); err != nil {
		return err
	}
	if past {
		s.wantHeard(b.textsIn(pipe), words)
		return nil
	}
	b.done()
	heard, err := b.textsIn(pipe)(s.ctx)
	if err == nil && slices.Contains(heard, words) {
		err = fmt.Errorf("%q is heard, and what was said before is not shown", heard)
	}
	if err == nil {
		err = chattest.ErrDenied
	}
	return err
}
