package backbone

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// put writes a row that must have the expected revision.
func put(t testing.TB, b *Backbone, table, key, data string, expected uint64) uint64 {
	t.Helper()
	revision, err := b.Put(t.Context(), table, key, []byte(data), expected)
	if err != nil {
		t.Fatalf("put %s %s: %v", table, key, err)
	}
	return revision
}

func get(t testing.TB, b *Backbone, table, key string) Row {
	t.Helper()
	row, err := b.Get(t.Context(), table, key)
	if err != nil {
		t.Fatalf("get %s %s: %v", table, key, err)
	}
	return row
}

func TestRowsAreComparedAndSet(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	key := layout.RowKey("default", "room:a b")
	if row := get(t, b, layout.Rooms, key); row.Revision != 0 || row.Key != key || row.Data != nil {
		t.Fatalf("before: %+v", row)
	}
	first := put(t, b, layout.Rooms, key, "one", 0)
	if row := get(t, b, layout.Rooms, key); row.Revision != first || string(row.Data) != "one" || row.Key != key {
		t.Fatalf("got %+v, put revision %d", row, first)
	}
	for _, wrong := range []uint64{0, first + 1} {
		if _, err := b.Put(t.Context(), layout.Rooms, key, []byte("two"), wrong); !errors.Is(err, ErrConflict) {
			t.Fatalf("put over revision %d: %v", wrong, err)
		}
		if err := b.Remove(t.Context(), layout.Rooms, key, wrong); !errors.Is(err, ErrConflict) {
			t.Fatalf("remove of revision %d: %v", wrong, err)
		}
	}
	second := put(t, b, layout.Rooms, key, "two", first)
	if row := get(t, b, layout.Rooms, key); row.Revision != second || second <= first || string(row.Data) != "two" {
		t.Fatalf("got %+v, put revision %d", row, second)
	}
	if row := get(t, b, layout.People, key); row.Revision != 0 {
		t.Fatalf("another table has the row too: %+v", row)
	}
}

func TestARemovedRowCanBeMadeAnew(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	key := layout.RowKey("default", "room:a", "ann")
	if err := b.Remove(t.Context(), layout.Members, key, 0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		made := put(t, b, layout.Members, key, "member", 0)
		if err := b.Remove(t.Context(), layout.Members, key, made); err != nil {
			t.Fatal(err)
		}
		if row := get(t, b, layout.Members, key); row.Revision != 0 || row.Data != nil {
			t.Fatalf("after the removal: %+v", row)
		}
		if err := b.Remove(t.Context(), layout.Members, key, made); !errors.Is(err, ErrConflict) {
			t.Fatalf("removed twice: %v", err)
		}
		if err := b.Remove(t.Context(), layout.Members, key, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Put(t.Context(), layout.Members, key, []byte("late"), made); !errors.Is(err, ErrConflict) {
			t.Fatalf("written over a removed row: %v", err)
		}
	}
}

func TestOnlyOneOfManyWritersWins(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	var (
		writers   sync.WaitGroup
		mu        sync.Mutex
		won       int
		key       = layout.RowKey("default", "counter")
		increment = func() {
			for {
				row, err := b.Get(t.Context(), layout.Cursors, key)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = b.Put(t.Context(), layout.Cursors, key, append(row.Data, 'x'), row.Revision)
				if err == nil {
					mu.Lock()
					won++
					mu.Unlock()
					return
				}
				if !errors.Is(err, ErrConflict) {
					t.Error(err)
					return
				}
			}
		}
	)
	for range 20 {
		writers.Go(increment)
	}
	writers.Wait()
	if row := get(t, b, layout.Cursors, key); len(row.Data) != 20 || won != 20 {
		t.Fatalf("%d writers won, and the row has %d of their marks", won, len(row.Data))
	}
}

func TestTableOperationsRefuseUnknownTables(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	ctx := t.Context()
	_, getErr := b.Get(ctx, layout.Leases, "a")
	_, putErr := b.Put(ctx, layout.Leases, "a", nil, 0)
	_, _, listErr := b.List(ctx, layout.Leases, "a", 0, 1)
	_, allErr := b.All(ctx, layout.Leases, "a")
	_, countErr := b.Count(ctx, layout.Leases, "a")
	_, watchErr := b.Watch(layout.Leases, func(string) {})
	for _, err := range []error{getErr, putErr, listErr, allErr, countErr, watchErr, b.Remove(ctx, layout.Leases, "a", 1)} {
		if err == nil {
			t.Error("leases were taken for a table")
		}
	}
}

// fill writes so many rows under a prefix, many at a time; data gives what is in the nth.
func fill(t testing.TB, b *Backbone, table, prefix string, n int) {
	t.Helper()
	var writers sync.WaitGroup
	next := make(chan int)
	for range 64 {
		writers.Go(func() {
			for i := range next {
				if _, err := b.Put(t.Context(), table, prefix+"."+layout.RowKey(fmt.Sprint(i)), fmt.Appendf(nil, "row %d", i), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	writers.Wait()
}

// listAll pages through all rows under a prefix.
func listAll(t testing.TB, b *Backbone, table, prefix string, limit int) (all []Row) {
	t.Helper()
	for after := uint64(0); ; {
		rows, more, err := b.List(t.Context(), table, prefix, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) > limit || more && len(rows) < limit {
			t.Fatalf("a page of at most %d has %d rows, and more follow: %v", limit, len(rows), more)
		}
		for _, row := range rows {
			if row.Revision <= after {
				t.Fatalf("row %+v is not after %d", row, after)
			}
			after = row.Revision
		}
		if all = append(all, rows...); !more {
			return all
		}
	}
}

// checkRows compares the list and the count of a prefix with how many rows there are.
func checkRows(t testing.TB, b *Backbone, prefix string, want int) {
	t.Helper()
	n, err := b.Count(t.Context(), layout.Members, prefix)
	if err != nil || n != want {
		t.Fatalf("counted %d of %d: %v", n, want, err)
	}
	for _, limit := range []int{7 + want/16, 400, 1000} { // a page costs the log as much as there are rows
		rows := listAll(t, b, layout.Members, prefix, limit)
		seen := map[string]bool{}
		for _, row := range rows {
			seen[row.Key] = true
		}
		if len(rows) != want || len(seen) != want {
			t.Fatalf("listed %d rows, %d different ones, of %d with limit %d", len(rows), len(seen), want, limit)
		}
		if all, err := b.All(t.Context(), layout.Members, prefix); err != nil || !reflect.DeepEqual(all, rows) {
			t.Fatalf("all rows are %d, and the pages have %d: %v", len(all), len(rows), err)
		}
	}
}

func TestRowsAreListedByRevisionAndCounted(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	fill(t, b, layout.Members, layout.RowKey("default", "other"), 5)
	sizes, sum := []int{10, 1500}, 5 // the latter are more than come at once
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			prefix := layout.RowKey("default", fmt.Sprint("room:", n))
			checkRows(t, b, prefix, 0)
			fill(t, b, layout.Members, prefix, n)
			fill(t, b, layout.Members, prefix+"x", 3) // begins like it, but is another
			checkRows(t, b, prefix, n)
			// Removed ones never show, wherever they are; changed ones move to the end.
			rows := listAll(t, b, layout.Members, prefix, 1000)
			for _, i := range []int{0, 4, len(rows) - 1} {
				if err := b.Remove(t.Context(), layout.Members, rows[i].Key, rows[i].Revision); err != nil {
					t.Fatal(err)
				}
			}
			checkRows(t, b, prefix, n-3)
			changed := put(t, b, layout.Members, rows[2].Key, "changed", rows[2].Revision)
			put(t, b, layout.Members, rows[4].Key, "again", 0)
			checkRows(t, b, prefix, n-2)
			rows = listAll(t, b, layout.Members, prefix, 1000)
			if last := rows[len(rows)-2]; last.Revision != changed || string(last.Data) != "changed" {
				t.Fatalf("the last row but one is %+v", last)
			}
		})
		sum += n - 2 + 3
	}
	checkRows(t, b, layout.RowKey("default"), sum)
}

// changes remembers what a watch told.
type changes struct {
	mu   sync.Mutex
	keys []string
	news chan struct{}
}

func watchTable(t testing.TB, b *Backbone, table string) *changes {
	t.Helper()
	c := &changes{news: make(chan struct{}, 1)}
	stop, err := b.Watch(table, func(key string) {
		c.mu.Lock()
		c.keys = append(c.keys, key)
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return c
}

// await waits for that many calls with a key.
func (c *changes) await(t testing.TB, key string, times int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		c.mu.Lock()
		n := 0
		for _, k := range c.keys {
			if k == key {
				n++
			}
		}
		c.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-c.news:
		case <-ctx.Done():
			t.Fatalf("told %d times of %q, want %d", n, key, times)
		}
	}
}

func TestWatchersAreToldOfEveryPutAndRemoval(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	key, other := layout.RowKey("default", "room:a"), layout.RowKey("default", "room:b")
	one := watchTable(t, b, layout.Rooms)
	one.await(t, "", 1)
	made := put(t, b, layout.Rooms, key, "1", 0)
	one.await(t, key, 1)
	two := watchTable(t, b, layout.Rooms) // joins the first one's consumer
	two.await(t, "", 1)
	made = put(t, b, layout.Rooms, key, "2", made)
	one.await(t, key, 2)
	two.await(t, key, 1)
	if err := b.Remove(t.Context(), layout.Rooms, key, made); err != nil {
		t.Fatal(err)
	}
	put(t, b, layout.People, other, "1", 0) // another table
	one.await(t, key, 3)
	two.await(t, key, 2)
	one.mu.Lock()
	defer one.mu.Unlock()
	if len(one.keys) != 4 {
		t.Fatalf("told of %q", one.keys)
	}
}

func TestAStoppedWatchIsToldNothing(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	kept := watchTable(t, b, layout.Rooms)
	kept.await(t, "", 1)
	told := 0
	stop, err := b.Watch(layout.Rooms, func(string) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	stop()
	stop()
	told = 0
	put(t, b, layout.Rooms, "YQ", "1", 0)
	kept.await(t, "YQ", 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if told > 0 {
		t.Fatalf("told %d times", told)
	}
	if _, err := b.Watch(layout.Rooms, func(string) {}); !errors.Is(err, ErrClosed) {
		t.Fatalf("watching after the end: %v", err)
	}
}
