package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// consumers counts the readers that the log's server has.
func consumers(t testing.TB, b *Backbone) int {
	t.Helper()
	var all struct {
		Total int `json:"total"`
	}
	if err := apiRequest(t.Context(), b.main, "$JS.API.CONSUMER.NAMES."+b.layout.Stream(b.layout.ShardOf(room("a"))), nil, &all); err != nil {
		t.Fatal(err)
	}
	return all.Total
}

func TestATapThatKeepsUpReadsWithTheOwner(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	sendAll(t, b, room("a"), numbers(1, 5))
	c := &collector{}
	tapWith(t, b, TapOptions{FromStart: true}, c)
	c.await(t, numbers(1, 5))
	await(t, "the owner's reader to be the only one", func() bool { return consumers(t, b) == 1 })
	sendAll(t, b, room("a"), numbers(6, 9))
	c.await(t, numbers(1, 9))
	if n := consumers(t, b); n != 1 {
		t.Errorf("the log has %d readers, want the owner's", n)
	}
}

func TestATapThatFallsBehindLosesAndDoublesNothing(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	blocks, goOn := make(chan struct{}), make(chan struct{})
	c := &collector{}
	c.then = func(ctx context.Context, m Tapped) error {
		if m.Message.Offset == 3 {
			close(blocks)
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		}
		m.Done()
		return ctx.Err()
	}
	tapWith(t, b, TapOptions{FromStart: true}, c)
	sendAll(t, b, room("a"), numbers(1, 2))
	c.await(t, numbers(1, 2))
	await(t, "the tap to read with the owner", func() bool { return consumers(t, b) == 1 })
	const senders, each = 50, 30 // more than may wait for the tap
	var sending sync.WaitGroup
	for sender := range senders {
		sending.Go(func() {
			for i := range each {
				id := fmt.Sprint(sender, " ", i)
				err := ErrUnavailable
				for attempt := 0; errors.Is(err, ErrUnavailable) && attempt < 5; attempt++ {
					_, err = b.Enqueue(room("a"), Draft{ID: id, Sender: fmt.Sprint(sender), Data: []byte(id)}).Wait(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	if t.Failed() {
		return
	}
	const many = 2 + senders*each
	<-blocks
	close(goOn)
	await(t, "every message", func() bool { return len(c.texts()) >= many })
	sendAll(t, b, room("a"), []string{"last"})
	await(t, "the last message", func() bool { all := c.texts(); return all[len(all)-1] == "last" })
	var offsets []uint64
	for _, m := range c.got {
		offsets = append(offsets, m.Message.Offset)
	}
	if len(offsets) != many+1 || !slices.IsSorted(offsets) {
		t.Errorf("the tap was handed %d messages, want %d in order", len(offsets), many+1)
	}
	if n := testutil.ToFloat64(b.taps.all[0].metrics.behind); n < 1 {
		t.Errorf("the tap fell behind %v times", n)
	}
	await(t, "the tap to read with the owner again", func() bool { return consumers(t, b) == 1 })
}
