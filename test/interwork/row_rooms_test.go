package interwork

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/websocket"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

var rooms = capability{
	name: "rooms",
	native: can(func(s *stage) {
		ann, bob := s.person(s.ann), s.person(s.bob)
		ann.call("CreateRoom", &chatv1.CreateRoomRequest{Room: s.channel(), Kind: chatv1.RoomKind_ROOM_KIND_OPEN}, &chatv1.Room{})
		bob.call("Join", &chatv1.JoinRequest{Room: s.channel()}, &chatv1.Member{})
		s.wantMembers(s.ann, s.bob)
		ann.call("UpdateRoom", &chatv1.UpdateRoomRequest{Room: s.channel(), Title: text("Ours")}, &chatv1.Room{})
		bob.call("Leave", &chatv1.LeaveRequest{Room: s.channel()}, &chatv1.Member{})
		s.wantMembers(s.ann)
		if room := s.getRoom(); room.GetTitle() != "Ours" {
			s.t.Errorf("the room is %v", room)
		}
	}),
	heimdallr: can(func(s *stage) {
		p, other := s.page(s.room), s.page(fresh())
		p.say(said("page", 0))
		other.say(said("other", 0))
		s.wantHeard(p.texts.all, said("page", 0))
		s.wantMembers()
		s.must(p.ws.Close())
		s.wantCount(0)
	}),
	pull: can(func(s *stage) {
		s.must(s.pullSend(s.room, s.ann)(s.ctx, said("ann", 0)))
		s.wantStored(s.channel(), said("ann", 0))
		s.wantHeard(s.pulled(s.room), said("ann", 0))
	}),
	push: passesBy(inPush, func(ann *person, _ string) {
		ann.stage.makeRoom()
		ann.stage.person(ann.stage.bob).say(ann.stage.channel(), said("bob", 0), nil)
		ann.call("Send", &chatv1.SendRequest{Id: newID(), Room: ann.stage.channel(), Text: text("for the room")}, &chatv1.Sent{})
	}),
	comet: can(func(s *stage) {
		bob := s.browser(s.bob, s.room)
		s.must(s.sql(s.ctx, insert(s.room, said("backend", 0))))
		s.wantHeard(bob.textsIn(s.room), said("backend", 0))
		s.wantMembers()
	}),
	chat21: can(func(s *stage) {
		ann, made := s.mqtt(s.ann), fresh()
		ann.send(made, "group", said("ann", 0), nil)
		if room, err := s.server.GetRoom(s.ctx, &chatv1.GetRoomRequest{Room: "room:" + made}); err != nil || room.GetMembers() != 1 {
			s.t.Errorf("the first message makes %v, %v", room, err)
		}
		s.makeGroup()
		s.wantMembers(s.ann, s.bob)
		var group struct {
			Owner   string
			Members map[string]int
		}
		s.must(s.result(s.ctx, s.bob, "/groups/"+s.room, &group))
		if group.Owner != s.ann || len(group.Members) != 2 {
			s.t.Errorf("the group is %+v", group)
		}
		_, err := s.api(s.ctx, s.ann, http.MethodDelete, "/groups/"+s.room+"/members/"+s.bob, nil)
		s.must(err)
		s.wantMembers(s.ann)
	}),
}

// makeGroup makes the stage's room as chat21 does.
func (s *stage) makeGroup() {
	s.t.Helper()
	_, err := s.api(s.ctx, s.ann, http.MethodPost, "/groups", object{
		"group_id": s.room, "group_name": "Group " + s.room, "group_members": map[string]int{s.ann: 1, s.bob: 1},
	})
	s.must(err)
}

func (s *stage) getRoom() *chatv1.Room {
	s.t.Helper()
	room, err := s.server.GetRoom(s.ctx, &chatv1.GetRoomRequest{Room: s.channel()})
	s.must(err)
	return room
}

// wantMembers waits until exactly these are members of the stage's room.
func (s *stage) wantMembers(users ...string) {
	s.t.Helper()
	s.eventually("members", func(ctx context.Context) error {
		page, err := s.server.Members(ctx, &chatv1.MembersRequest{Room: s.channel()})
		if err != nil {
			return err
		}
		var members []string
		for _, m := range page.GetMembers() {
			members = append(members, m.GetUser())
		}
		slices.Sort(members)
		slices.Sort(users)
		return same(members, users)
	})
}

// wantCount waits until heimdallr counts so many connections in the stage's room.
func (s *stage) wantCount(connections int) {
	s.t.Helper()
	s.eventually("heimdallr to count", func(ctx context.Context) error {
		body, _, err := request(ctx, http.MethodGet, "http://"+s.admin+"/stats/count/rooms", nil)
		if err != nil {
			return err
		}
		var counts struct{ Count map[string]int }
		if err := json.Unmarshal([]byte(body), &counts); err != nil || counts.Count[s.room] != connections {
			return fmt.Errorf("%s (%w)", body, err)
		}
		return nil
	})
}

var directConversations = capability{
	name: "direct conversations",
	native: can(func(s *stage) {
		bob := s.person(s.bob)
		bob.listen(s.direct())
		s.person(s.ann).say(s.direct(), said("ann", 0), nil)
		s.wantHeard(bob.hears, said("ann", 0))
	}),
	heimdallr: cannot(func(s *stage) {
		_, answer, err := websocket.DefaultDialer.DialContext(s.ctx, "ws://"+s.node.heimdallr+"/"+s.direct(), nil)
		if err == nil || answer == nil || answer.StatusCode != http.StatusNotFound {
			s.t.Fatalf("a direct conversation is answered %v, %v", answer, err)
		}
		_ = answer.Body.Close()
		passesBy(inHeimdallr, func(ann *person, _ string) {
			ann.call("Send", &chatv1.SendRequest{Id: newID(), Room: s.direct(), Text: text(said("ann", 1))}, &chatv1.Sent{})
		}).show(s)
	}),
	pull: can(func(s *stage) {
		s.must(s.pullSend(s.ann+":"+s.bob, s.ann)(s.ctx, said("ann", 0)))
		s.wantStored(s.direct(), said("ann", 0))
		s.wantHeard(s.pulled(s.bob+":"+s.ann), said("ann", 0))
	}),
	push: can(func(s *stage) {
		ann, bob := s.chattpUser(s.ann), s.chattpUser(s.bob)
		heard := bob.polling()
		s.must(ann.send(s.ctx, s.bob, said("ann", 0)))
		s.wantHeard(heard.all, said("ann", 0))
		s.wantStored(s.direct(), said("ann", 0))
	}),
	comet: can(func(s *stage) {
		bob := s.browser(s.bob)
		s.must(s.sql(s.ctx, tell(s.bob, said("backend", 0))))
		s.wantHeard(bob.textsIn("msg"), said("backend", 0))
	}),
	chat21: can(func(s *stage) {
		ann, bob := s.mqtt(s.ann), s.mqtt(s.bob)
		ann.send(s.bob, "direct", said("ann", 0), nil)
		s.wantHeard(bob.texts, said("ann", 0))
		s.wantStored(s.direct(), said("ann", 0))
	}),
}

// tell is the statement by which a backend tells a user something.
func tell(user, words string) string {
	return "insert into users_messages (id, event, message) values (" + user + ", 'said', '" + words + "')"
}
