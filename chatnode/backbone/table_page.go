package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// rowPage is the answer of a replica to a request for many messages.
type rowPage struct {
	rows []rowState
	// pending is how many follow, and upTo how far the replica had read the stream (0: unknown).
	pending, upTo uint64
	empty         bool
}

// directPage asks any replica once.
func (b *Backbone) directPage(ctx context.Context, table string, request map[string]any) (page rowPage, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	raw, err := json.Marshal(request)
	if err != nil {
		return page, err
	}
	replies := make(chan *nats.Msg, maxMultiLast+2)
	inbox := b.rows.NewInbox()
	sub, err := b.rows.ChanSubscribe(inbox, replies)
	if err != nil {
		return page, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.rows.PublishRequest("$JS.API.DIRECT.GET."+b.tableStream(table), inbox, raw); err != nil {
		return page, err
	}
	prefix, last := b.tablePrefix(table), uint64(0)
	for {
		select {
		case <-ctx.Done():
			return page, fmt.Errorf("read many rows: %w: %w", errSlow, ctx.Err())
		case m := <-replies:
			if m.Header.Get("Status") != "" {
				return page, page.end(m.Header, last)
			}
			seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil || m.Header.Get("Nats-Last-Sequence") != strconv.FormatUint(last, 10) {
				return page, errors.New("an answer with many rows has a hole")
			}
			last = seq
			row := Row{Key: strings.TrimPrefix(m.Header.Get("Nats-Subject"), prefix), Data: m.Data, Revision: seq}
			page.rows = append(page.rows, rowState{row, isMarker(m.Header), ""})
		}
	}
}

// end takes the end of the answer, whose last message had that sequence.
func (p *rowPage) end(h nats.Header, last uint64) error {
	switch status := h.Get("Status"); status {
	case "204":
		pending, err := strconv.ParseUint(h.Get("Nats-Num-Pending"), 10, 64)
		if err != nil || h.Get("Nats-Last-Sequence") != strconv.FormatUint(last, 10) {
			return errors.New("an answer with many rows has a hole at its end")
		}
		p.pending = pending
		p.upTo, _ = strconv.ParseUint(h.Get("Nats-UpTo-Sequence"), 10, 64) // only the short form has it
		return nil
	case "404":
		p.empty = true
		return nil
	case "413":
		return errTooMany
	default:
		return fmt.Errorf("read many rows: status %s %s", status, h.Get("Description"))
	}
}
