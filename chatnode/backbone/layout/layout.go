// Package layout names everything that chatfleet keeps in NATS: streams, subjects, buckets, and their settings.
//
// It is pure data, without a client, so that the chat node (which uses the streams) and the operator (which makes them) share
// one truth. In go the names of applications, rooms and users; out come subjects, keys and stream settings.
package layout

import (
	"encoding/base64"
	"hash/fnv"
	"strconv"
	"strings"
)

// Kind says what a feed belongs to.
type Kind uint8

const (
	// Room feeds hold what is said in a room.
	Room Kind = iota
	// User feeds are personal: what concerns one user on all of the user's devices.
	User
)

// Kinds are all kinds of feed.
var Kinds = [...]Kind{Room, User}

// String is the kind's name in subjects: "room" or "user".
func (k Kind) String() string {
	if k == User {
		return "user"
	}
	return "room"
}

// Shard is one stream: the unit of order, of leadership in NATS, and of ownership by a chat node.
type Shard struct {
	Kind   Kind
	Number int
}

// String is the shard's name in keys and logs, for example "room-7".
func (s Shard) String() string { return s.Kind.String() + "-" + strconv.Itoa(s.Number) }

// Feed names one ordered log: that of a room or of a user, within an application.
type Feed struct {
	Kind Kind
	App  string
	Name string
}

// Layout is the naming of one cluster. The zero value is not usable; see New.
type Layout struct {
	prefix string
	shards int
}

// New gives the layout of the cluster with that prefix (letters, digits, '-' and '_'; it stands before every subject, stream
// and bucket) and number of shards per kind.
func New(prefix string, shards int) Layout { return Layout{prefix: prefix, shards: shards} }

// Shards is the number of shards of each kind.
func (l Layout) Shards() int { return l.shards }

// All lists every shard of every kind.
func (l Layout) All() []Shard {
	all := make([]Shard, 0, len(Kinds)*l.shards)
	for _, kind := range Kinds {
		for n := range l.shards {
			all = append(all, Shard{kind, n})
		}
	}
	return all
}

// ShardOf is the shard that a feed lives in, for ever: FNV-1a of application and name, modulo the number of shards.
func (l Layout) ShardOf(f Feed) Shard {
	h := fnv.New64a()
	_, _ = h.Write([]byte(f.App))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(f.Name))
	return Shard{f.Kind, int(h.Sum64() % uint64(l.shards))}
}

// Token encodes a name as one subject token: spaces, dots, wildcards and letters outside ASCII are not allowed there.
func Token(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

// Key is the feed as two tokens, unique within its shard: "<app>.<name>".
func (f Feed) Key() string { return Token(f.App) + "." + Token(f.Name) }

// ParseKey is the inverse of Feed.Key.
func ParseKey(kind Kind, key string) (Feed, bool) {
	app, name, ok := strings.Cut(key, ".")
	if !ok {
		return Feed{}, false
	}
	a, errA := base64.RawURLEncoding.DecodeString(app)
	n, errN := base64.RawURLEncoding.DecodeString(name)
	return Feed{kind, string(a), string(n)}, errA == nil && errN == nil
}

// StoredPrefix is the start of all subjects that the shard's stream stores, with the closing dot; a feed's Key follows it.
func (l Layout) StoredPrefix(s Shard) string {
	return l.prefix + "." + s.Kind.String() + "." + strconv.Itoa(s.Number) + "."
}

// Stored is the subject that a feed's messages are stored under.
func (l Layout) Stored(f Feed) string { return l.StoredPrefix(l.ShardOf(f)) + f.Key() }

// LivePrefix is the start of all live subjects of the shard, with the closing dot; a feed's Key follows it.
func (l Layout) LivePrefix(s Shard) string {
	return l.prefix + ".live." + s.Kind.String() + "." + strconv.Itoa(s.Number) + "."
}

// Live is the subject on which a feed's new messages and its ephemeral signals reach the nodes that have listeners.
func (l Layout) Live(f Feed) string { return l.LivePrefix(l.ShardOf(f)) + f.Key() }

// Ask is the subject on which the shard's owner answers questions about its index.
func (l Layout) Ask(s Shard) string {
	return l.prefix + ".ask." + s.Kind.String() + "." + strconv.Itoa(s.Number)
}

// Beacon is the subject on which every node shows that it is alive and what it owns.
func (l Layout) Beacon() string { return l.prefix + ".beacon" }

// Node is the subject of a question of that kind to one node.
func (l Layout) Node(id, kind string) string { return l.prefix + ".node." + id + "." + kind }

// Inbox is the prefix of the reply subjects of one node.
func (l Layout) Inbox(id string) string { return "_INBOX." + l.prefix + "." + id }

// Stream is the name of the shard's stream.
func (l Layout) Stream(s Shard) string {
	return l.prefix + "-" + strings.ToUpper(s.Kind.String()) + "S-" + strconv.Itoa(s.Number)
}

// Bucket is the name of a key-value bucket.
func (l Layout) Bucket(name string) string { return l.prefix + "-" + name }

// Index is the shard's place in All.
func (l Layout) Index(s Shard) int { return int(s.Kind)*l.shards + s.Number }

// Has says whether the cluster has that shard.
func (l Layout) Has(s Shard) bool { return s.Kind <= User && s.Number >= 0 && s.Number < l.shards }
