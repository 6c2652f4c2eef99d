package search

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// merge gives the newest of what the shards have found, and where to go on. What one shard has found stays in its order, since that is
// what the cursor goes by.
func merge(shards []asked, limit int, at cursor) (a query.Answer) {
	for len(a.Places) < limit {
		var newest *asked
		for i := range shards {
			s := &shards[i]
			if s.taken < len(s.Hits) && (newest == nil || s.Hits[s.taken].Time > newest.Hits[newest.taken].Time) {
				newest = s
			}
		}
		if newest == nil {
			break
		}
		h := newest.Hits[newest.taken]
		newest.taken++
		if feed, ok := newest.feeds[h.Room]; ok {
			a.Places = append(a.Places, query.Place{Feed: feed, Offset: h.Offset, Time: h.Time})
		}
	}
	for i := range shards {
		at[shards[i].shard.Number] = shards[i].rest()
		a.Partial = a.Partial || shards[i].Building
	}
	for _, before := range at {
		a.Partial = a.Partial || before == leftOut
	}
	a.Cursor = at.String()
	return a
}

// rest is the offset before which there may be more than was taken; 0 if nowhere.
func (a *asked) rest() uint64 {
	switch {
	case a.err != nil:
		return leftOut
	case a.taken < len(a.Hits):
		return a.Hits[a.taken].Offset + 1
	case a.More && a.Reached > 1:
		return a.Reached
	}
	return 0
}

// cursor says before which offset to go on in each shard, by number. A shard with 0 has nothing more; one that is not there is to be
// searched from its end. One with leftOut could not be asked, and is not on the pages that follow either: they would not be in order.
type cursor map[int]uint64

// leftOut is an offset before which there is nothing.
const leftOut = 1

func (c cursor) before(shard int) uint64 {
	if before, ok := c[shard]; ok {
		return before
	}
	return math.MaxInt64
}

// String is the cursor as clients have it; empty if there is nothing more in any shard.
func (c cursor) String() string {
	var raw []byte
	more := false
	numbers := make([]int, 0, len(c))
	for number := range c {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		more = more || c[number] > leftOut
		raw = binary.AppendUvarint(binary.AppendUvarint(raw, uint64(number)), c[number])
	}
	if !more {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// maxShards is more than the number of shards that a log has.
const maxShards = 256

func parseCursor(s string) (cursor, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, query.ErrCursor
	}
	c := cursor{}
	for len(raw) > 0 {
		number, n := binary.Uvarint(raw)
		if n <= 0 || number >= maxShards {
			return nil, query.ErrCursor
		}
		before, m := binary.Uvarint(raw[n:])
		if m <= 0 || before > math.MaxInt64 {
			return nil, query.ErrCursor
		}
		raw = raw[n+m:]
		c[int(number)] = before
	}
	return c, nil
}
