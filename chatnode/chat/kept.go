package chat

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// What gateways keep of their own stands in layout.People: of a user below the user's row, with which it is erased, and of an application below
// a name that no application has.

// Kept reads such a row; there is false if there is none. Errors: Unavailable.
func Kept[V any](ctx context.Context, t Tables, key string) (value V, there bool, err error) {
	r, err := loadRow[V](ctx, t, layout.People, key)
	return r.value, r.revision > 0, fromLog(err)
}

// Keep writes such a row anew, from what it was; change may be called again if others write too. It writes nothing if change says false, and
// gives what stands there then. Errors: Unavailable, Conflict.
func Keep[V any](ctx context.Context, t Tables, key string, change func(value *V) bool) (V, error) {
	r, err := changeRow(ctx, t, layout.People, key, func(now *record[V]) error {
		if !change(&now.value) {
			return errKeep
		}
		return nil
	})
	return r.value, err
}

// Discard takes such a row away, if it is there. Errors: Unavailable, Conflict.
func Discard(ctx context.Context, t Tables, key string) error {
	return removeRow(ctx, t, layout.People, key)
}
