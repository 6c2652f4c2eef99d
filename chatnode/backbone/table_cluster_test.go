package backbone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// counters are rows that many writers of several nodes count up, by comparing and setting. Every acknowledged increment is in the sum.
type counters struct {
	nodes        []*Backbone
	writers      sync.WaitGroup
	stop         chan struct{}
	mu           sync.Mutex
	acknowledged map[string]int
	tries        map[string]int
}

const counterRows = 8

func startCounting(t *testing.T, nodes ...*Backbone) *counters {
	t.Helper()
	c := &counters{nodes: nodes, stop: make(chan struct{}), acknowledged: map[string]int{}, tries: map[string]int{}}
	for _, b := range nodes {
		for i := range counterRows {
			c.writers.Go(func() {
				key := layout.RowKey("default", fmt.Sprint("counter ", i))
				for {
					select {
					case <-c.stop:
						return
					default:
						c.increment(t, b, key)
					}
				}
			})
		}
	}
	return c
}

// increment adds a letter to a row.
func (c *counters) increment(t *testing.T, b *Backbone, key string) {
	c.mu.Lock()
	known := c.acknowledged[key]
	c.mu.Unlock()
	row, err := b.Get(t.Context(), layout.Rooms, key)
	if err != nil {
		return // there is no leader for long
	}
	c.mu.Lock()
	if len(row.Data) < known {
		t.Errorf("read %d increments of %s, and %d were acknowledged", len(row.Data), key, known)
	}
	c.tries[key]++
	c.mu.Unlock()
	if _, err = b.Put(t.Context(), layout.Rooms, key, append(row.Data, 'x'), row.Revision); err == nil {
		c.mu.Lock()
		c.acknowledged[key]++
		c.mu.Unlock()
	} else if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnavailable) {
		t.Errorf("put: %v", err)
	}
}

func (c *counters) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.acknowledged {
		n += a
	}
	return n
}

// awaitMore waits for so many more acknowledged increments.
func (c *counters) awaitMore(t *testing.T, n int) {
	t.Helper()
	want := c.total() + n
	wait.For(t, time.Minute, "increments", func(context.Context) error {
		if got := c.total(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
}

// verify ends the counting and compares what every node sees with what was acknowledged.
func (c *counters) verify(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.writers.Wait()
	for _, b := range c.nodes {
		rows := listAll(t, b, layout.Rooms, layout.RowKey("default"), 3)
		if n, err := b.Count(t.Context(), layout.Rooms, layout.RowKey("default")); err != nil || n != len(c.acknowledged) || len(rows) != n {
			t.Errorf("counted %d and listed %d of %d rows: %v", n, len(rows), len(c.acknowledged), err)
		}
		for _, row := range rows {
			// One that was taken for failed may have been done all the same, but no more than were tried.
			if got := len(row.Data); got < c.acknowledged[row.Key] || got > c.tries[row.Key] {
				t.Errorf("%s has %d increments, %d were acknowledged of %d", row.Key, got, c.acknowledged[row.Key], c.tries[row.Key])
			}
			if again := get(t, b, layout.Rooms, row.Key); again.Revision != row.Revision {
				t.Errorf("listed revision %d of %s, and got %d", row.Revision, row.Key, again.Revision)
			}
		}
	}
	t.Logf("%d increments were acknowledged", c.total())
}

// rowCache remembers rows as a node does that trusts its watch.
type rowCache struct {
	mu      sync.Mutex
	rows    map[string]Row
	changes map[string]int // by key, how often it was told
	emptied int
}

func cacheRooms(t *testing.T, b *Backbone) *rowCache {
	t.Helper()
	c := &rowCache{rows: map[string]Row{}, changes: map[string]int{}}
	stop, err := b.Watch(layout.Rooms, func(key string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changes[key]++
		if delete(c.rows, key); key == "" {
			c.rows = map[string]Row{}
			c.emptied++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	wait.For(t, time.Minute, "the watch", func(context.Context) error {
		if c.timesEmptied() == 0 {
			return errors.New("not in force")
		}
		return nil
	})
	return c
}

func (c *rowCache) timesEmptied() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.emptied
}

// read gives a row, from memory if it is there.
func (c *rowCache) read(ctx context.Context, b *Backbone, key string) (Row, error) {
	c.mu.Lock()
	row, ok := c.rows[key]
	before := c.changes[key] + c.emptied
	c.mu.Unlock()
	if ok {
		return row, nil
	}
	row, err := b.Get(ctx, layout.Rooms, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && before == c.changes[key]+c.emptied {
		c.rows[key] = row
	}
	return row, err
}

// keep reads all rows again and again until stop.
func (c *rowCache) keep(t *testing.T, b *Backbone, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
			_, _ = c.read(t.Context(), b, layout.RowKey("default", fmt.Sprint("counter ", i%counterRows)))
		}
	}
}

// agrees waits until what is remembered is what there is.
func (c *rowCache) agrees(t *testing.T, b *Backbone) {
	t.Helper()
	for _, row := range listAll(t, b, layout.Rooms, layout.RowKey("default"), 100) {
		wait.For(t, time.Minute, "the cache to agree", func(ctx context.Context) error {
			remembered, err := c.read(ctx, b, row.Key)
			if err == nil && remembered.Revision != row.Revision {
				err = fmt.Errorf("%s is remembered in revision %d, and has %d", row.Key, remembered.Revision, row.Revision)
			}
			return err
		})
	}
}

// surviveFaults counts on two nodes, whose caches follow, while the fault is done.
func surviveFaults(t *testing.T, o Options, fault func(c *counters)) {
	t.Helper()
	nodes := []*Backbone{openWith(t, o), openWith(t, o)}
	caches := []*rowCache{cacheRooms(t, nodes[0]), cacheRooms(t, nodes[1])}
	c := startCounting(t, nodes...)
	for i, cache := range caches {
		c.writers.Go(func() { cache.keep(t, nodes[i], c.stop) })
	}
	c.awaitMore(t, 100)
	fault(c)
	c.awaitMore(t, 100)
	c.verify(t)
	for i, cache := range caches {
		cache.agrees(t, nodes[i])
		// And it goes on being told.
		key := layout.RowKey("default", fmt.Sprint("after ", i))
		made := put(t, nodes[1-i], layout.Rooms, key, "1", 0)
		if err := nodes[1-i].Remove(t.Context(), layout.Rooms, key, made); err != nil {
			t.Fatal(err)
		}
		wait.For(t, time.Minute, "the other node's change", func(context.Context) error {
			cache.mu.Lock()
			defer cache.mu.Unlock()
			if cache.changes[key] == 0 {
				return errors.New("not told")
			}
			return nil
		})
		t.Logf("node %d's cache was emptied %d times", i, cache.timesEmptied())
	}
}

func TestTablesSurviveTheRestartOfTheirServer(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	servers := process.StartNATS(t, 1)
	surviveFaults(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 1, Shards: 1}, func(c *counters) {
		servers.Server(0).Kill()
		servers.Server(0).Restart()
		c.awaitMore(t, 100)
		servers.Server(0).Restart()
	})
}

func TestTablesSurviveTheirLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	servers := process.StartNATS(t, 3)
	surviveFaults(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 3, Shards: 1}, func(c *counters) {
		for range 2 {
			leader := servers.StreamLeader(c.nodes[0].tableStream(layout.Rooms))
			leader.Kill()
			c.awaitMore(t, 100)
			leader.Restart()
			servers.WaitReady()
		}
	})
}

// A list on three servers has whatever was acknowledged before it, whichever of them answers.
func TestListsMissNothingOnThreeServers(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	o := Options{NATS: NATSOptions{URL: process.StartNATS(t, 3).URL()}, Replicas: 3, Shards: 1}
	one, two := openWith(t, o), openWith(t, o)
	prefix, long := layout.RowKey("default", "room:a"), layout.RowKey("default", "room:long")
	const many = maxMultiLast + 100
	fill(t, one, layout.Members, long, many)
	for i := range 30 {
		key := long + "." + layout.RowKey("last")
		made := put(t, one, layout.Members, key, "member", 0)
		if rows, err := two.All(t.Context(), layout.Members, long); err != nil || len(rows) != many+1 || rows[many].Revision != made {
			t.Fatalf("%d rows, %v after put %d", len(rows), err, i)
		}
		if err := one.Remove(t.Context(), layout.Members, key, made); err != nil {
			t.Fatal(err)
		}
		if rows, err := two.All(t.Context(), layout.Members, long); err != nil || len(rows) != many {
			t.Fatalf("%d rows, %v after removal %d", len(rows), err, i)
		}
	}
	for i := range 500 {
		key := prefix + "." + layout.RowKey(fmt.Sprint(i))
		made := put(t, one, layout.Members, key, "member", 0)
		rows, more, err := two.List(t.Context(), layout.Members, prefix, 0, 1000)
		if err != nil || more || len(rows) != 1 || rows[0].Key != key || rows[0].Revision != made {
			t.Fatalf("listed %v, %v, %v after %s was put", rows, more, err, key)
		}
		if err := one.Remove(t.Context(), layout.Members, key, made); err != nil {
			t.Fatal(err)
		}
		if n, err := two.Count(t.Context(), layout.Members, prefix); err != nil || n != 0 {
			t.Fatalf("counted %d, %v after the removal", n, err)
		}
	}
}

func TestAWriteInDoubtIsRecognised(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	server := process.StartNATS(t, 1).Server(0)
	b := openWith(t, Options{NATS: NATSOptions{URL: server.URL()}, Replicas: 1, Shards: 1})
	key := func(name string) string { return layout.RowKey("default", name) }
	changed, removed := put(t, b, layout.Rooms, key("changed"), "1", 0), put(t, b, layout.Rooms, key("removed"), "1", 0)
	server.Pause()
	before := b.rows.Stats().OutMsgs
	var writers sync.WaitGroup
	for name, write := range map[string]func() error{
		"made": func() error { _, err := b.Put(t.Context(), layout.Rooms, key("made"), []byte("1"), 0); return err },
		"changed": func() error {
			_, err := b.Put(t.Context(), layout.Rooms, key("changed"), []byte("2"), changed)
			return err
		},
		"removed": func() error { return b.Remove(t.Context(), layout.Rooms, key("removed"), removed) },
	} {
		writers.Go(func() {
			if err := write(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wait.For(t, time.Minute, "the second attempts", func(context.Context) error {
		if n := b.rows.Stats().OutMsgs - before; n < 6 {
			return fmt.Errorf("%d messages were sent", n)
		}
		return nil
	})
	server.Resume()
	writers.Wait()
	for name, want := range map[string]string{"made": "1", "changed": "2", "removed": ""} {
		if row := get(t, b, layout.Rooms, key(name)); string(row.Data) != want {
			t.Errorf("%s is %q, want %q", name, row.Data, want)
		}
	}
}

// Everything that is done with tables works with the rights that nodes have, and none of it makes NATS refuse anything.
func TestTablesNeedNoOtherRightsThanNodesHave(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	l := layout.New("test", 1)
	list := func(subjects []string) string { return `["` + strings.Join(subjects, `", "`) + `"]` }
	servers := process.StartNATSWith(t, process.NATSOptions{
		Servers: 1, Connect: []nats.Option{nats.UserInfo("admin", "admin")},
		Extra: fmt.Sprintf(`authorization { users: [ { user: admin, password: admin }, { user: node, password: node, permissions: {
			publish: { allow: %s }, subscribe: { allow: %s } } } ] }`, list(l.Rights().Publish), list(l.Rights().Subscribe)),
	})
	as := func(user string) Options {
		url := strings.Replace(servers.URL(), "://", "://"+user+":"+user+"@", 1)
		return Options{NATS: NATSOptions{URL: url}, Prefix: "test", Replicas: 1, Shards: 1, Create: user == "admin"}
	}
	if err := openWith(t, as("admin")).Close(); err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), as("node"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	for _, table := range layout.Tables {
		told := watchTable(t, b, table)
		told.await(t, "", 1)
		fill(t, b, table, layout.RowKey("default", "a"), 1100)
		rows := listAll(t, b, table, layout.RowKey("default", "a"), 600)
		if err := b.Remove(t.Context(), table, rows[0].Key, get(t, b, table, rows[0].Key).Revision); err != nil {
			t.Fatal(err)
		}
		told.await(t, rows[0].Key, 2)
		for prefix, want := range map[string]int{"a": 1099, "b": 0} {
			if n, err := b.Count(t.Context(), table, layout.RowKey("default", prefix)); err != nil || n != want {
				t.Errorf("counted %d of %d rows of %s: %v", n, want, table, err)
			}
		}
	}
	if log := servers.Server(0).Log(); strings.Contains(strings.ToLower(log), "permissions violation") {
		t.Errorf("NATS refused something:\n%s", log)
	}
}
