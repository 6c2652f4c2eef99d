package layout

import (
	"strconv"
	"time"
)

// Names of the buckets, for Layout.Bucket.
const (
	// Leases has one key a shard: its owner. The key's revision is the owner's term.
	Leases = "leases"
	// Index has the pages and checkpoints of the shard owners' indexes.
	Index = "index"
	// Presence has one key per room and node: who is in the room on that node.
	Presence = "presence"
)

// Names of the buckets that hold the state of chat, as tables of rows; see RowKey.
const (
	// Rooms has one row a room: RowKey(app, room).
	Rooms = "rooms"
	// Members has one row a member: RowKey(app, room, user).
	Members = "members"
	// Inbox has the same the other way round, and the user's marks: RowKey(app, user, room).
	Inbox = "inbox"
	// People has one row a user: RowKey(app, user). Below it is what a gateway keeps of the user: RowKey(app, user, gateway, ...). What it keeps
	// else is below a name that no application has: RowKey("\x00"+gateway, app, ...).
	People = "people"
	// Letters has what is still to be handed to others, and was not taken.
	Letters = "letters"
	// Cursors has how far those have got who read everything.
	Cursors = "cursors"
	// Revoked has one row a user whose tokens are refused: RowKey(app, user). Every node remembers all of them.
	Revoked = "revoked"
)

// Tables are the names of the buckets that are tables.
var Tables = [...]string{Rooms, Members, Inbox, People, Letters, Cursors, Revoked}

// Buckets are the names of all buckets.
var Buckets = [...]string{Leases, Index, Presence, Rooms, Members, Inbox, People, Letters, Cursors, Revoked}

// Settings are the choices of one cluster that shape its streams and buckets.
type Settings struct {
	// Replicas of each stream and bucket: 1, 3 or 5.
	Replicas int
	// MaxAge of stored messages; zero keeps them for ever.
	MaxAge time.Duration
	// MaxBytes of one shard's stream; zero or less is no limit.
	MaxBytes int64
	// BucketBytes is how much all buckets together may take; zero or less is no limit.
	BucketBytes int64
}

// DuplicateWindow is how long a stream recognises a message id that it has stored. Every retry by a node ends within it.
const DuplicateWindow = 30 * time.Second

// MetadataShards is the stream metadata key under which the number of shards stands: a node with another number must not start.
const MetadataShards = "chatfleet-shards"

// PresenceMarkerAge is how long it stays visible that nobody is in a room on a node any more, and RowMarkerAge that a row of a table
// was removed.
const (
	PresenceMarkerAge = time.Minute
	RowMarkerAge      = time.Minute
)

// StreamSettings are the settings of one stream. Every stream is stored in files, discards its oldest messages at a limit, and
// allows direct reads. Deliberately absent: republishing, limits per subject, and counters, each of which looks up the subject's
// last message for every publish.
type StreamSettings struct {
	Name            string
	Subjects        []string
	Replicas        int
	MaxAge          time.Duration
	MaxBytes        int64
	DuplicateWindow time.Duration
	Metadata        map[string]string
}

// BucketSettings are the settings of one key-value bucket: file storage, a history of one.
type BucketSettings struct {
	Name     string
	Replicas int
	MaxAge   time.Duration
	// MarkerAge is how long the mark of a purged key stays.
	MarkerAge time.Duration
	// MaxBytes beyond which writes fail; -1 is no limit.
	MaxBytes int64
}

// bucketShares are how much of BucketBytes each bucket may take, in percent: leases are small and few, the index grows with what is
// stored, memberships stand in two tables. A share that becomes smaller may leave a bucket that is full by its new bound.
var bucketShares = map[string]int64{
	Leases: 4, Index: 60, Presence: 15,
	Rooms: 2, Members: 6, Inbox: 6, People: 3, Letters: 2, Cursors: 1, Revoked: 1,
}

// Streams lists the streams of the cluster.
func (l Layout) Streams(s Settings) []StreamSettings {
	var all []StreamSettings
	for _, shard := range l.All() {
		maxBytes := s.MaxBytes
		if maxBytes <= 0 {
			maxBytes = -1
		}
		all = append(all, StreamSettings{
			Name:            l.Stream(shard),
			Subjects:        []string{l.StoredPrefix(shard) + ">"},
			Replicas:        s.Replicas,
			MaxAge:          s.MaxAge,
			MaxBytes:        maxBytes,
			DuplicateWindow: DuplicateWindow,
			Metadata:        map[string]string{MetadataShards: strconv.Itoa(l.shards)},
		})
	}
	return all
}

// Buckets lists the key-value buckets of the cluster. Index pages outlive the messages they point to by a day.
func (l Layout) Buckets(s Settings) []BucketSettings {
	indexAge := s.MaxAge
	if indexAge > 0 {
		indexAge += 24 * time.Hour
	}
	share := func(bucket string) int64 {
		if s.BucketBytes <= 0 {
			return -1
		}
		return s.BucketBytes / 100 * bucketShares[bucket]
	}
	all := []BucketSettings{
		{Name: l.Bucket(Leases), Replicas: s.Replicas, MaxBytes: share(Leases)},
		{Name: l.Bucket(Index), Replicas: s.Replicas, MaxAge: indexAge, MaxBytes: share(Index)},
		{Name: l.Bucket(Presence), Replicas: s.Replicas, MarkerAge: PresenceMarkerAge, MaxBytes: share(Presence)},
	}
	for _, table := range Tables {
		all = append(all, BucketSettings{Name: l.Bucket(table), Replicas: s.Replicas, MarkerAge: RowMarkerAge, MaxBytes: share(table)})
	}
	return all
}
