package interwork

import (
	"fmt"
	"net/http"
	"slices"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

var chat21Rights = gateway{name: "chat21 over MQTT", room: groupName, asks: map[string]ask{
	"Send": func(s *stage, user string, q proto.Message) error {
		with, kind, ok := conversationOf(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		words := said(user, 0)
		s.mqtt(user).send(with, kind, words, nil)
		return s.wasSaid(channelOf(q), words)
	},
	"Delivered": func(s *stage, user string, q proto.Message) error {
		with, _, ok := conversationOf(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		messages, err := s.newest(s.ctx, channelOf(q))
		if err != nil {
			return err
		}
		u := s.mqtt(user)
		u.publish(u.topic("messages/"+with+"/"+messages[0].GetId()+"/update"), object{"status": 200})
		marks, err := s.marksOf(channelOf(q), user)
		if err != nil {
			return err
		}
		return done(marks.GetDelivered() >= messages[0].GetOffset())
	},
	"Read": func(s *stage, user string, q proto.Message) error {
		with, _, ok := conversationOf(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		u := s.mqtt(user)
		u.publish(u.topic("conversations/"+with+"/update"), object{"is_new": false})
		marks, err := s.marksOf(channelOf(q), user)
		if err != nil {
			return err
		}
		return done(marks.GetRead() >= q.(*chatv1.ReadRequest).GetOffset())
	},
}}

var chat21APIRights = gateway{name: "chat21 over HTTP", room: groupName, asks: map[string]ask{
	"Send": func(s *stage, user string, q proto.Message) error {
		with, kind, ok := conversationOf(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		words := said(user, 0)
		if err := s.apiSend(user, with, kind)(s.ctx, words); err != nil {
			return refused(err, " 401:")
		}
		return s.wasSaid(channelOf(q), words)
	},
	"Messages": func(s *stage, user string, q proto.Message) error {
		with, _, ok := conversationOf(channelOf(q), user)
		if !ok {
			return errUnsayable
		}
		var messages []struct{ Text string }
		if err := s.result(s.ctx, user, "/"+user+"/conversations/"+with+"/messages", &messages); err != nil {
			return refused(err, " 401:")
		}
		return done(len(messages) > 0)
	},
	"Members": func(s *stage, user string, q proto.Message) error {
		group, ok := roomOf(q)
		if !ok || q.(*chatv1.MembersRequest).GetMembership() != 0 {
			return errUnsayable
		}
		var document struct{ Members map[string]int }
		if err := s.result(s.ctx, user, "/groups/"+group, &document); err != nil {
			return refused(err, " 401:")
		}
		return done(len(document.Members) > 0)
	},
	"UpdateRoom": func(s *stage, user string, q proto.Message) error {
		group, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		title := "by " + user
		if _, err := s.api(s.ctx, user, http.MethodPut, "/groups/"+group, object{"group_name": title}); err != nil {
			return refused(err, "Not allowed")
		}
		room, err := s.server.GetRoom(s.ctx, &chatv1.GetRoomRequest{Room: channelOf(q)})
		if err != nil {
			return err
		}
		return done(room.GetTitle() == title)
	},
	"Invite": func(s *stage, user string, q proto.Message) error {
		group, ok := roomOf(q)
		if invite := q.(*chatv1.InviteRequest); !ok || !invite.GetAdd() || invite.GetRole() != 0 {
			return errUnsayable
		}
		newcomer := q.(*chatv1.InviteRequest).GetUsers()[0]
		if _, err := s.api(s.ctx, user, http.MethodPost, "/groups/"+group+"/members", object{"member_id": newcomer}); err != nil {
			return refused(err, "Not allowed")
		}
		is, err := s.isMember(channelOf(q), newcomer)
		if err != nil {
			return err
		}
		return done(is)
	},
	"Kick": func(s *stage, user string, q proto.Message) error {
		return s.removes(user, channelOf(q), q.(*chatv1.KickRequest).GetUser())
	},
	"Leave": func(s *stage, user string, q proto.Message) error {
		if is, err := s.isMember(channelOf(q), user); err != nil || !is {
			return errUnsayable // only members can be taken out
		}
		return s.removes(user, channelOf(q), user)
	},
	"Delete": func(s *stage, user string, q proto.Message) error { // of all that was said, which others said too
		group, ok := roomOf(q)
		if !ok {
			return errUnsayable
		}
		offset := q.(*chatv1.DeleteRequest).GetOffset()
		messages, err := s.newest(s.ctx, channelOf(q))
		if err != nil || slices.ContainsFunc(messages, func(m *chatv1.Message) bool { return m.GetOffset() == offset && m.GetSender() == user }) {
			return errUnsayable
		}
		if _, err := s.api(s.ctx, user, http.MethodDelete, "/"+group+"/messages/timelines", nil); err != nil {
			return refused(err, "Not allowed")
		}
		return s.isDeleted(channelOf(q), offset)
	},
}}

// groupName is one that chat21 knows for a group's even if the user is no member.
func groupName() string { return "group-" + fresh() }

// conversationOf is what a channel is for a user of chat21.
func conversationOf(channel, user string) (with, kind string, ok bool) {
	if name, ok := roomOf(&chatv1.GetRoomRequest{Room: channel}); ok {
		return name, "group", true
	}
	with, ok = partner(channel, user)
	return with, "direct", ok
}

// removes has a user take somebody out of a group.
func (s *stage) removes(user, channel, whom string) error {
	group, _, ok := conversationOf(channel, user)
	if !ok || "room:"+group != channel {
		return errUnsayable
	}
	if _, err := s.api(s.ctx, user, http.MethodDelete, "/groups/"+group+"/members/"+whom, nil); err != nil {
		return refused(err, "Not allowed")
	}
	is, err := s.isMember(channel, whom)
	if err != nil {
		return err
	}
	return done(!is)
}

// isMember says whether somebody is a member of a room.
func (s *stage) isMember(channel, user string) (bool, error) {
	page, err := s.server.Members(s.ctx, &chatv1.MembersRequest{Room: channel})
	return slices.ContainsFunc(page.GetMembers(), func(m *chatv1.Member) bool { return m.GetUser() == user }), err
}

// marksOf are a user's marks in a channel.
func (s *stage) marksOf(channel, user string) (*chatv1.Marks, error) {
	reply, err := s.server.ReadBy(s.ctx, &chatv1.ReadByRequest{Room: channel, Users: []string{user}})
	if err != nil || len(reply.GetMarks()) == 0 {
		return nil, err
	}
	if len(reply.GetMarks()) > 1 {
		return nil, fmt.Errorf("the marks are %v", reply)
	}
	return reply.GetMarks()[0], nil
}
