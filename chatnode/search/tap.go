package search

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// errAnew says that the index was made anew, and the shard has to be read from its start.
var errAnew = errors.New("the index of messages was made anew")

// begin is asked by the log up to where a shard is indexed.
func (s *Service) begin(ctx context.Context, shard layout.Shard, epoch string, last uint64) (after uint64, err error) {
	reply := make(chan error, 1)
	err = s.put(ctx, task{reply: reply, do: func(ctx context.Context, e engine) (err error) {
		if after, err = e.begin(ctx, shard.String(), epoch, last); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.began[shard], s.read[shard] = s.generation.Load(), after
		if delete(s.building, shard); after < last {
			s.building[shard] = &building{until: last}
		}
		delete(s.lost, shard.String())
		return nil
	}})
	if err != nil {
		return 0, err
	}
	select {
	case err := <-reply:
		return after, err
	case <-s.ctx.Done():
		<-ctx.Done()
		return 0, ctx.Err()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// anew is closed when the index is made anew.
func (s *Service) anew() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

// Message takes an event from the log. It waits while the queue is full.
func (s *Service) Message(ctx context.Context, m backbone.Tapped) error {
	m.Done()
	shard := s.log.ShardOf(m.Feed)
	c, is := changeOf(m.Feed, m.Message)
	if is {
		c.shard = shard.String()
		s.mu.Lock()
		generation := s.began[shard]
		s.mu.Unlock()
		if err := s.put(ctx, task{change: c, generation: generation}); err != nil {
			return err
		}
		if generation != s.generation.Load() {
			return errAnew
		}
	}
	return s.reached(ctx, shard, m.Message.Offset)
}

// building is an index that is complete when everything up to an offset is written.
type building struct {
	until uint64
	// ending: that everything up to there is handed over is in the queue.
	ending bool
}

// caughtUp notes that there is nothing more up to an offset.
func (s *Service) caughtUp(shard layout.Shard, offset uint64) {
	_ = s.reached(s.ctx, shard, offset) // which fails when the service ends
}

// reached notes up to where a shard was handed over. Its index is complete when what is in the queue now is written.
func (s *Service) reached(ctx context.Context, shard layout.Shard, offset uint64) error {
	s.mu.Lock()
	s.read[shard] = max(s.read[shard], offset)
	b := s.building[shard]
	if b == nil || b.ending || offset < b.until {
		s.mu.Unlock()
		return nil
	}
	b.ending = true
	s.mu.Unlock()
	return s.put(ctx, task{do: func(context.Context, engine) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.building[shard] == b {
			delete(s.building, shard)
		}
		return nil
	}})
}

// isBuilding says whether the index of a shard lacks something that was there when it was begun.
func (s *Service) isBuilding(name string) bool {
	shard, ok := s.log.Shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return !ok || s.building[shard] != nil
}

// put queues a task. When the service is closed it waits for the end of ctx: the log ends soon after.
func (s *Service) put(ctx context.Context, t task) error {
	if s.ctx.Err() != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case s.queue <- t:
		return nil
	case <-s.ctx.Done():
		<-ctx.Done()
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// event is what search reads of a stored event.
type event struct {
	Type        string  `json:"type"`
	Text        *string `json:"text"`
	Target      uint64  `json:"target"`
	Sent        int64   `json:"sent"`
	Change      string  `json:"change"`
	Attachments []struct {
		Name string `json:"name"`
	} `json:"attachments"`
}

// roomEvent is a part of every event that a room's deletion may be.
var roomEvent = []byte(`"room"`)

// changeOf says what an event does to what can be found; false if nothing.
func changeOf(feed backbone.Feed, m *backbone.Message) (c change, is bool) {
	c = change{room: RoomHash(feed), offset: m.Offset, time: m.Time, target: m.Note.Target}
	switch m.Note.Kind {
	case backbone.NoteMessage:
		c.kind = changeAdd
	case backbone.NoteEdit:
		c.kind = changeReplace
	case backbone.NoteDelete:
		c.kind = changeRemove
		return c, true
	case backbone.NoteNone:
		if !bytes.Contains(m.Data, roomEvent) {
			return c, false
		}
		c.kind = changeClear
	default:
		return c, false
	}
	var e event
	if json.Unmarshal(m.Data, &e) != nil {
		return c, false // not of chat's making
	}
	if c.kind == changeClear {
		return c, e.Type == "room" && e.Change == "deleted"
	}
	if c.kind == changeReplace && e.Sent > 0 {
		c.time = e.Sent
	}
	c.words = query.Words(e.words())
	return c, true
}

// words are the text and the names of attachments.
func (e *event) words() string {
	var all []string
	if e.Text != nil {
		all = append(all, *e.Text)
	}
	for _, a := range e.Attachments {
		all = append(all, a.Name)
	}
	return strings.Join(all, "\n")
}

// RoomHash is the number by which an index knows a feed. Two may have the same one, so what is found must be read from the feed.
func RoomHash(feed backbone.Feed) uint64 { return backbone.NameHash(feed.Key()) }
