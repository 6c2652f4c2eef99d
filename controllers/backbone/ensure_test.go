package backbone

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestEnsureMakesWhatAChatnodeExpects(t *testing.T) {
	servers := startNATS(t, 1)
	p := newPool(t)
	tg := target(servers.URLs(), 1)
	r := p.Ensure(t.Context(), tg)
	if !fine(r) || !r.Reachable || r.Wanted != 2*2+len(layout.Buckets) || r.Servers != 1 || r.RTT <= 0 || len(r.Changed) != 1 {
		t.Fatalf("got %+v", r)
	}
	t.Logf("NATS %s answers a ping in %v", r.Version, r.RTT)
	if again := p.Ensure(t.Context(), tg); !fine(again) || len(again.Changed) > 0 {
		t.Errorf("the second time gave %+v", again)
	}
	process.StartChatnode(t, process.ChatnodeOptions{NATSURL: servers.URL(), Flags: []string{
		"--streams=expect", "--shards=2", "--prefix=chat", "--anonymous",
	}})
}

func TestEnsureMakesStreamsLikeThoseThatAChatnodeMakes(t *testing.T) {
	servers := startNATS(t, 1)
	process.StartChatnode(t, process.ChatnodeOptions{NATSURL: servers.URL(), Flags: []string{
		"--streams=create", "--shards=1", "--prefix=node", "--anonymous", "--history-age=1h",
	}})
	tg := target(servers.URLs(), 1)
	tg.Layout = layout.New("made", 1)
	if r := newPool(t).Ensure(t.Context(), tg); !fine(r) {
		t.Fatalf("got %+v", r)
	}
	js := admin(t, servers.URL())
	for _, made := range wantedStreams(tg.Layout, tg.Settings) {
		theirs := config(t, js, strings.Replace(made.Name, "made", "node", 1))
		ours := config(t, js, made.Name)
		delete(ours.Metadata, metadataGiven)
		if got, want := strings.ReplaceAll(fmt.Sprintf("%+v", ours), "made", "node"), fmt.Sprintf("%+v", theirs); got != want {
			t.Errorf("%s is\n%s, and a chatnode makes\n%s", made.Name, got, want)
		}
	}
}

func TestEnsureFollowsTheSettings(t *testing.T) {
	servers := startNATS(t, 1)
	p, js := newPool(t), admin(t, servers.URL())
	tg := target(servers.URLs(), 1)
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Fatalf("got %+v", r)
	}
	for _, age := range []time.Duration{2 * time.Hour, 10 * time.Minute, 0} {
		tg.Settings.MaxAge = age
		if r := p.Ensure(t.Context(), tg); !fine(r) || !strings.Contains(strings.Join(r.Changed, "\n"), "max age") {
			t.Errorf("age %v gave %+v", age, r)
		}
		if got := config(t, js, "chat-ROOMS-1").MaxAge; got != age {
			t.Errorf("got a max age of %v, want %v", got, age)
		}
	}
	if err := js.DeleteStream(t.Context(), "chat-USERS-0"); err != nil {
		t.Fatal(err)
	}
	if r := p.Ensure(t.Context(), tg); !fine(r) || !slices.Equal(r.Changed, []string{"made chat-USERS-0"}) {
		t.Errorf("after a stream was deleted, got %+v", r)
	}
}

func TestEnsureNeverMakesAStreamOfSomebodyElseKeepLess(t *testing.T) {
	servers := startNATS(t, 1)
	js := admin(t, servers.URL())
	foreign := wantedStreams(layout.New("chat", 2), layout.Settings{Replicas: 1})[0]
	foreign.Metadata = nil
	if _, err := js.CreateStream(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	p, tg := newPool(t), target(servers.URLs(), 1)
	r := p.Ensure(t.Context(), tg)
	if r.Reason != v1alpha1.ReasonStreamsFailed || !strings.Contains(r.Message, "chat-ROOMS-0 keeps messages for ever, and the spec for 1h") || r.Streams != r.Wanted-1 {
		t.Fatalf("got %+v", r)
	}
	tg.Settings.MaxAge = 0
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Fatalf("with settings that keep as much, got %+v", r)
	}
	tg.Settings.MaxAge = time.Hour // now the operator gave it what it has
	if r := p.Ensure(t.Context(), tg); !fine(r) || config(t, js, "chat-ROOMS-0").MaxAge != time.Hour {
		t.Fatalf("got %+v", r)
	}
}

func TestEnsureNamesTheStreamThatCanNotBeOurs(t *testing.T) {
	servers := startNATS(t, 1)
	js := admin(t, servers.URL())
	tests := []struct {
		name    string
		spoil   func(*jetstream.StreamConfig)
		message string
	}{
		{"memory", func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "has Memory storage instead of File"},
		{"subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"subjects.room.0.*"} }, "takes the subjects"},
		{"retention", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, "retention policy"},
		{"shards", func(c *jetstream.StreamConfig) { c.Metadata = map[string]string{layout.MetadataShards: "3"} }, "made for 3 shards"},
		{"undeletable", func(c *jetstream.StreamConfig) { c.DenyDelete = true }, "refuses to delete"},
		{"overlap", func(c *jetstream.StreamConfig) { c.Name = "somebody-elses" }, "another stream takes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tg := target(servers.URLs(), 1)
			tg.Owner, tg.Layout = test.name, layout.New(test.name, 2)
			spoiled := wantedStreams(tg.Layout, tg.Settings)[0]
			test.spoil(&spoiled)
			if _, err := js.CreateStream(t.Context(), spoiled); err != nil {
				t.Fatal(err)
			}
			r := newPool(t).Ensure(t.Context(), tg)
			if r.Reason != v1alpha1.ReasonStreamsFailed || !strings.HasPrefix(r.Message, test.name+"-ROOMS-0 ") || !strings.Contains(r.Message, test.message) {
				t.Errorf("got %+v", r)
			}
			if r.Streams != r.Wanted-1 {
				t.Errorf("%d of %d others are there", r.Streams, r.Wanted-1)
			}
		})
	}
}

func TestEnsureSaysWhatNATSCanNotDo(t *testing.T) {
	servers := startNATS(t, 1)
	three := target(servers.URLs(), 3)
	if r := newPool(t).Ensure(t.Context(), three); r.Reason != v1alpha1.ReasonStreamsFailed || !strings.Contains(r.Message, "3 replicas") {
		t.Errorf("got %+v", r)
	}
	p, one := newPool(t), target(servers.URLs(), 1)
	one.Layout, three.Layout = layout.New("grown", 2), layout.New("grown", 2)
	if r := p.Ensure(t.Context(), one); !fine(r) {
		t.Errorf("got %+v", r)
	}
	if r := p.Ensure(t.Context(), three); r.Reason != v1alpha1.ReasonStreamsFailed || !strings.Contains(r.Message, "3 replicas") {
		t.Errorf("got %+v", r)
	}
	vast := target(servers.URLs(), 1)
	vast.Settings.MaxBytes = 1 << 50
	if r := newPool(t).Ensure(t.Context(), vast); r.Reason != v1alpha1.ReasonStreamsFailed || !strings.Contains(r.Message, "has no room") {
		t.Errorf("got %+v", r)
	}
}

// admin is JetStream for the test itself.
func admin(t *testing.T, url string, o ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func config(t *testing.T, js jetstream.JetStream, name string) jetstream.StreamConfig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().Config
}

// A running cluster gets the buckets that a new release adds.
func TestEnsureAddsTheBucketsThatAnOlderReleaseLacks(t *testing.T) {
	servers := startNATS(t, 1)
	p, js := newPool(t), admin(t, servers.URL())
	tg := target(servers.URLs(), 1)
	tg.Settings.MaxBytes, tg.Settings.BucketBytes = 1<<20, 32<<20
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Fatalf("got %+v", r)
	}
	for _, table := range layout.Tables {
		if err := js.DeleteStream(t.Context(), "KV_"+tg.Layout.Bucket(table)); err != nil {
			t.Fatal(err)
		}
	}
	r := p.Ensure(t.Context(), tg)
	if !fine(r) || len(r.Changed) != 1 || !strings.HasPrefix(r.Changed[0], "made KV_chat-rooms, ") {
		t.Fatalf("got %+v", r)
	}
	for _, table := range layout.Tables {
		c := config(t, js, "KV_"+tg.Layout.Bucket(table))
		if c.SubjectDeleteMarkerTTL != layout.RowMarkerAge || !c.AllowMsgTTL || c.MaxMsgsPerSubject != 1 || c.MaxBytes <= 0 {
			t.Errorf("%s is %+v", c.Name, c)
		}
	}
}
