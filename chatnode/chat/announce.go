package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// An announcement is a row of layout.Letters for an hour. Every node reads new rows in their order and hands each to the sessions that it
// has then. So one announcement costs one write, a read for each node and a push for each session, and each session gets it once, also when
// a node has lost the log for a while. Who is not connected then doesn't get it.

const (
	// announcedFor is how long an announcement is known by its id.
	announcedFor = time.Hour
	// maxAnnounced is how many of one application are known at a time.
	maxAnnounced = 1000
	// announcedApp stands in keys of announcements before the application's name. No application has a name that begins so.
	announcedApp = "\x00announced"
)

// noticeEvent is an announcement, as clients get it.
type noticeEvent struct {
	ID   string          `json:"id"`
	Type string          `json:"type"` // "notice"
	Time int64           `json:"time"`
	Text string          `json:"text,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// Announce tells every connected user of the application something, over all nodes. It answers when the announcement is durable: nodes tell
// it within milliseconds, and a node that can't reach the log at the moment as soon as it can. The same id again is told nobody. For servers.
// Errors: Invalid, Denied, TooMany, Unavailable.
func (s *Service) Announce(ctx context.Context, a Actor, q *chatv1.AnnounceRequest) (*chatv1.AnnounceReply, error) {
	if err := onlyServers(a, "announce"); err != nil {
		return nil, err
	}
	id := q.GetId()
	if id == "" {
		id = uuid.NewString()
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	c := Content{}
	if q.GetText() != "" {
		c.Text = &q.Text
	}
	if q.Data != nil {
		var err error
		if c.Data, err = q.Data.MarshalJSON(); err != nil {
			return nil, failf(Invalid, "the data is not JSON")
		}
	}
	if err := s.checkContent(&c); err != nil {
		return nil, err
	}
	event, err := json.Marshal(noticeEvent{ID: id, Type: "notice", Time: millis(s.options.Now()), Text: q.GetText(), Data: c.Data})
	if err != nil {
		return nil, fromLog(err)
	}
	ok, err := s.within(ctx, layout.Letters, layout.RowKey(announcedApp, a.App), 1, maxAnnounced)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, failf(TooMany, "an application may announce at most %d times an hour", maxAnnounced)
	}
	_, err = s.tables.Put(ctx, layout.Letters, layout.RowKey(announcedApp, a.App, id), event, 0)
	if err != nil && !errors.Is(err, backbone.ErrConflict) {
		return nil, fromLog(err)
	}
	return &chatv1.AnnounceReply{}, nil
}

// OnAnnounce calls tell with each announcement to the users of an application, as JSON: once on every node. It must not block for long. To
// be called before anybody uses the service.
func (s *Service) OnAnnounce(tell func(app string, event []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onAnnounce = append(s.onAnnounce, tell)
}

// announcements are what a node knows of them; but for wake, they belong to followAnnounced.
type announcements struct {
	wake chan struct{}
	// told is the revision of the last one that this node has told of, known that there is such.
	told  uint64
	known bool
}

func (n *announcements) init() { n.wake = make(chan struct{}, 1) }

// note takes the key of a row of layout.Letters that has changed. It does not block.
func (n *announcements) note(key string) {
	if parts, ok := layout.ParseRowKey(key); key != "" && (!ok || parts[0] != announcedApp) {
		return
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// followAnnounced tells of new announcements until the context ends.
func (s *Service) followAnnounced(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.announced.wake:
		}
		for s.readAnnounced(ctx) != nil && ctx.Err() == nil {
			pause(ctx, rereadWait)
		}
	}
}

// readAnnounced tells of what is new. What was announced before this node was there is told nobody.
func (s *Service) readAnnounced(ctx context.Context) error {
	n := &s.announced
	for {
		rows, more, err := s.tables.List(ctx, layout.Letters, layout.RowKey(announcedApp), n.told, rowsAtOnce)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if n.told = row.Revision; n.known {
				s.tellAnnounced(row)
			}
		}
		if !more || len(rows) == 0 {
			n.known = true
			return nil
		}
	}
}

func (s *Service) tellAnnounced(row backbone.Row) {
	parts, ok := layout.ParseRowKey(row.Key)
	if !ok || len(parts) != 3 {
		return
	}
	s.mu.Lock()
	told := s.onAnnounce
	s.mu.Unlock()
	for _, tell := range told {
		tell(parts[1], row.Data)
	}
}

// dropAnnounced takes away announcements that are old.
func (r *sweepRound) dropAnnounced(ctx context.Context) error {
	rows, _, err := r.s.tables.List(ctx, layout.Letters, layout.RowKey(announcedApp), 0, sweepPage)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", ofAnnouncements, err)
	}
	_, err = r.mend(ctx, ofAnnouncements, rows, 1, func(ctx context.Context, row backbone.Row) (bool, error) {
		var e noticeEvent
		if json.Unmarshal(row.Data, &e) == nil && e.Time > millis(r.s.options.Now().Add(-announcedFor)) {
			return false, nil
		}
		err := r.s.tables.Remove(ctx, layout.Letters, row.Key, row.Revision)
		if errors.Is(err, backbone.ErrConflict) {
			err = nil
		}
		return true, err
	})
	return err
}
