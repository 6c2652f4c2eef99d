package backbone

import (
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Feed names one ordered log, that of a room or of a user.
type Feed = layout.Feed

// Position is a place in a feed: everything up to and including Offset, in the incarnation of the log that Epoch names.
// Offsets grow along a feed, with gaps; offset 0 is before the first message.
type Position struct {
	Epoch  string
	Offset uint64
}

// Message is one stored message. It is shared between goroutines and never changed.
type Message struct {
	// Offset is the message's place in its feed.
	Offset uint64
	// Time is when the log stored it, in milliseconds since 1970.
	Time int64
	// Info is the sender as JSON, {"user","client","conn_info"}, or nil if the server wrote the message.
	Info []byte
	// Data is the stored event, JSON.
	Data []byte
	// Note is what lists and counts know of it.
	Note Note

	// prev is the offset of the feed's message before this one: 0 if there is none, unknownPrev if nobody could tell.
	prev uint64
}

const unknownPrev = ^uint64(0)

// Size is about how much memory the message takes, in bytes.
func (m *Message) Size() int { return len(m.Info) + len(m.Data) + 8*len(m.Note.Mentions) + 96 }

// Draft is a message that is to be stored.
type Draft struct {
	// ID makes retries harmless: a feed stores only one message with a given (Sender, ID).
	ID string
	// Sender is the user, or for anonymous users the connection. A sender's messages to one feed are stored in the order in which
	// they were appended.
	Sender string
	// Info and Data are stored as they are; see Message.
	Info, Data []byte
	// Note, if it has a kind, makes the message one that is listed and counted, or a change of such a one.
	Note Note
}

// Receipt says where a message was stored.
type Receipt struct {
	Offset uint64
	// Duplicate is true if the message had been stored before, by an earlier attempt with the same id.
	Duplicate bool
}

// Page is a part of a feed.
type Page struct {
	// Messages, oldest first; newest first from Before.
	Messages []*Message
	// Head is the feed's newest position at a moment after the call began.
	Head Position
	// End is how far the page reaches: the offset of its last message, also if that one has been erased. It is the given offset
	// if nothing follows it.
	End uint64
	// Complete is false if messages that belong in the page were already discarded because of their age or the log's size.
	Complete bool
	// More is true if the limit ended the page, and further messages lie behind it.
	More bool
}

// Follower is told what happens in a feed from the moment of Follow on. Calls come one at a time and in order; they must not block
// for long, since other feeds of the node wait for the same few goroutines.
type Follower interface {
	// Messages are the feed's next messages, oldest first: without a hole, a double or a change of order.
	Messages(batch []*Message)
	// Signal is an ephemeral signal sent by Backbone.Signal, not stored, not ordered with the messages.
	Signal(data []byte)
	// Reset says that the feed's epoch changed: earlier positions are void. Messages of the new epoch follow.
	Reset(head Position)
}

var (
	// ErrUnavailable says that the log can't be reached or has no leader at the moment. Trying again with the same id is safe.
	ErrUnavailable = errors.New("the message log is not available at the moment")
	// ErrBusy says that a bounded queue is full.
	ErrBusy = errors.New("too many messages are waiting")
	// ErrStaleID says that a message id's own time is too long ago for a retry to be recognised.
	ErrStaleID = errors.New("the message id is more than 24 hours old")
	// ErrClosed says that the backbone has been closed.
	ErrClosed = errors.New("the backbone is closed")
)
