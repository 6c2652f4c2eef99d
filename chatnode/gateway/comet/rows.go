package comet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// What rows of the table are about: the second part of their keys.
const (
	aboutAuth  = "auth"
	aboutData  = "data"
	aboutPipe  = "pipe"
	aboutToken = "token"
	aboutQueue = "queue"
)

// authRow is by what a user signs in.
type authRow struct {
	// Hash is empty if the user can't sign in by one.
	Hash string `json:"hash,omitempty"`
	// Set is when that was written, in milliseconds since 1970.
	Set int64 `json:"set,omitempty"`
	// Generation grows when all connections of the user are to end.
	Generation int `json:"generation,omitempty"`
}

// dataRow is what an application keeps of a user for others to see.
type dataRow struct {
	Data string `json:"data"`
}

// pipeRow is how much of a pipe's past is shown.
type pipeRow struct {
	// Length is how many messages are; Set is false if the pipe has no such setting.
	Length int  `json:"length"`
	Set    bool `json:"set"`
	// Cleared is the offset up to which the past was taken away, and ClearedAt the time, in milliseconds since 1970: a log that forgot its
	// end gives offsets anew.
	Cleared   uint64 `json:"cleared,omitempty"`
	ClearedAt int64  `json:"cleared_at,omitempty"`
}

// tokenRow is a token that is refused.
type tokenRow struct {
	Token string `json:"token"`
}

// queueRow is up to where the private messages of a user have been delivered.
type queueRow struct {
	Epoch  string `json:"epoch"`
	Offset uint64 `json:"offset"`
	// Time is that of the last delivered message, in milliseconds since 1970.
	Time int64 `json:"time"`
}

// rows are those of the gateway's table.
type rows struct{ tables chat.Tables }

func rowKey(app, about, name string) string {
	if about == aboutToken { // tokens may be longer than names
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:])
	}
	return layout.RowKey(app, about, name)
}

// load reads a row; ok is false if there is none.
func load[T any](ctx context.Context, r rows, app, about, name string) (value T, ok bool, err error) {
	row, err := r.tables.Get(ctx, layout.Comet, rowKey(app, about, name))
	if err != nil || row.Revision == 0 {
		return value, false, err
	}
	value, err = decode[T](row)
	return value, err == nil, err
}

func decode[T any](row backbone.Row) (value T, err error) {
	if err := json.Unmarshal(row.Data, &value); err != nil {
		return value, fmt.Errorf("read %s of %s: %w", row.Key, layout.Comet, err)
	}
	return value, nil
}

// change writes a row anew, from what it was; change may be called again if others write too. It writes nothing if change says false.
func change[T any](ctx context.Context, r rows, app, about, name string, change func(value *T) bool) (T, error) {
	key := rowKey(app, about, name)
	for {
		var value T
		row, err := r.tables.Get(ctx, layout.Comet, key)
		if err == nil && row.Revision > 0 {
			value, err = decode[T](row)
		}
		if err != nil || !change(&value) {
			return value, err
		}
		data, err := json.Marshal(value)
		if err != nil {
			return value, fmt.Errorf("write %s of %s: %w", key, layout.Comet, err)
		}
		_, err = r.tables.Put(ctx, layout.Comet, key, data, row.Revision)
		if !errors.Is(err, backbone.ErrConflict) {
			return value, err
		}
	}
}

// drop takes a row away, if it is there.
func (r rows) drop(ctx context.Context, app, about, name string) error {
	key := rowKey(app, about, name)
	for {
		row, err := r.tables.Get(ctx, layout.Comet, key)
		if err != nil || row.Revision == 0 {
			return err
		}
		err = r.tables.Remove(ctx, layout.Comet, key, row.Revision)
		if !errors.Is(err, backbone.ErrConflict) {
			return err
		}
	}
}

// erase takes everything away that is kept of a user.
func (r rows) erase(ctx context.Context, app, user string) error {
	for _, about := range []string{aboutAuth, aboutData, aboutQueue} {
		if err := r.drop(ctx, app, about, user); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many rows are read at a time, and maxListed how many of one kind are listed at most.
const (
	rowsAtOnce = 500
	maxListed  = 10_000
)

// list reads all rows of one kind.
func list[T any](ctx context.Context, r rows, app, about string) (names []string, values []T, err error) {
	after := uint64(0)
	for {
		page, more, err := r.tables.List(ctx, layout.Comet, layout.RowKey(app, about), after, rowsAtOnce)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range page {
			after = row.Revision
			parts, ok := layout.ParseRowKey(row.Key)
			value, err := decode[T](row)
			if !ok || len(parts) != 3 || err != nil {
				continue
			}
			names, values = append(names, parts[2]), append(values, value)
		}
		if !more || len(page) == 0 || len(names) >= maxListed {
			return names, values, nil
		}
	}
}
