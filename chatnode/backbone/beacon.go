package backbone

import (
	"encoding/binary"
	"errors"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// beacon is what a node says of itself ten times a second: that it lives, and how far the shards that it owns have been
// dispatched. It travels on the connection of the live messages, so that it proves that everything before it has left.
type beacon struct {
	node     string
	name     string
	draining bool
	shards   []claim
}

// claim is one shard in a beacon.
type claim struct {
	shard layout.Shard
	term  uint64
	// position is the newest stream sequence that has been dispatched.
	position uint64
	epoch    string
	// released says that the owner has stopped, and successor which node it would like to go on.
	released  bool
	successor string
}

const (
	beaconVersion  = 1
	maxBeaconItems = 4096
)

var errBeacon = errors.New("malformed beacon")

func (b *beacon) append(dst []byte) []byte {
	dst = append(dst, beaconVersion, flag(b.draining))
	dst = appendString(dst, b.node)
	dst = appendString(dst, b.name)
	dst = binary.AppendUvarint(dst, uint64(len(b.shards)))
	for _, c := range b.shards {
		dst = append(dst, byte(c.shard.Kind), flag(c.released))
		dst = binary.AppendUvarint(dst, uint64(c.shard.Number))
		dst = binary.AppendUvarint(dst, c.term)
		dst = binary.AppendUvarint(dst, c.position)
		dst = appendString(dst, c.epoch)
		dst = appendString(dst, c.successor)
	}
	return dst
}

func parseBeacon(raw []byte) (*beacon, error) {
	r := cursor{rest: raw}
	if version := r.byte(); version != beaconVersion {
		return nil, errBeacon
	}
	b := &beacon{draining: r.byte() == 1, node: r.string(), name: r.string()}
	n := r.uvarint()
	if r.bad || n > maxBeaconItems {
		return nil, errBeacon
	}
	for range n {
		c := claim{}
		c.shard.Kind, c.released = layout.Kind(r.byte()), r.byte() == 1
		c.shard.Number = int(r.uvarint())
		c.term, c.position = r.uvarint(), r.uvarint()
		c.epoch, c.successor = r.string(), r.string()
		if r.bad || c.shard.Kind > layout.User || c.shard.Number < 0 {
			return nil, errBeacon
		}
		b.shards = append(b.shards, c)
	}
	return b, nil
}

func (c *cursor) byte() byte {
	if len(c.rest) == 0 {
		c.bad = true
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
