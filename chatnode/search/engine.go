package search

import (
	"context"
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// engine keeps the words of messages, shard by shard, and finds them. One goroutine writes; any number look. It is a cache: after any
// error of a writing method but the context's, it is thrown away and filled again from the log.
type engine interface {
	// begin says up to which offset the shard is in the engine; what is of another epoch, reaches beyond the log or is too old is dropped.
	begin(ctx context.Context, shard, epoch string, last uint64) (after uint64, err error)
	// apply takes changes in, all or none; those that the engine has already are left out.
	apply(ctx context.Context, changes []change) error
	// trim forgets what was before an offset: it may go later, but isn't found any more. To be called every so often for shards that this
	// node follows.
	trim(ctx context.Context, shard string, oldest uint64) error
	drop(ctx context.Context, shard string) error
	// settle rids the files of what was removed; false if that has to be tried again.
	settle(ctx context.Context) (bool, error)
	find(ctx context.Context, w wanted) (found, error)
	shards() []string
	size() size
	close() error
}

// change is something that happens to what can be found.
type change struct {
	kind  changeKind
	shard string
	// room is the RoomHash of the feed.
	room uint64
	// offset is that of the event, target that of the message that it concerns.
	offset, target uint64
	// time is when the message was stored, in milliseconds.
	time int64
	// words of the message, one behind the other.
	words []string
}

type changeKind uint8

const (
	// changeAdd is a new message, changeReplace its new words, changeRemove takes it away.
	changeAdd changeKind = iota
	changeReplace
	changeRemove
	// changeClear takes everything away that the room has up to the event.
	changeClear
)

// wanted is what one shard is asked for.
type wanted struct {
	Shard string      `json:"shard"`
	Query query.Query `json:"query"`
	// Rooms are hashes of feeds, and After the offsets behind which to look in them; none means 0 everywhere.
	Rooms []uint64 `json:"rooms"`
	After []uint64 `json:"after,omitempty"`
	// Before is the offset before which to look.
	Before uint64 `json:"before"`
	Limit  int    `json:"limit"`
}

// found is the answer.
type found struct {
	// Hits, the newest first.
	Hits []hit `json:"hits,omitempty"`
	// Reached: from there on nothing else is found. More: there may be more before it.
	Reached uint64 `json:"reached"`
	More    bool   `json:"more,omitempty"`
	// Building: the index is being made, and does not have everything yet. Off: there is none on this node.
	Building bool `json:"building,omitempty"`
	Off      bool `json:"off,omitempty"`
}

type hit struct {
	Offset uint64 `json:"o"`
	Time   int64  `json:"t"`
	Room   uint64 `json:"r"`
}

// size of an engine.
type size struct {
	documents int64
	bytes     int64
}

// noEngine stands where none could be made.
type noEngine struct{}

var errNoEngine = errors.New("there is no index")

func (noEngine) begin(context.Context, string, string, uint64) (uint64, error) { return 0, errNoEngine }
func (noEngine) apply(context.Context, []change) error                         { return errNoEngine }
func (noEngine) trim(context.Context, string, uint64) error                    { return errNoEngine }
func (noEngine) drop(context.Context, string) error                            { return errNoEngine }
func (noEngine) settle(context.Context) (bool, error)                          { return true, nil }
func (noEngine) find(context.Context, wanted) (found, error)                   { return found{}, errNoEngine }
func (noEngine) shards() []string                                              { return nil }
func (noEngine) size() size                                                    { return size{} }
func (noEngine) close() error                                                  { return nil }
