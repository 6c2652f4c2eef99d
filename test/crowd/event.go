package crowd

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// pageSize is the number of messages that are asked for at a time.
const pageSize = 1000

// event is what the tests read of a publication's data.
type event struct {
	ID   uuid.UUID `json:"id"`
	Text string    `json:"text"`
	Time int64     `json:"time"` // milliseconds since 1970
}

// sightingOf reads a publication.
func sightingOf(p *protocol.Publication) (Sighting, error) {
	var e event
	if err := json.Unmarshal(p.Data, &e); err != nil {
		return Sighting{}, fmt.Errorf("publication at offset %d: %w", p.Offset, err)
	}
	return Sighting{ID: e.ID, Offset: p.Offset, sum: sum(e.Text), Time: e.Time}, nil
}

// pages reads the history of a room behind a position, oldest first, a page at a time, until the head that the server tells; take is
// given each publication and says whether to go on. It gives the offset up to which nothing is left to read.
func pages(ctx context.Context, c *client.Client, room string, since protocol.StreamPosition, take func(*protocol.Publication) bool) (
	uint64, error,
) {
	for {
		at := since
		page, err := c.History(ctx, protocol.HistoryRequest{Channel: room, Since: &at, Limit: pageSize})
		if err != nil {
			return since.Offset, fmt.Errorf("history of %s behind %d: %w", room, since.Offset, err)
		}
		for _, p := range page.Publications {
			if !take(p) {
				return p.Offset - 1, nil
			}
			since.Offset = p.Offset
		}
		if len(page.Publications) == 0 || since.Offset >= page.Offset {
			return max(since.Offset, page.Offset), nil
		}
	}
}

// HistoryOf reads all of a room's log.
func HistoryOf(ctx context.Context, c *client.Client, room string) ([]Sighting, error) {
	var log []Sighting
	var broken error
	_, err := pages(ctx, c, room, protocol.StreamPosition{}, func(p *protocol.Publication) bool {
		var s Sighting
		if s, broken = sightingOf(p); broken != nil {
			return false
		}
		log = append(log, s)
		return true
	})
	if err == nil {
		err = broken
	}
	return log, err
}
