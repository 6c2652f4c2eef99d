package interwork

import (
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

var sendText = capability{
	name: "send a text",
	native: can(func(s *stage) {
		s.heardByNative(s.channel(), func(words string) { s.person(s.ann).say(s.channel(), words, nil) })
	}),
	heimdallr: can(func(s *stage) { s.heardByNative(s.channel(), s.page(s.room).say) }),
	pull: can(func(s *stage) {
		s.heardByNative(s.channel(), func(words string) { s.must(s.pullSend(s.room, s.ann)(s.ctx, words)) })
	}),
	push: can(func(s *stage) {
		ann, _ := s.chattpUser(s.ann), s.chattpUser(s.bob)
		s.heardByNative(s.direct(), func(words string) { s.must(ann.send(s.ctx, s.bob, words)) })
	}),
	comet: can(func(s *stage) {
		pipe := "web_" + s.room
		ann := s.browser(s.ann)
		s.heardByNative("room:"+pipe, func(words string) { ann.publish(pipe, words) })
	}),
	chat21: can(func(s *stage) {
		ann := s.mqtt(s.ann)
		s.heardByNative(s.direct(), func(words string) { ann.send(s.bob, "direct", words, nil) })
	}),
}

// heardByNative has a native user hear what is said in a channel.
func (s *stage) heardByNative(channel string, say func(words string)) {
	s.t.Helper()
	bob := s.person(s.bob)
	bob.listen(channel)
	say(said("ann", 0))
	say(said("ann", 1))
	s.wantHeard(bob.hears, said("ann", 0), said("ann", 1))
}

var sendMore = func() capability {
	c := nativeOnly("send data, attachments, replies, mentions", func(s *stage) {
		ann := s.person(s.ann)
		first := ann.say(s.channel(), said("ann", 0), nil)
		ann.say(s.channel(), said("ann", 1), more(s, first.GetId()))
		m := s.wantStored(s.channel(), ann.said...)[1]
		if m.GetData().GetStringValue() != "data" || m.GetReplyTo() != first.GetId() || m.GetMentions()[0] != s.bob || m.GetAttachments()[0].GetName() != "a file" {
			s.t.Errorf("the message is %v", m)
		}
	}, func(ann *person, channel string) {
		without := more(ann.stage, "")
		without.Room, without.Id = channel, newID()
		ann.call("Send", without, &chatv1.Sent{})
		ann.say(channel, said("ann", 1), more(ann.stage, ""))
	})
	c.chat21 = can(func(s *stage) {
		s.mqtt(s.ann).send(s.bob, "direct", said("ann", 0), object{"metadata": object{"src": "a file"}, "flavour": "sweet"})
		data := s.wantStored(s.direct(), said("ann", 0))[0].GetData().GetStructValue().GetFields()["chat21"].GetStructValue().GetFields()
		if data["flavour"].GetStringValue() != "sweet" || data["metadata"].GetStructValue().GetFields()["src"].GetStringValue() != "a file" {
			s.t.Errorf("the data is %v", data)
		}
		var messages []struct{ Flavour string }
		s.must(s.result(s.ctx, s.bob, "/"+s.bob+"/conversations/"+s.ann+"/messages", &messages))
		if len(messages) != 1 || messages[0].Flavour != "sweet" {
			s.t.Errorf("the other reads %v", messages)
		}
	})
	return c
}()

// more is what a message may have besides its text.
func more(s *stage, replyTo string) *chatv1.SendRequest {
	return &chatv1.SendRequest{
		Data: structpb.NewStringValue("data"), ReplyTo: replyTo, Mentions: []string{s.bob},
		Attachments: []*chatv1.Attachment{{Url: "https://files.example.com/1", Name: "a file"}},
	}
}

// What is acknowledged is there for whoever asks afterwards.
var acknowledged = capability{
	name: "acknowledged when durable",
	native: can(func(s *stage) {
		if sent := s.person(s.ann).say(s.channel(), said("ann", 0), nil); sent.GetOffset() == 0 {
			s.t.Errorf("the answer is %v", sent)
		}
		s.wantStored(s.channel(), said("ann", 0))
	}),
	heimdallr: can(func(s *stage) {
		p, other := s.page(s.room), s.page(s.room)
		p.say(said("page", 0))
		s.wantStored(s.channel(), said("page", 0))
		s.must(p.ws.WriteMessage(1, []byte(tooLong)))
		s.closedWith(p.end, "1009")
		other.say(said("other", 0))
	}),
	pull: can(func(s *stage) {
		s.must(s.pullSend(s.room, s.ann)(s.ctx, said("ann", 0)))
		s.wantStored(s.channel(), said("ann", 0))
		s.refusedWith(s.pullSend(s.room, s.ann)(s.ctx, tooLong), "answered 500")
	}),
	push: can(func(s *stage) {
		ann, _ := s.chattpUser(s.ann), s.chattpUser(s.bob)
		s.must(ann.send(s.ctx, s.bob, said("ann", 0)))
		s.wantStored(s.direct(), said("ann", 0))
		s.refusedWith(ann.send(s.ctx, s.bob, tooLong), `"status":false`)
	}),
	comet: can(func(s *stage) {
		pipe := "web_" + s.room
		b := s.browser(s.ann)
		b.publish(pipe, said("ann", 0))
		s.must(s.sql(s.ctx, insert(pipe, said("backend", 0))))
		s.wantStored("room:"+pipe, said("ann", 0), said("backend", 0))
		b.say("web_pipe2", pipe, "said", "*", tooLong)
		b.await("an error", func(f frame) bool { return f.Pipe == "sys" && f.Event == "error" })
		s.refusedWith(s.sql(s.ctx, insert(pipe, tooLong)), "ERROR")
	}),
	chat21: can(func(s *stage) {
		ann := s.mqtt(s.ann)
		ann.send(s.bob, "direct", said("ann", 0), nil)
		s.wantStored(s.direct(), said("ann", 0))
		s.wantHeard(ann.texts, said("ann", 0))
	}),
}

// tooLong is a text that no protocol takes.
var tooLong = strings.Repeat("long ", 16<<10/5+1)

var retries = capability{
	name: "retry of a send without a double",
	native: can(func(s *stage) {
		id := newID()
		s.twice(s.channel(), 1, func() {
			s.person(s.ann).say(s.channel(), said("ann", 0), &chatv1.SendRequest{Id: id})
		})
	}),
	heimdallr: cannot(func(s *stage) {
		s.twice(s.channel(), 2, func() {
			s.must(s.page(s.room).ws.WriteMessage(1, []byte(said("page", 0))))
		})
	}),
	pull: cannot(func(s *stage) {
		s.twice(s.channel(), 2, func() { s.must(s.pullSend(s.room, s.ann)(s.ctx, said("ann", 0))) })
	}),
	push: cannot(func(s *stage) {
		ann, _ := s.chattpUser(s.ann), s.chattpUser(s.bob)
		s.twice(s.direct(), 2, func() { s.must(ann.send(s.ctx, s.bob, said("ann", 0))) })
	}),
	comet: can(func(s *stage) {
		pipe := "web_" + s.room
		payload, err := json.Marshal(object{"_cometApi_uuid": newID(), "text": said("ann", 0)})
		s.must(err)
		s.twice("room:"+pipe, 1, func() {
			b := s.browser(s.ann) // another connection of the same browser
			b.say("web_pipe2", pipe, "said", "*", string(payload))
			b.answer("_answer_to_" + pipe)
		})
	}),
	chat21: can(func(s *stage) {
		key := newID()
		s.twice(s.direct(), 1, func() {
			s.mqtt(s.ann).send(s.bob, "direct", said("ann", 0), object{"attributes": object{"message_key": key}})
		})
	}),
}

// twice says the same twice, then something else, and fails unless so many messages came of the former.
func (s *stage) twice(channel string, messages int, say func()) {
	s.t.Helper()
	bob := s.person(s.bob)
	bob.listen(channel)
	say()
	say()
	var texts []string
	s.eventually("two messages to be heard", func(ctx context.Context) (err error) {
		if texts, err = bob.hears(ctx); len(texts) < messages {
			return same(texts, []string{"and more"})
		}
		return err
	})
	s.person(s.ann).say(channel, "the end", nil)
	bob.events.await(s.t, "the end", func(e event) bool { return e.Text == "the end" })
	texts, err := bob.hears(s.ctx)
	s.must(err)
	if len(texts) != messages+1 {
		s.t.Errorf("%q was heard", texts)
	}
}

var ownMessages = capability{
	name: "own messages come back",
	native: can(func(s *stage) {
		ann := s.person(s.ann)
		ann.listen(s.channel())
		ann.say(s.channel(), said("ann", 0), nil)
		s.wantHeard(ann.hears, ann.said...)
	}),
	heimdallr: can(func(s *stage) {
		p := s.page(s.room)
		p.say(said("page", 0))
		s.wantHeard(p.texts.all, said("page", 0))
	}),
	pull: can(func(s *stage) {
		s.must(s.pullSend(s.ann+":"+s.bob, s.ann)(s.ctx, said("ann", 0)))
		s.wantHeard(s.pulled(s.ann+":"+s.bob), said("ann", 0))
	}),
	push: cannot(func(s *stage) {
		ann, bob := s.chattpUser(s.ann), s.chattpUser(s.bob)
		heard := ann.polling()
		s.must(ann.send(s.ctx, s.bob, said("ann", 0)))
		s.must(bob.send(s.ctx, s.ann, said("bob", 0)))
		s.wantHeard(heard.all, said("bob", 0))
	}),
	comet: cannot(func(s *stage) {
		pipe := "web_" + s.room
		ann := s.browser(s.ann, pipe)
		ann.publish(pipe, said("ann", 0))
		s.must(s.sql(s.ctx, insert(pipe, said("backend", 0))))
		s.wantHeard(ann.textsIn(pipe), said("backend", 0))
	}),
	chat21: can(func(s *stage) {
		s.makeGroup()
		ann := s.mqtt(s.ann)
		ann.send(s.room, "group", said("ann", 0), nil)
		ann.send(s.bob, "direct", said("ann", 1), nil)
		ann.await("the group's message with 150", func(p published) bool { return p.body.Text == said("ann", 0) && p.body.Status == 150 })
		ann.await("the direct message with 100", func(p published) bool { return p.body.Text == said("ann", 1) && p.body.Status == 100 })
	}),
}
