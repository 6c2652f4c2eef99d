package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Row is one row of a table. Tables are the key-value buckets that layout.Tables names; keys are made by layout.RowKey.
type Row struct {
	Key  string
	Data []byte
	// Revision grows with every change anywhere in the table; 0 says that there is no such row.
	Revision uint64
}

// ErrConflict says that a row has another revision than was expected.
var ErrConflict = errors.New("the row was changed by somebody else")

const (
	// tableWait bounds one operation on a table with all its attempts, unless the caller's context ends earlier: a leader that is killed
	// is followed by another within 5 to 8 s.
	tableWait = 10 * time.Second
	// writeWait bounds one attempt to write a row.
	writeWait = 2 * time.Second
)

// rowState is what a table's leader has under a key: a row, the marker of a removed one, or nothing (sequence 0).
type rowState struct {
	Row
	removed bool
	write   string // names the change that left it so
}

func (s rowState) there() bool { return s.Revision > 0 && !s.removed }

// Get reads a row; its Revision is 0 if there is none. The table's leader is asked, so that every write that was acknowledged before is
// seen. Errors: ErrUnavailable, the context's.
func (b *Backbone) Get(ctx context.Context, table, key string) (row Row, err error) {
	defer b.metrics.tables.measure(table, "get", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return Row{}, err
	}
	defer cancel()
	for {
		s, err := b.leaderRow(ctx, table, key)
		if err == nil && s.there() {
			return s.Row, nil
		}
		if err == nil {
			return Row{Key: key}, nil
		}
		if !sleep(ctx, readRetryWait) {
			return Row{}, fmt.Errorf("read a row of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

// tableContext bounds an operation on one of the known tables.
func tableContext(ctx context.Context, table string) (context.Context, context.CancelFunc, error) {
	if !slices.Contains(layout.Tables[:], table) {
		return nil, nil, fmt.Errorf("there is no table %q", table)
	}
	ctx, cancel := context.WithTimeout(ctx, tableWait)
	return ctx, cancel, nil
}

// rowSubject is where the row is written.
func (b *Backbone) rowSubject(table, key string) string { return b.tablePrefix(table) + key }

// tablePrefix is the start of the subjects of a table's rows.
func (b *Backbone) tablePrefix(table string) string { return "$KV." + b.layout.Bucket(table) + "." }

// tableStream is the stream that a table is.
func (b *Backbone) tableStream(table string) string { return "KV_" + b.layout.Bucket(table) }

// leaderRow asks the leader, once, for what stands under a key.
func (b *Backbone) leaderRow(ctx context.Context, table, key string) (rowState, error) {
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	return b.askLeader(ctx, table, map[string]any{"last_by_subj": b.rowSubject(table, key)})
}

// askLeader reads one message of a table's stream from its leader; the zero state says that there is none. The context bounds it.
func (b *Backbone) askLeader(ctx context.Context, table string, request map[string]any) (rowState, error) {
	raw, err := json.Marshal(request)
	if err != nil {
		return rowState{}, err
	}
	var got struct {
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Header  []byte `json:"hdrs"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	err = apiAsk(ctx, b.rows, "$JS.API.STREAM.MSG.GET."+b.tableStream(table), raw, &got)
	var refused *apiError
	if errors.As(err, &refused) && refused.ErrCode == noMessage {
		return rowState{}, nil
	}
	if err != nil {
		return rowState{}, err
	}
	m := got.Message
	header := nats.Header{}
	if len(m.Header) > 0 {
		if header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return rowState{}, fmt.Errorf("read the header of a row: %w", err)
		}
	}
	row := Row{Key: strings.TrimPrefix(m.Subject, b.tablePrefix(table)), Data: m.Data, Revision: m.Seq}
	return rowState{row, isMarker(header), header.Get(writeHeader)}, nil
}

// isMarker says whether a message stands for a row that was removed, by a client or by the server.
func isMarker(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get("Nats-Marker-Reason") != ""
}
