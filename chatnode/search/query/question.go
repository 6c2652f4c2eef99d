package query

import (
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Question asks where in some rooms a query is met.
type Question struct {
	Query Query
	Rooms []Room
	// Limit is how many places are wanted.
	Limit int
	// Cursor is that of the answer before, empty at first.
	Cursor string
}

// Room is one in which to look.
type Room struct {
	Feed layout.Feed
	// After is the offset behind which to look, 0 everywhere.
	After uint64
}

// Answer is a part of what is found.
type Answer struct {
	// Places, that of the newest message first. What stands there must be read, and may have changed.
	Places []Place
	// Cursor leads to what is older; it is empty if that was all. There may be one without a place: the search goes on there.
	Cursor string
	// Partial: some rooms could not be looked into, on this page or an earlier one, or not to their end, since their index is being made.
	Partial bool
}

// Place is that of a message.
type Place struct {
	Feed   layout.Feed
	Offset uint64
	// Time is when it was stored, in milliseconds since 1970.
	Time int64
}

// ErrCursor says that a cursor is not from an answer.
var ErrCursor = errors.New("the cursor is none of ours: take that of the reply before")
