package interwork

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// What clients of these do, the application's server does: they may do whatever it may.

var heimdallrRights = gateway{name: "heimdallr", server: true, room: fresh, asks: map[string]ask{
	"Send": func(s *stage, _ string, q proto.Message) error {
		room, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		words := said("page", 0)
		s.page(room).say(words)
		return s.wasSaid("room:"+room, words)
	},
	"Messages": func(s *stage, _ string, q proto.Message) error {
		room, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		p, words := s.page(room), said("server", 0)
		if _, err := s.server.Send(s.ctx, &chatv1.SendRequest{Id: newID(), Room: "room:" + room, Text: &words}); err != nil {
			return err
		}
		p.texts.await(s.t, words, func(heard string) bool { return heard == words })
		return nil
	},
}}

var pullRights = gateway{name: "distributed-chat", server: true, asks: map[string]ask{
	"Send": func(s *stage, _ string, q proto.Message) error {
		channel, words := channelOf(q), said("server", 0)
		if err := s.pullSend(chatOf(channel), "anybody")(s.ctx, words); err != nil {
			return err
		}
		return s.wasSaid(channel, words)
	},
	"Messages": func(s *stage, _ string, q proto.Message) error {
		words := said("server", 0)
		if _, err := s.server.Send(s.ctx, &chatv1.SendRequest{Id: newID(), Room: channelOf(q), Text: &words}); err != nil {
			return err
		}
		s.wantHeard(s.pulled(chatOf(channelOf(q))), words)
		return nil
	},
}}

var cometQLRights = gateway{name: "CometQL", server: true, room: fresh, asks: map[string]ask{
	"Send": func(s *stage, _ string, q proto.Message) error {
		pipe, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		words := said("backend", 0)
		if err := s.sql(s.ctx, insert(pipe, words)); err != nil {
			return err
		}
		return s.wasSaid("room:"+pipe, words)
	},
	"Messages": func(s *stage, _ string, q proto.Message) error {
		pipe, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		rows, err := s.pastRows(pipe)
		if err == nil && len(rows) != 1 { // of the stage
			err = fmt.Errorf("the past is %q", rows)
		}
		return err
	},
	"Delete": func(s *stage, _ string, q proto.Message) error {
		pipe, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		rows, err := s.pastRows(pipe)
		if err != nil {
			return err
		}
		if err := s.sql(s.ctx, "delete from pipes_messages where id = '"+rows[0]+"' and name = '"+pipe+"'"); err != nil {
			return err
		}
		return s.isDeleted("room:"+pipe, q.(*chatv1.DeleteRequest).GetOffset())
	},
}}

// pastRows are the ids of a pipe's past.
func (s *stage) pastRows(pipe string) ([]string, error) {
	if err := s.keepPast(pipe); err != nil {
		return nil, err
	}
	return s.rows(s.ctx, "select id from pipes_messages where name = '"+pipe+"'")
}

// keepPast has the past of a pipe shown.
func (s *stage) keepPast(pipe string) error {
	return s.sql(s.ctx, "insert into pipes_settings (name, length) values ('"+pipe+"', 10)")
}

// channelOf is the channel that a request is about.
func channelOf(q proto.Message) string {
	return q.ProtoReflect().Get(q.ProtoReflect().Descriptor().Fields().ByName("room")).String()
}

// roomOf is the name of the room that a request is about, if it is one.
func roomOf(q proto.Message) (name string, ok bool) { return strings.CutPrefix(channelOf(q), "room:") }

// chatOf is what distributed-chat calls a channel.
func chatOf(channel string) string {
	if pair, ok := strings.CutPrefix(channel, "dm:"); ok {
		return strings.Replace(pair, ",", ":", 1)
	}
	return strings.TrimPrefix(channel, "room:")
}

// newest gives the newest messages of a channel, those that are deleted too.
func (s *stage) newest(ctx context.Context, channel string) ([]*chatv1.Message, error) {
	page, err := s.server.Messages(ctx, &chatv1.MessagesRequest{Room: channel})
	messages := page.GetMessages()
	slices.Reverse(messages)
	return messages, err
}

// wasSaid is nil if these are the words of a message in a channel, as is known once the protocol has said what became of them.
func (s *stage) wasSaid(channel, words string) error {
	messages, err := s.newest(s.ctx, channel)
	if err != nil {
		return err
	}
	return done(slices.ContainsFunc(messages, func(m *chatv1.Message) bool { return m.GetText() == words }))
}

// isDeleted is nil if the message at an offset is deleted.
func (s *stage) isDeleted(channel string, offset uint64) error {
	messages, err := s.newest(s.ctx, channel)
	if err != nil {
		return err
	}
	return done(!slices.ContainsFunc(messages, func(m *chatv1.Message) bool { return m.GetOffset() == offset && !m.GetDeleted() }))
}
