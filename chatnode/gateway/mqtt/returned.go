package mqtt

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

const (
	// maxReturns is how many receipts wait until their senders are told; more are not told. Those who read history see them.
	maxReturns = 1024
	// returning is how many are told at a time: it takes a look into the log.
	returning = 8
	// returned is how far the log is looked back for the messages that a receipt is for, in events.
	returned = 200
)

// returnReceipt is that the messages of a user behind one offset, up to another, have come to the other of a direct conversation. It is for
// the user's sessions with one transport, as the encoder.
type returnReceipt struct {
	encoder
	feed        backbone.Feed
	after, upTo uint64
}

// takeReceipt takes a signal of a room, to tell the user if it is a receipt of the other, whichever protocol that speaks. It does not block.
func (e encoder) takeReceipt(feed backbone.Feed, signal []byte) {
	p := chat21.PlaceOf(chat.Channel(feed), e.user)
	var r chat.Receipt
	if p.Group || json.Unmarshal(signal, &r) != nil || r.Type != "receipt" || r.User != p.With || r.User == e.user || r.Delivered <= r.Was {
		return
	}
	select {
	case e.gateway.returns <- returnReceipt{e, feed, r.Was, r.Delivered}:
	default:
		e.gateway.timelines.Untold()
	}
}

// tellReturns tells of receipts until ctx ends.
func (g *Gateway) tellReturns(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-g.returns:
			if err := g.tellReturn(ctx, r); err != nil && ctx.Err() == nil {
				g.timelines.Untold()
			}
		}
	}
}

// tellReturn tells the sender of each message that a receipt is for.
func (g *Gateway) tellReturn(ctx context.Context, r returnReceipt) error {
	ctx, cancel := context.WithTimeout(ctx, g.limits.RequestTimeout)
	defer cancel()
	page, err := g.options.Log.Before(ctx, r.feed, r.upTo+1, returned)
	if err != nil {
		return err
	}
	with := chat21.Level(chat21.PlaceOf(chat.Channel(r.feed), r.user).With)
	var wire []byte
	for _, m := range slices.Backward(page.Messages) {
		said, ok := chat21.OfEvent(m.Data)
		if !ok || m.Offset <= r.after || said.Sender != r.user {
			continue
		}
		payload, err := json.Marshal(map[string]any{"timelineOf": r.user, "message_id": said.ID, "status": chat21.StatusReturned})
		if err != nil {
			return err
		}
		wire = r.publish(wire, "messages/"+with+"/"+chat21.Level(said.ID)+"/clientupdated", payload)
	}
	if len(wire) == 0 {
		return nil
	}
	for _, s := range g.people.Of(people.Person{App: r.app, User: r.user}) {
		if own := s.find(ownChannel); own != nil && s.conn.Framing() == r.framing && !own.write(wire) {
			g.timelines.Untold()
		}
	}
	return nil
}
