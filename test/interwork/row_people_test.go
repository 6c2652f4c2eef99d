package interwork

import (
	"context"
	"errors"
	"fmt"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

var receipts = func() capability {
	c := nativeOnly("receipts and unread counts", func(s *stage) {
		s.makeRoom()
		ann, bob := s.person(s.ann), s.person(s.bob)
		sent := ann.say(s.channel(), said("ann", 0), nil)
		list := &chatv1.RoomsReply{}
		s.eventually("an unread message", func(context.Context) error {
			bob.call("Rooms", &chatv1.RoomsRequest{}, list)
			if list.GetUnread() != 1 {
				return fmt.Errorf("bob's list is %v", list)
			}
			return nil
		})
		bob.call("Read", &chatv1.ReadRequest{Room: s.channel(), Offset: sent.GetOffset()}, &chatv1.Marks{})
		by := &chatv1.ReadByReply{}
		ann.call("ReadBy", &chatv1.ReadByRequest{Room: s.channel(), Users: []string{s.bob}}, by)
		if len(by.GetMarks()) != 1 || by.GetMarks()[0].GetRead() != sent.GetOffset() {
			s.t.Errorf("ann is told %v", by)
		}
	}, func(ann *person, channel string) {
		s := ann.stage
		bob, last := s.person(s.bob), s.last(channel)
		bob.call("Delivered", &chatv1.DeliveredRequest{Room: channel, Offset: last}, &chatv1.Marks{})
		bob.call("Read", &chatv1.ReadRequest{Room: channel, Offset: last}, &chatv1.Marks{})
	})
	c.chat21 = can(func(s *stage) {
		ann, bob := s.mqtt(s.ann), s.mqtt(s.bob)
		ann.send(s.bob, "direct", said("ann", 0), nil)
		got := bob.await("the message", func(p published) bool { return p.body.Text == said("ann", 0) })
		s.wantConversation(s.bob, s.ann, said("ann", 0), true)
		bob.publish(bob.topic("messages/"+s.ann+"/"+got.body.ID+"/update"), object{"status": 200})
		ann.await("a receipt", func(p published) bool {
			return p.topic == "messages/"+s.bob+"/"+got.body.ID+"/clientupdated" && p.body.Status == 250
		})
		bob.publish(bob.topic("conversations/"+s.ann+"/update"), object{"is_new": false})
		s.wantConversation(s.bob, s.ann, said("ann", 0), false)

		ann.send(s.bob, "direct", said("ann", 1), nil) // which a native client receives
		own := ann.await("the own message", func(p published) bool { return p.body.Text == said("ann", 1) })
		s.person(s.bob).call("Delivered", &chatv1.DeliveredRequest{Room: s.direct(), Offset: s.last(s.direct())}, &chatv1.Marks{})
		ann.await("another receipt", func(p published) bool {
			return p.topic == "messages/"+s.bob+"/"+own.body.ID+"/clientupdated" && p.body.Status == 250
		})
	})
	return c
}()

var typing = nativeOnly("typing", func(s *stage) {
	ann, bob := s.person(s.ann), s.person(s.bob)
	bob.listen(s.channel())
	s.eventually("typing", func(ctx context.Context) error { // a signal may be lost, for one if it comes before the subscription has quite begun
		ann.call("Typing", &chatv1.TypingRequest{Room: s.channel(), Typing: true}, &chatv1.TypingReply{})
		events, err := bob.events.all(ctx)
		if !slices.ContainsFunc(events, func(e event) bool { return e.Type == "typing" && e.Sender == s.ann && e.Typing }) {
			err = errors.New("nothing is heard of it")
		}
		return err
	})
}, func(ann *person, channel string) {
	ann.call("Typing", &chatv1.TypingRequest{Room: channel, Typing: true}, &chatv1.TypingReply{})
})

var presence = capability{
	name: "presence",
	native: can(func(s *stage) {
		bob := s.person(s.bob)
		bob.listen(s.channel())
		s.wantPresent(s.bob)
		s.wantOnline(s.bob)
	}),
	heimdallr: can(func(s *stage) {
		s.page(s.room)
		s.page(s.room)
		s.wantCount(2)
	}),
	pull: passesBy(inPull, func(ann *person, channel string) {
		bob := ann.stage.person(ann.stage.bob)
		ann.stage.must(bob.listen(channel).Unsubscribe(ann.stage.ctx))
	}),
	push: can(func(s *stage) {
		bob := s.chattpUser(s.bob)
		s.wantIsOnline(true)
		s.must(bob.command(s.ctx, "logout"))
		s.wantIsOnline(false)
	}),
	comet: can(func(s *stage) {
		track := "track_" + s.room
		ann := s.browser(s.ann, "user_status_"+s.bob, track)
		bob := s.browser(s.bob, track)
		s.wantRows("select time from users_time where id = "+s.bob, "0")
		s.wantRows("select user_id from users_in_pipes where name = '"+track+"'", s.ann, s.bob)
		s.wantOnline(s.bob)
		s.must(bob.ws.Close())
		for _, event := range []string{"online", "offline"} {
			ann.await(event, func(f frame) bool { return f.Pipe == "user_status_"+s.bob && f.Event == event })
		}
		for _, event := range []string{"subscription", "unsubscription"} {
			ann.await(event, func(f frame) bool { return f.Pipe == track && f.Event == event })
		}
	}),
	chat21: can(func(s *stage) {
		s.makeRoom()
		s.mqtt(s.bob)
		s.wantPresent(s.bob)
		s.wantOnline(s.bob)
	}),
}

// wantPresent waits until a user is there for native clients in the stage's room.
func (s *stage) wantPresent(user string) {
	s.t.Helper()
	ann := s.person(s.ann)
	s.eventually(user+" to be present", func(ctx context.Context) error {
		here, err := ann.Presence(ctx, s.channel())
		if err != nil {
			return err
		}
		for _, info := range here {
			if info.User == user {
				return nil
			}
		}
		return fmt.Errorf("there are %v", here)
	})
}

// wantOnline waits until a user is online for native clients.
func (s *stage) wantOnline(user string) {
	s.t.Helper()
	ann, q := s.person(s.ann), &chatv1.PresenceRequest{Users: []string{user}}
	s.eventually(user+" to be online", func(ctx context.Context) error {
		reply := &chatv1.PresenceReply{}
		if err := call(ctx, ann.Client, "Presence", q, reply); err != nil {
			return err
		}
		if reply.GetUsers()[0].GetStatus() != chatv1.Status_STATUS_ONLINE {
			return fmt.Errorf("ann is told %v", reply)
		}
		return nil
	})
}

// wantIsOnline waits until cHaTTP says of bob that he is online or not.
func (s *stage) wantIsOnline(online bool) {
	s.t.Helper()
	s.eventually("isonline", func(ctx context.Context) error {
		var answer struct{ Online bool }
		if err := s.ask(ctx, "isonline?user_name="+s.bob, &answer); err != nil || answer.Online != online {
			return fmt.Errorf("%v, %w", answer.Online, err)
		}
		return nil
	})
}

// wantRows waits until a statement of CometQL has these rows, in any order.
func (s *stage) wantRows(statement string, want ...string) {
	s.t.Helper()
	s.eventually(statement, func(ctx context.Context) error {
		rows, err := s.rows(ctx, statement)
		slices.Sort(rows)
		slices.Sort(want)
		return errors.Join(err, same(rows, want))
	})
}
