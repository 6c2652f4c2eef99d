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
