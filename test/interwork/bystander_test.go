package interwork

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// bystander is a client of some protocol that hears the place where ann, a native user, says and does things.
type bystander struct {
	channel string
	hears   func(ctx context.Context) ([]string, error)
}

// passesBy is a cell of what a protocol has no way to say: a client of it hears what is said before and after that happens, from the connection that
// it has, and nothing else.
func passesBy(watch func(s *stage) bystander, act func(ann *person, channel string)) cell {
	return cannot(func(s *stage) {
		by := watch(s)
		ann := s.person(s.ann)
		ann.say(by.channel, said("ann", 0), nil)
		s.wantHeard(by.hears, ann.said...)
		act(ann, by.channel)
		ann.say(by.channel, said("ann", 9), nil)
		s.wantHeard(by.hears, ann.said...)
	})
}

// nativeOnly is a row of what only the native protocol can say.
func nativeOnly(name string, native func(s *stage), act func(ann *person, channel string)) capability {
	return capability{
		name: name, native: can(native),
		heimdallr: passesBy(inHeimdallr, act), pull: passesBy(inPull, act), push: passesBy(inPush, act),
		comet: passesBy(inComet, act), chat21: passesBy(inChat21, act),
	}
}

func inHeimdallr(s *stage) bystander {
	s.makeRoom()
	return bystander{s.channel(), s.page(s.room).texts.all}
}

func inPull(s *stage) bystander {
	s.makeRoom()
	return bystander{s.channel(), s.pulled(s.room)}
}

func inPush(s *stage) bystander {
	return bystander{s.direct(), s.chattpUser(s.bob).polling().all}
}

func inComet(s *stage) bystander {
	s.makeRoom()
	return bystander{s.channel(), s.browser(s.bob, s.room).textsIn(s.room)}
}

func inChat21(s *stage) bystander {
	s.makeRoom()
	return bystander{s.channel(), s.mqtt(s.bob).texts}
}

// last is the offset of the newest message in a channel.
func (s *stage) last(channel string) uint64 {
	s.t.Helper()
	page, err := s.server.Messages(s.ctx, &chatv1.MessagesRequest{Room: channel, Limit: 1})
	s.must(err)
	if len(page.GetMessages()) == 0 {
		s.t.Fatalf("%s has no message", channel)
	}
	return page.GetMessages()[0].GetOffset()
}
