package backbone

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// metadataGiven is the metadata key under which stand the settings that an operator gave a stream. Only a stream that still has them is made
// to keep less: who set it up otherwise may have had a reason.
const metadataGiven = "chatfleet-given"

// bucketDuplicates is the window that the client library gives to buckets.
const bucketDuplicates = 2 * time.Minute

// wantedStreams lists the streams that there should be, those of buckets included, just as a chat node that makes its own makes them.
func wantedStreams(l layout.Layout, s layout.Settings) []jetstream.StreamConfig {
	var all []jetstream.StreamConfig
	for _, w := range l.Streams(s) {
		all = append(all, jetstream.StreamConfig{
			Name: w.Name, Subjects: w.Subjects, Replicas: w.Replicas, MaxAge: w.MaxAge, MaxBytes: w.MaxBytes,
			Duplicates: w.DuplicateWindow, Metadata: maps.Clone(w.Metadata), Storage: jetstream.FileStorage, AllowDirect: true,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
			MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1,
		})
	}
	for _, w := range l.Buckets(s) {
		all = append(all, jetstream.StreamConfig{
			Name: "KV_" + w.Name, Subjects: []string{"$KV." + w.Name + ".>"}, Replicas: w.Replicas, MaxAge: w.MaxAge, MaxBytes: w.MaxBytes,
			Duplicates: bucketWindow(w.MaxAge), Storage: jetstream.FileStorage, AllowDirect: true,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, DenyDelete: true, AllowRollup: true,
			MaxMsgs: -1, MaxMsgsPerSubject: 1, MaxMsgSize: -1, MaxConsumers: -1,
			AllowMsgTTL: w.MarkerAge > 0, SubjectDeleteMarkerTTL: w.MarkerAge,
		})
	}
	for i := range all {
		give(&all[i])
	}
	return all
}

func bucketWindow(maxAge time.Duration) time.Duration {
	if maxAge > 0 {
		return min(maxAge, bucketDuplicates)
	}
	return bucketDuplicates
}

func give(c *jetstream.StreamConfig) {
	if c.Metadata = maps.Clone(c.Metadata); c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[metadataGiven] = given(c)
}

// given are the settings of a stream that say how much it keeps.
func given(c *jetstream.StreamConfig) string {
	return "replicas=" + strconv.Itoa(c.Replicas) + " age=" + c.MaxAge.String() + " bytes=" + strconv.FormatInt(c.MaxBytes, 10)
}

// compare finds what to do with a stream that is there. An empty refused means that updated is what it should become, and that it already is
// that if nothing differs: changes are told for people, and update says whether there is anything to send.
func compare(have, want jetstream.StreamConfig) (updated jetstream.StreamConfig, update bool, changes []string, refused string) {
	if refused = foreign(have, want); refused != "" {
		return have, false, nil, refused
	}
	c := comparison{updated: have}
	if ours := have.Metadata[metadataGiven] == given(&have); !ours {
		if less := shrinks(have, want); less != "" {
			return have, false, nil, less + ", which would throw something away that the operator didn't set up: change the spec, or the stream"
		}
	}
	change(&c, "replicas", &c.updated.Replicas, want.Replicas)
	change(&c, "max age", &c.updated.MaxAge, want.MaxAge)
	change(&c, "max bytes", &c.updated.MaxBytes, want.MaxBytes)
	change(&c, "max messages", &c.updated.MaxMsgs, want.MaxMsgs)
	change(&c, "max messages per subject", &c.updated.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	change(&c, "max message size", &c.updated.MaxMsgSize, want.MaxMsgSize)
	change(&c, "duplicate window", &c.updated.Duplicates, want.Duplicates)
	change(&c, "discard policy", &c.updated.Discard, want.Discard)
	change(&c, "discard per subject", &c.updated.DiscardNewPerSubject, want.DiscardNewPerSubject)
	change(&c, "no acknowledgements", &c.updated.NoAck, want.NoAck)
	change(&c, "direct reads", &c.updated.AllowDirect, want.AllowDirect)
	change(&c, "rollups", &c.updated.AllowRollup, want.AllowRollup)
	if want.AllowMsgTTL { // it can't be taken back, and does no harm
		change(&c, "ages of messages", &c.updated.AllowMsgTTL, true)
		change(&c, "age of markers", &c.updated.SubjectDeleteMarkerTTL, want.SubjectDeleteMarkerTTL)
	}
	c.updated.Metadata = maps.Clone(have.Metadata)
	if c.updated.Metadata == nil {
		c.updated.Metadata = map[string]string{}
	}
	maps.Copy(c.updated.Metadata, want.Metadata)
	return c.updated, len(c.changes) > 0 || !maps.Equal(c.updated.Metadata, have.Metadata), c.changes, ""
}

type comparison struct {
	updated jetstream.StreamConfig
	changes []string
}

func change[T comparable](c *comparison, what string, have *T, want T) {
	if *have != want {
		c.changes = append(c.changes, fmt.Sprintf("%s %v → %v", what, *have, want))
		*have = want
	}
}

// foreign says what makes the stream another one than ours, and can't be changed or must not be.
func foreign(have, want jetstream.StreamConfig) string {
	switch made, mine := have.Metadata[layout.MetadataShards], want.Metadata[layout.MetadataShards]; {
	case made != "" && mine != "" && made != mine:
		return fmt.Sprintf("was made for %s shards, and the spec has %s", made, mine)
	case have.Mirror != nil || len(have.Sources) > 0:
		return "is a copy of another stream"
	case !slices.Equal(have.Subjects, want.Subjects):
		return fmt.Sprintf("takes the subjects %q instead of %q", have.Subjects, want.Subjects)
	case have.Storage != want.Storage:
		return fmt.Sprintf("has %v storage instead of %v, which can't be changed", have.Storage, want.Storage)
	case have.Retention != want.Retention:
		return fmt.Sprintf("has the retention policy %v instead of %v", have.Retention, want.Retention)
	case have.Sealed:
		return "is sealed"
	case have.DenyDelete != want.DenyDelete && have.DenyDelete, have.DenyPurge && !want.DenyPurge:
		return "refuses to delete messages, which can't be changed"
	case have.MaxConsumers > 0:
		return fmt.Sprintf("allows %d consumers only, which can't be changed", have.MaxConsumers)
	default:
		return ""
	}
}

// shrinks says how the wanted settings keep less than what is there.
func shrinks(have, want jetstream.StreamConfig) string {
	switch {
	case want.Replicas < have.Replicas:
		return fmt.Sprintf("has %d replicas, and the spec has %d", have.Replicas, want.Replicas)
	case want.MaxAge > 0 && (have.MaxAge == 0 || want.MaxAge < have.MaxAge):
		return fmt.Sprintf("keeps messages for %s, and the spec for %v", forAge(have.MaxAge), want.MaxAge)
	case want.MaxBytes > 0 && (have.MaxBytes <= 0 || want.MaxBytes < have.MaxBytes):
		return fmt.Sprintf("keeps %s, and with the spec %d bytes", forBytes(have.MaxBytes), want.MaxBytes)
	default:
		return ""
	}
}

func forAge(d time.Duration) string {
	if d == 0 {
		return "ever"
	}
	return d.String()
}

func forBytes(n int64) string {
	if n <= 0 {
		return "any number of bytes"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
