package pull

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

// walk follows cursors to the end of a chat, and gives all texts in the order in which they came.
func walk(t testing.TB, c *client, name string, limit int, reverse bool) (texts []string, sent []int64) {
	t.Helper()
	for cursor := int64(0); ; {
		p := c.fetch(t, name, cursor, limit, reverse)
		if len(p.Messages) > limit || p.HasMore != (p.NextCursor != 0) || p.HasMore && len(p.Messages) == 0 {
			t.Fatalf("from %d: %d messages of %d, more %v, next %d", cursor, len(p.Messages), limit, p.HasMore, p.NextCursor)
		}
		for _, m := range p.Messages {
			texts, sent = append(texts, m.Text), append(sent, m.SendTime)
		}
		if !p.HasMore {
			return texts, sent
		}
		cursor = p.NextCursor
	}
}

// crowd stores messages of a chat, many of them in the same millisecond, and deletes some of them.
func crowd(t testing.TB, s *stack, from, to int) (kept []string) {
	t.Helper()
	room, app := chat.Direct("ann", "bob"), chat.Actor{App: chat.DefaultApp, User: "ann", Server: true}
	var deleted []uint64
	for i := from; i < to; i++ {
		text := fmt.Sprint("message ", i)
		sent, err := s.chat.Send(t.Context(), app, &chatv1.SendRequest{Room: room, Text: &text})
		if err != nil {
			t.Fatal(err)
		}
		if i%29 == 3 {
			deleted = append(deleted, sent.GetOffset())
		} else {
			kept = append(kept, text)
		}
	}
	for _, offset := range deleted {
		if _, err := s.chat.Delete(t.Context(), chat.Actor{App: chat.DefaultApp, Server: true}, &chatv1.DeleteRequest{Room: room, Offset: offset}); err != nil {
			t.Fatal(err)
		}
	}
	return kept
}

// TestPagesHaveEveryMessageOnce reads a chat from memory and from the log, in pages of all sizes.
func TestPagesHaveEveryMessageOnce(t *testing.T) {
	s := startStack(t)
	kept := crowd(t, s, 0, 300)
	backward := slices.Clone(kept)
	slices.Reverse(backward)
	for _, dialect := range []Dialect{Default, DialectA, DialectB, DialectC} {
		c := s.serve(t, dialect)
		for _, limit := range []int{9, 100, 1000} {
			if got, _ := walk(t, c, "ann:bob", limit, false); !slices.Equal(got, kept) {
				t.Fatalf("dialect %s, pages of %d: %d messages, want %d", dialect, limit, len(got), len(kept))
			}
			if dialect == DialectA {
				continue // turns each page round, and no more
			}
			if got, _ := walk(t, c, "ann:bob", limit, true); !slices.Equal(got, backward) {
				t.Fatalf("dialect %s, pages of %d backward: %d messages, want %d", dialect, limit, len(got), len(kept))
			}
		}
	}
}

func TestSendTimesGrowAndAreInclusiveCursors(t *testing.T) {
	s := startStack(t)
	crowd(t, s, 0, 60)
	c := s.serve(t, Default)
	texts, sent := walk(t, c, "ann:bob", 7, false)
	for i, at := range sent {
		if i > 0 && at <= sent[i-1] {
			t.Fatalf("message %d was sent at %d, and the one before at %d", i, at, sent[i-1])
		}
		for range 2 { // from the log and from memory
			if p := c.fetch(t, "ann:bob", at, 1, false); p.Messages[0].Text != texts[i] {
				t.Fatalf("from %d: %q, want %q", at, p.Messages[0].Text, texts[i])
			}
			if p := c.fetch(t, "ann:bob", at, 1, true); p.Messages[0].Text != texts[i] {
				t.Fatalf("back from %d: %q, want %q", at, p.Messages[0].Text, texts[i])
			}
		}
		if p := c.fetch(t, "ann:bob", at+1, 1, false); len(p.Messages) > 0 && p.Messages[0].Text != texts[i+1] {
			t.Fatalf("behind %d: %q", at, p.Messages[0].Text)
		}
	}
}

// TestPagersMissNothingWhileMessagesCome lets pagers walk, forward and then on from where they were, and backward, while senders send. What was
// there when they began must be there once; forward, nothing comes twice.
func TestPagersMissNothingWhileMessagesCome(t *testing.T) {
	s := startStack(t)
	for _, dialect := range []Dialect{Default, DialectB} {
		t.Run(string(dialect), func(t *testing.T) {
			c, name := s.serve(t, dialect), fmt.Sprintf("pager-%s:other", dialect)
			const senders, each = 4, 40
			var sending sync.WaitGroup
			for n := range senders {
				sending.Go(func() {
					for i := range each {
						c.say(t, name, "other", fmt.Sprintf("%d.%d", n, i))
					}
				})
			}
			done := make(chan struct{})
			go func() { sending.Wait(); close(done) }()
			seen, cursor := map[string]int{}, int64(0)
			for ended := false; ; {
				was := ended
				select {
				case <-done:
					ended = true
				default:
				}
				p := c.fetch(t, name, cursor, 1+rand.IntN(9), false)
				for _, m := range p.Messages {
					seen[m.Text]++
				}
				switch {
				case p.HasMore:
					cursor = p.NextCursor
					continue
				case dialect == DialectB:
					cursor = int64(len(seen))
				case len(p.Messages) > 0:
					cursor = p.Messages[len(p.Messages)-1].SendTime + 1
				}
				if was { // nothing came since
					break
				}
			}
			if len(seen) != senders*each {
				t.Errorf("%d messages, want %d", len(seen), senders*each)
			}
			for text, times := range seen {
				if times != 1 {
					t.Errorf("%s came %d times", text, times)
				}
			}
			if got, _ := walk(t, c, name, 13, false); len(got) != senders*each {
				t.Errorf("%d messages in the end, want %d", len(got), senders*each)
			}
		})
	}
}

func TestBackwardPagersMissNothingWhileMessagesCome(t *testing.T) {
	s := startStack(t)
	kept := crowd(t, s, 0, 100)
	slices.Reverse(kept)
	c := s.serve(t, Default)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				c.say(t, "ann:bob", "bob", fmt.Sprint("later ", i))
			}
		}
	}()
	for _, limit := range []int{1, 4, 30} {
		got, _ := walk(t, c, "ann:bob", limit, true)
		if at := slices.Index(got, kept[0]); at < 0 || !slices.Equal(got[at:], kept) {
			t.Errorf("pages of %d: %d messages, the first of those from before at %d", limit, len(got), at)
		}
	}
	close(stop)
	<-stopped
}

// TestWhoWasToldThatAMessageIsStoredFindsIt pulls after each message, over the chat's memory as well.
func TestWhoWasToldThatAMessageIsStoredFindsIt(t *testing.T) {
	c := startStack(t).serve(t, Default)
	for i := range 100 {
		text := fmt.Sprint("message ", i)
		c.say(t, "ann:bob", "ann", text)
		p := c.fetch(t, "ann:bob", 0, 3, true)
		if len(p.Messages) == 0 || p.Messages[0].Text != text {
			t.Fatalf("after message %d the newest are %v", i, p.texts())
		}
	}
}

func TestPagesFromMemoryAreThoseOfTheLog(t *testing.T) {
	s := startStack(t)
	crowd(t, s, 0, 300)
	c, plain := s.serve(t, Default), s.serve(t, Default, func(o *Options) { o.CacheBytes = -1 })
	_, sent := walk(t, plain, "ann:bob", 100, false)
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		cursor := sent[random.IntN(len(sent))] + random.Int64N(3) - 1
		limit, reverse := 1+random.IntN(20), random.IntN(2) == 0
		want := plain.fetch(t, "ann:bob", cursor, limit, reverse)
		for range 2 {
			if got := c.fetch(t, "ann:bob", cursor, limit, reverse); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("from %d, %d, reverse %v: %+v\nwant %+v", cursor, limit, reverse, got, want)
			}
		}
	}
}

// countingLog counts its pages.
type countingLog struct {
	Log
	pages atomic.Int64
}

func (l *countingLog) Messages(ctx context.Context, feed backbone.Feed, q backbone.MessagesQuery) (backbone.View, error) {
	l.pages.Add(1)
	return l.Log.Messages(ctx, feed, q)
}

func TestManyDeletedMessagesArePassedOverInFewReads(t *testing.T) {
	s := startStack(t)
	room, server, text := chat.Direct("ann", "bob"), chat.Actor{App: chat.DefaultApp, Server: true}, "deleted"
	for range 150 {
		sent, err := s.chat.Send(t.Context(), server, &chatv1.SendRequest{Room: room, Text: &text})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.chat.Delete(t.Context(), server, &chatv1.DeleteRequest{Room: room, Offset: sent.GetOffset()}); err != nil {
			t.Fatal(err)
		}
	}
	s.native(t, "ann", room, "kept")
	log := &countingLog{Log: s.log}
	c := s.serve(t, Default, func(o *Options) { o.Log = log })
	if p := c.fetch(t, "ann:bob", 0, 1, false); !slices.Equal(p.texts(), []string{"kept"}) || p.HasMore {
		t.Errorf("%+v", p)
	}
	if pages := log.pages.Load(); pages > 15 {
		t.Errorf("it took %d reads", pages)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := startStack(t)
	c := s.serve(t, Default, func(o *Options) { o.CacheBytes = 20_000 })
	for i := range 40 {
		name := fmt.Sprintf("a%d:b", i)
		c.say(t, name, "b", fmt.Sprint("to ", i))
		for range 3 {
			if p := c.fetch(t, name, 0, 10, false); len(p.Messages) != 1 {
				t.Fatalf("%d messages", len(p.Messages))
			}
		}
		for j := range 20 {
			c.say(t, name, "b", fmt.Sprint("more ", j))
		}
	}
	wait.Eventually(t, time.Minute, "memory to be given back", func() string {
		c.fetch(t, "a0:b", 0, 10, false)
		if held := c.gateway.strips.bytes.Load(); held > 20_000 {
			return fmt.Sprint(held, " bytes are held")
		}
		return ""
	})
}
