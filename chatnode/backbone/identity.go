package backbone

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// How a message id's own time decides where a retry is recognised. Streams know ids for layout.DuplicateWindow (30 s); an id whose
// UUIDv7 time lies within freshPast and freshFuture of now was not stored longer ago than that, if the client's clock is not ahead by
// more than freshFuture. Any other id is looked up in the index of the shard's owner first.
const (
	freshPast   = 20 * time.Second
	freshFuture = 5 * time.Second
	oldestID    = 24 * time.Hour
)

type freshness uint8

const (
	fresh freshness = iota
	lookUp
	stale
)

func freshnessOf(id string, now time.Time) freshness {
	age, known := ageOf(id, now)
	switch {
	case age > oldestID:
		return stale
	case !known || age > freshPast || age < -freshFuture:
		return lookUp
	default:
		return fresh
	}
}

// ageOf is how old the id is by its own time; unknown if it tells none.
func ageOf(id string, now time.Time) (age time.Duration, known bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return 0, false
	}
	ms := int64(binary.BigEndian.Uint64(u[:8]) >> 16)
	return now.Sub(time.UnixMilli(ms)), true
}

// attemptsEnd is until when an append that starts now may be tried. What an earlier attempt on another node has stored under a fresh
// id, the stream may forget before this one has had giveUp.
func attemptsEnd(id string, now time.Time) time.Time {
	left := giveUp
	if freshnessOf(id, now) == fresh {
		age, _ := ageOf(id, now)
		left = min(left, layout.DuplicateWindow-freshFuture-time.Second-age)
	}
	return now.Add(left)
}

// storedID is the id under which the log stores a draft: a hash over everything that makes the client's id unique. The same
// client id in two rooms, or of two senders, is two messages.
func storedID(feed Feed, d *Draft) string {
	h := sha256.New()
	for _, part := range []string{feed.App, feed.Name, d.Sender, d.ID} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// idHash shortens a stored id to what the index keeps: 0 if it is not one of ours.
func idHash(stored string) uint64 {
	raw, err := base64.RawURLEncoding.DecodeString(stored)
	if err != nil || len(raw) != 16 {
		return 0
	}
	return binary.BigEndian.Uint64(raw)
}
