package fanout

import "github.com/chatfleet/chatfleet/chatnode/backbone"

// Member is one subscription of one connection, implemented by a gateway.
//
// Write is called while the room is locked: neither it nor Backlog may call a method of a Subscription of the same room, nor wait for
// somebody who does.
type Member interface {
	// Encoder never changes. Members with equal encoders share one encoded buffer.
	Encoder() Encoder
	// Write takes wire whole, or returns false because the connection's queue is full; it never blocks, and never changes wire,
	// which other members share. After false the member gets nothing until Subscription.Drained.
	Write(wire []byte) bool
	// Reset says that the subscription has ended because the feed's epoch changed or the log no longer reaches back to where the
	// member is. It never comes before Subscription.Start; it may come during it.
	Reset()
}

// Backlogger is a Member that can say how many bytes wait in its connection's queue. Ephemeral events are not written to a member
// with a backlog. Members without the method get them as long as their queue takes them.
type Backlogger interface {
	Backlog() int
}

// Encoder turns events of a feed into wire bytes, framing included, so that they are written as they are. Encoders are comparable
// with ==. An empty result means that the protocol has no such event. No argument may be kept.
type Encoder interface {
	Messages(feed backbone.Feed, batch []*backbone.Message) []byte
	// Signal is a publication without an offset.
	Signal(feed backbone.Feed, data []byte) []byte
	Join(feed backbone.Feed, info []byte) []byte
	Leave(feed backbone.Feed, info []byte) []byte
}

// Request says how a member wants to enter a feed.
type Request struct {
	// Since is the position up to which the member has everything; nil asks for no recovery.
	Since *backbone.Position
	// MaxBytes is the most that Result.Messages may take, by Message.Size; 0 means 128 KiB. What is beyond follows after Start.
	MaxBytes int
	// Info is the member as JSON ClientInfo, {"user","client",...}: with it the member of a room is present there, and its coming
	// and going is told to the room. It is kept and not changed.
	Info []byte
	// JoinLeave asks for the coming and going of others.
	JoinLeave bool
}

// Result says where a new subscription stands.
type Result struct {
	// Head is the position that the member has once it has Messages: the feed's head, or less if MaxBytes ended Messages. After
	// Start everything behind it flows to the member.
	Head backbone.Position
	// Messages are the recovered ones, oldest first: all from Request.Since to Head.
	Messages []*backbone.Message
	// Recovered is true if nothing is missing between Request.Since and Head.
	Recovered bool
}
