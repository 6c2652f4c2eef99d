package interwork

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

// each is how many messages a sender says.
const each = 5

// said is what a message says whose sender is of a protocol; mine finds such texts among others, as of those who join.
func said(protocol string, i int) string { return fmt.Sprintf("from %s %d", protocol, i) }

func mine(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.HasPrefix(text, "from ") })
}

// sendAll has all senders say what they have to at the same time, each one message after the other.
func sendAll(ctx context.Context, t *testing.T, senders map[string]func(ctx context.Context, text string) error) {
	t.Helper()
	sending, ctx := errgroup.WithContext(ctx)
	for protocol, send := range senders {
		sending.Go(func() error {
			for i := range each {
				if err := send(ctx, said(protocol, i)); err != nil {
					return fmt.Errorf("%s: %w", protocol, err)
				}
			}
			return nil
		})
	}
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
}

// agree waits until all hear the same: so many messages, none twice, and those of each sender in order.
func agree(t *testing.T, senders int, hearers map[string]func(ctx context.Context) ([]string, error)) {
	t.Helper()
	order := map[string][]string{}
	wait.For(t, patience, "all to hear everything", func(ctx context.Context) error {
		for protocol, hears := range hearers {
			texts, err := hears(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", protocol, err)
			}
			if order[protocol] = mine(texts); len(order[protocol]) < senders*each {
				return fmt.Errorf("%s hears only %q", protocol, order[protocol])
			}
		}
		return nil
	})
	want := order["native"]
	next := map[string]int{}
	for _, text := range want {
		sender := text[:strings.LastIndexByte(text, ' ')]
		if text != fmt.Sprint(sender, " ", next[sender]) {
			t.Fatalf("%q is not the next one of its sender in %q", text, want)
		}
		next[sender]++
	}
	for protocol, got := range order {
		if !slices.Equal(got, want) {
			t.Errorf("%s hears %q, and a native client %q", protocol, got, want)
		}
	}
}

func nativeSend(c *client.Client, room string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, err := c.Send(ctx, room, newID(), text)
		return err
	}
}

func TestWhatAnyProtocolSaysInARoomIsHeardOnEveryOtherOnceAndInOneOrder(t *testing.T) {
	s := start(t).on(t)
	s.makeGroup()
	bob := s.person(s.bob)
	bob.listen(s.channel())
	browser, page := s.browser(s.bob, s.room), s.page(s.room)

	sendAll(s.ctx, t, map[string]func(ctx context.Context, text string) error{
		"native": nativeSend(bob.Client, s.channel()),
		"heimdallr": func(_ context.Context, text string) error {
			return page.ws.WriteMessage(websocket.TextMessage, []byte(text))
		},
		"comet":  func(ctx context.Context, text string) error { return s.sql(ctx, insert(s.room, text)) },
		"pull":   s.pullSend(s.room, "carl"),
		"chat21": s.apiSend(s.ann, s.room, "group"),
	})
	agree(t, 5, map[string]func(ctx context.Context) ([]string, error){
		"native": bob.hears, "heimdallr": page.texts.all, "comet": browser.textsIn(s.room), "pull": s.pulled(s.room), "chat21": s.timeline(s.ann, s.room),
	})
}

func TestADirectConversationIsOneOnAllProtocolsThatHaveSome(t *testing.T) {
	s := start(t).on(t)
	annPolls, bobPolls := s.chattpUser(s.ann), s.chattpUser(s.bob) // before they are seen on other protocols
	ann, bob := s.person(s.ann), s.person(s.bob)
	bob.listen(s.direct())
	polled := bobPolls.polling()

	sendAll(s.ctx, t, map[string]func(ctx context.Context, text string) error{
		"native": nativeSend(ann.Client, s.direct()),
		"pull":   s.pullSend(s.ann+":"+s.bob, s.ann),
		"chat21": s.apiSend(s.ann, s.bob, "direct"),
		"chattp": func(ctx context.Context, text string) error { return annPolls.send(ctx, s.bob, text) },
	})
	agree(t, 4, map[string]func(ctx context.Context) ([]string, error){
		"native": bob.hears, "chattp": polled.all, "pull": s.pulled(s.bob + ":" + s.ann), "chat21": s.timeline(s.bob, s.ann),
	})
}
