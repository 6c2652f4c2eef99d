package interwork

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/test/client"
)

var changes = capability{
	name: "edits, deletions, reactions",
	native: can(func(s *stage) {
		ann, bob := s.person(s.ann), s.person(s.bob)
		bob.listen(s.channel())
		sent := ann.say(s.channel(), said("ann", 0), nil)
		ann.change(s.channel(), sent.GetOffset())
		for _, kind := range []string{"edit", "reaction", "delete"} {
			bob.events.await(s.t, kind, func(e event) bool { return e.Type == kind && e.Target == sent.GetOffset() })
		}
	}),
	heimdallr: passesBy(inHeimdallr, func(ann *person, channel string) { ann.change(channel, ann.stage.last(channel)) }),
	pull: can(func(s *stage) {
		s.editAndDelete(s.direct())
		s.wantHeard(s.pulled(s.ann+":"+s.bob), edited, said("ann", 2))
	}),
	push: can(func(s *stage) {
		bob := s.chattpUser(s.bob)
		s.editAndDelete(s.direct())
		s.wantHeard(bob.polling().all, edited, said("ann", 2))
	}),
	comet: can(func(s *stage) {
		s.must(s.sql(s.ctx, "insert into pipes_settings (name, length) values ('"+s.room+"', 10)"))
		s.editAndDelete(s.channel())
		reader := s.browser(s.bob)
		s.must(same(reader.past(s.room), []string{edited, said("ann", 2)}))
		rows, err := s.rows(s.ctx, "select id from pipes_messages where name = '"+s.room+"'")
		s.must(err)
		s.must(s.sql(s.ctx, "delete from pipes_messages where id = '"+rows[0]+"' and name = '"+s.room+"'"))
		s.wantStored(s.channel(), said("ann", 2))
	}),
	chat21: can(func(s *stage) {
		s.makeGroup()
		s.editAndDelete(s.channel())
		s.wantHeard(s.timeline(s.bob, s.room), edited, said("ann", 2))
		_, err := s.api(s.ctx, s.ann, http.MethodDelete, "/"+s.room+"/messages/timelines", nil)
		s.must(err)
		s.wantStored(s.channel())
	}),
}

// edited is what a message says after editAndDelete.
var edited = said("ann", 7)

// change edits a message of one's own, reacts to it, and deletes it.
func (p *person) change(channel string, offset uint64) {
	p.stage.t.Helper()
	p.call("Edit", &chatv1.EditRequest{Id: newID(), Room: channel, Offset: offset, Text: &edited}, &chatv1.Sent{})
	p.call("React", &chatv1.ReactRequest{Id: newID(), Room: channel, Offset: offset, Reaction: "+1"}, &chatv1.Sent{})
	p.call("Delete", &chatv1.DeleteRequest{Id: newID(), Room: channel, Offset: offset}, &chatv1.Sent{})
}

// editAndDelete has ann say three texts, edit the first and delete the second.
func (s *stage) editAndDelete(channel string) {
	s.t.Helper()
	ann := s.person(s.ann)
	first := ann.say(channel, said("ann", 0), nil)
	second := ann.say(channel, said("ann", 1), nil)
	ann.say(channel, said("ann", 2), nil)
	ann.call("Edit", &chatv1.EditRequest{Id: newID(), Room: channel, Offset: first.GetOffset(), Text: &edited}, &chatv1.Sent{})
	ann.call("Delete", &chatv1.DeleteRequest{Id: newID(), Room: channel, Offset: second.GetOffset()}, &chatv1.Sent{})
}

var history = capability{
	name: "history",
	native: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.say(s.channel(), said("ann", 0), nil)
		page := &chatv1.MessagesReply{}
		s.person(s.bob).call("Messages", &chatv1.MessagesRequest{Room: s.channel()}, page)
		s.must(same(textsIn(page.GetMessages()), ann.said))
	}),
	heimdallr: cannot(func(s *stage) {
		ann, other := s.person(s.ann), s.page(s.room)
		ann.say(s.channel(), said("ann", 0), nil)
		s.wantHeard(other.texts.all, ann.said...) // all that is live has passed by
		p := s.page(s.room)
		ann.say(s.channel(), said("ann", 1), nil)
		s.wantHeard(p.texts.all, said("ann", 1))
	}),
	pull: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.say(s.channel(), said("ann", 0), nil)
		ann.say(s.channel(), said("ann", 1), nil)
		s.wantHeard(s.pulled(s.room), ann.said...)
		first, err := s.pullPage(s.ctx, s.room, 0, 1)
		s.must(err)
		second, err := s.pullPage(s.ctx, s.room, first.Next, 1)
		s.must(err)
		s.must(same(append(textsOf(first.Messages), textsOf(second.Messages)...), ann.said))

		ranked, chat := startOn(s.t, "", "--pull-dialect=b").on(s.t), s.ann+":"+s.bob
		for _, words := range ann.said {
			s.must(ranked.pullSend(chat, s.ann)(s.ctx, words))
		}
		second, err = ranked.pullPage(s.ctx, chat, 1, 1)
		s.must(err)
		s.must(same(textsOf(second.Messages), ann.said[1:]))
	}),
	push: cannot(func(s *stage) { // what was received is in no later session
		ann, bob := s.person(s.ann), s.chattpUser(s.bob)
		ann.say(s.direct(), said("ann", 0), nil)
		s.wantHeard(bob.polling().all, said("ann", 0))
		again := &chattpUser{stage: s, name: s.bob}
		s.must(again.login(s.ctx))
		heard := again.polling()
		ann.say(s.direct(), said("ann", 1), nil)
		s.wantHeard(heard.all, said("ann", 1))
	}),
	comet: can(func(s *stage) {
		s.must(s.sql(s.ctx, "insert into pipes_settings (name, length) values ('"+s.room+"', 2)"))
		for i := range 3 {
			s.must(s.sql(s.ctx, insert(s.room, said("backend", i))))
		}
		newest := []string{said("backend", 1), said("backend", 2)}
		reader := s.browser(s.bob)
		s.must(same(reader.past(s.room), newest))
		rows, err := s.rows(s.ctx, "select message from pipes_messages where name = '"+s.room+"'")
		s.must(err)
		s.must(same(rows, newest))
	}),
	chat21: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.say(s.direct(), said("ann", 0), nil)
		ann.say(s.direct(), said("ann", 1), nil)
		s.wantHeard(s.timeline(s.bob, s.ann), ann.said...)
	}),
}

var missed = capability{
	name: "what was missed while away",
	native: can(func(s *stage) {
		ann, bob := s.person(s.ann), s.person(s.bob)
		at := bob.listen(s.channel()).Position()
		bob.Close()
		ann.say(s.channel(), said("ann", 0), nil)
		back := s.person(s.bob)
		_, err := back.Subscribe(s.ctx, s.channel(), client.SubscribeOptions{Since: at, OnPublication: back.took})
		s.must(err)
		s.wantHeard(back.hears, ann.said...)
	}),
	heimdallr: cannot(func(s *stage) {
		ann, p, other := s.person(s.ann), s.page(s.room), s.page(s.room)
		s.must(p.ws.Close())
		ann.say(s.channel(), said("ann", 0), nil)
		s.wantHeard(other.texts.all, ann.said...) // all that is live has passed by
		back := s.page(s.room)
		ann.say(s.channel(), said("ann", 1), nil)
		s.wantHeard(back.texts.all, said("ann", 1))
	}),
	pull: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.say(s.channel(), said("ann", 0), nil)
		ann.say(s.channel(), said("ann", 1), nil)
		s.wantHeard(s.pulled(s.room), ann.said...)
		page, err := s.pullPage(s.ctx, s.room, 0, 1)
		s.must(err)
		ann.say(s.channel(), said("ann", 2), nil)
		s.wantHeard(func(ctx context.Context) ([]string, error) {
			rest, err := s.pullPage(ctx, s.room, page.Next, 10)
			return textsOf(rest.Messages), err
		}, ann.said[1:]...)
	}),
	push: can(func(s *stage) {
		ann, bob := s.person(s.ann), s.chattpUser(s.bob)
		_, err := bob.poll(s.ctx) // gives the position
		s.must(err)
		ann.say(s.direct(), said("ann", 0), nil)
		words, err := bob.poll(s.ctx)
		s.must(err)
		s.must(same([]string{words}, ann.said))
		s.must(bob.command(s.ctx, "logout"))
		ann.say(s.direct(), said("ann", 1), nil)
		s.must(bob.login(s.ctx))
		saved, err := bob.saved(s.ctx)
		s.must(err)
		if !slices.Contains(saved, said("ann", 1)) {
			s.t.Errorf("%q are saved", saved)
		}
	}),
	comet: can(func(s *stage) {
		const many = 12 // CppComet gives ten
		var want []string
		for i := range many {
			want = append(want, said("backend", i))
			s.must(s.sql(s.ctx, tell(s.bob, want[i])))
		}
		bob := s.browser(s.bob)
		s.eventually("the private messages", func(ctx context.Context) error {
			var got []string
			frames, err := bob.frames.all(ctx)
			for _, f := range frames {
				if f.Pipe == "msg" && f.FromQueue {
					got = append(got, f.text())
				}
			}
			if err == nil {
				err = same(got, want)
			}
			return err
		})
	}),
	chat21: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.say(s.direct(), said("ann", 0), nil)
		s.wantHeard(s.timeline(s.bob, s.ann), ann.said...)
		s.wantConversation(s.bob, s.ann, said("ann", 0), true)
	}),
}

// wantConversation waits until chat21 lists a conversation of a user like that.
func (s *stage) wantConversation(user, with, last string, isNew bool) {
	s.t.Helper()
	s.eventually("the conversation", func(ctx context.Context) error {
		var conversations []struct {
			With  string `json:"conversWith"`
			Last  string `json:"last_message_text"`
			IsNew bool   `json:"is_new"`
		}
		if err := s.result(ctx, user, "/"+user+"/conversations", &conversations); err != nil {
			return err
		}
		if len(conversations) != 1 || conversations[0].With != with || conversations[0].Last != last || conversations[0].IsNew != isNew {
			return fmt.Errorf("%s has %+v", user, conversations)
		}
		return nil
	})
}
