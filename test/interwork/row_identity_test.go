package interwork

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
	"github.com/chatfleet/chatfleet/test/client"
)

var identity = capability{
	name: "who somebody is",
	native: can(func(s *stage) {
		s.person(s.ann).say(s.channel(), said("ann", 0), nil)
		s.wantSender(s.channel(), s.ann)
		_, err := client.Dial(s.ctx, s.URL(), client.Options{Token: "x" + tokenOf(s.ann)})
		if gone := (protocol.Disconnect{}); !errors.As(err, &gone) || gone.Code != 3500 {
			s.t.Errorf("a forged token is answered %v", err)
		}
	}),
	heimdallr: cannot(func(s *stage) { // though ann's room is for members
		s.makeRoom()
		s.page(s.room).say(said("nobody", 0))
		s.wantSender(s.channel(), "")
	}),
	pull: cannot(func(s *stage) {
		s.must(s.pullSend(s.ann+":"+s.bob, s.ann)(s.ctx, said("ann", 0)))
		s.wantSender(s.direct(), s.ann)
	}),
	push: can(func(s *stage) {
		ann, bob := s.chattpUser(s.ann), s.chattpUser(s.bob)
		s.must(ann.send(s.ctx, s.bob, said("ann", 0)))
		s.wantSender(s.direct(), s.ann)
		_, err := s.chattp(s.ctx, "login", "user_name="+s.ann, "password=wrong")
		s.refusedWith(err, `"error-code":13`)
		ann.channel = bob.channel
		s.refusedWith(ann.send(s.ctx, s.bob, said("ann", 1)), `"error-code":20`)
	}),
	comet: can(func(s *stage) {
		pipe := "web_" + s.room
		s.browser(s.ann).publish(pipe, said("ann", 0))
		s.wantSender("room:"+pipe, s.ann)
		if f := s.browserWith(s.ann, "wrong").answer("sys"); f.Authorized {
			s.t.Errorf("a wrong hash is answered %+v", f)
		}
		stranger := *s.node
		stranger.login = "/dev/null"
		s.refusedWith(stranger.sql(s.ctx, insert(s.room, said("nobody", 0))), "Authentication failure")
	}),
	chat21: can(func(s *stage) {
		ann := s.mqtt(s.ann)
		ann.send(s.bob, "direct", said("ann", 0), nil)
		s.wantSender(s.direct(), s.ann)
		forged := tokenOf(s.ann)[1:]
		if _, code := s.mqttWith(s.ann, forged); code == packet.Accepted {
			s.t.Error("a forged token opens a session")
		}
		_, _, err := request(s.ctx, http.MethodGet, "http://"+s.node.chat21+"/api/default/"+s.ann+"/conversations", nil, "Authorization", forged)
		s.refusedWith(err, "403")
	}),
}

// wantSender waits until the one message of a channel is stored, and fails unless it has that sender.
func (s *stage) wantSender(channel, sender string) {
	s.t.Helper()
	s.eventually("the message to be stored", func(ctx context.Context) error {
		messages, err := s.stored(ctx, channel)
		if err != nil || len(messages) != 1 || messages[0].GetSender() != sender {
			return fmt.Errorf("%s has %v, %w", channel, messages, err)
		}
		return nil
	})
}

// refusedWith fails unless the error says that.
func (s *stage) refusedWith(err error, words string) {
	s.t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		s.t.Errorf("%v instead of %s", err, words)
	}
}
