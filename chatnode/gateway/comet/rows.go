package comet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// What rows are about.
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

// rows are what the gateway keeps in layout.People.
type rows struct{ tables chat.Tables }

const (
	// kept is the gateway's name in keys; ofApps begins those of rows that are no user's, and no application has a name that begins so.
	kept   = "comet"
	ofApps = "\x00" + kept
)

// rowKey is the key of what is kept of a user, a pipe or a token.
func rowKey(app, about, name string) string {
	switch about {
	case aboutPipe:
		return layout.RowKey(ofApps, app, about, name)
	case aboutToken: // tokens may be longer than names
		sum := sha256.Sum256([]byte(name))
		return layout.RowKey(ofApps, app, about, hex.EncodeToString(sum[:]))
	default:
		return layout.RowKey(app, name, kept, about)
	}
}

// userOf is the user of whom that is kept under a key, if it is the key of such a row.
func userOf(key, about string) (who people.Person, ok bool) {
	parts, ok := layout.ParseRowKey(key)
	if !ok || len(parts) != 4 || parts[2] != kept || parts[3] != about {
		return who, false
	}
	return people.Person{App: parts[0], User: parts[1]}, true
}

// load reads a row; there is false if there is none.
func load[T any](ctx context.Context, r rows, app, about, name string) (value T, there bool, err error) {
	return chat.Kept[T](ctx, r.tables, rowKey(app, about, name))
}

// change writes a row anew, as chat.Keep does.
func change[T any](ctx context.Context, r rows, app, about, name string, change func(value *T) bool) (T, error) {
	return chat.Keep(ctx, r.tables, rowKey(app, about, name), change)
}

// drop takes a row away, if it is there.
func (r rows) drop(ctx context.Context, app, about, name string) error {
	return chat.Discard(ctx, r.tables, rowKey(app, about, name))
}

// rowsAtOnce is how many rows are read at a time, and maxListed how many of one kind are listed at most.
const (
	rowsAtOnce = 500
	maxListed  = 10_000
)

// list reads all rows of pipes or tokens, with the last part of their keys.
func list[T any](ctx context.Context, r rows, app, about string) (names []string, values []T, err error) {
	after := uint64(0)
	for {
		page, more, err := r.tables.List(ctx, layout.People, layout.RowKey(ofApps, app, about), after, rowsAtOnce)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range page {
			after = row.Revision
			var value T
			parts, ok := layout.ParseRowKey(row.Key)
			if !ok || json.Unmarshal(row.Data, &value) != nil {
				continue // of a node of another version
			}
			names, values = append(names, parts[len(parts)-1]), append(values, value)
		}
		if !more || len(page) == 0 || len(names) >= maxListed {
			return names, values, nil
		}
	}
}
