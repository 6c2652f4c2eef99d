package layout

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFeedKeyRoundTripsAnyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		feed := Feed{Room, rapid.StringN(1, 40, 128).Draw(t, "app"), rapid.StringN(1, 40, 128).Draw(t, "name")}
		back, ok := ParseKey(Room, feed.Key())
		if !ok || back != feed {
			t.Fatalf("%q came back as %q", feed, back)
		}
	})
}

func TestSubjectsNeverHoldWildcardsOrSpaces(t *testing.T) {
	l := New("lobby", 16)
	for _, name := range []string{"a.b", "*", ">", "a b", "grüße 👋", "\x00\n"} {
		for _, subject := range []string{l.Stored(Feed{Room, "default", name}), l.Live(Feed{User, "x.y", name})} {
			if strings.ContainsAny(subject, "*> \t\n\x00") {
				t.Errorf("%q gave subject %q", name, subject)
			}
			if got := strings.Count(subject, "."); got > 5 {
				t.Errorf("%q gave subject %q with %d dots", name, subject, got)
			}
		}
	}
}

func TestShardOfARoomNeverChanges(t *testing.T) {
	l := New("lobby", 16)
	for name, want := range map[string]int{"room:lobby": 15, "room:random": 6, "dm:a,b": 14} {
		if got := l.ShardOf(Feed{Room, "default", name}); got.Number != want {
			t.Errorf("%s lives in shard %d, and was in %d before", name, got.Number, want)
		}
	}
}

func TestEveryShardHasAStreamThatStatesTheirNumber(t *testing.T) {
	l := New("lobby", 4)
	streams := l.Streams(Settings{Replicas: 3, MaxAge: time.Hour})
	if len(streams) != len(l.All()) {
		t.Fatalf("%d streams for %d shards", len(streams), len(l.All()))
	}
	for _, s := range streams {
		if s.Metadata[MetadataShards] != "4" || s.DuplicateWindow != DuplicateWindow || s.MaxBytes != -1 {
			t.Errorf("stream %s has settings %+v", s.Name, s)
		}
	}
}

func TestBucketsShareAllTheirBytes(t *testing.T) {
	l := New("lobby", 4)
	buckets := l.Buckets(Settings{Replicas: 1, BucketBytes: 1000})
	if len(buckets) != len(Buckets) {
		t.Fatalf("%d buckets of %d have settings", len(buckets), len(Buckets))
	}
	sum := int64(0)
	for i, b := range buckets {
		if b.Name != l.Bucket(Buckets[i]) || b.MaxBytes <= 0 {
			t.Errorf("bucket %s, and not %s, may take %d bytes", b.Name, l.Bucket(Buckets[i]), b.MaxBytes)
		}
		sum += b.MaxBytes
	}
	if sum != 1000 {
		t.Errorf("all buckets together may take %d of 1000 bytes", sum)
	}
	for _, b := range l.Buckets(Settings{Replicas: 1}) {
		if b.MaxBytes != -1 {
			t.Errorf("without a bound, bucket %s may take %d bytes", b.Name, b.MaxBytes)
		}
	}
}
