package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/test/client"
)

// Each client talks in some rooms and reads some.
const (
	talksEach = 2
	readsEach = 4
)

// crowd is all clients of a run.
type crowd struct {
	fleet    *fleet
	rooms    []string
	chatters []*chatter
	// rest is how long a talk rests between two messages, on average.
	rest    time.Duration
	padding string        // of each message
	silence chan struct{} // closed when no new message is to be begun

	ctx     context.Context
	cancel  context.CancelFunc
	talking sync.WaitGroup
	reading sync.WaitGroup
	// unrecovered counts subscriptions that the server could not recover, so that history had to.
	unrecovered atomic.Int64
}

// gather connects that many clients, which begin to talk and to read.
func gather(f *fleet, clients, rooms int, rest time.Duration) *crowd {
	f.t.Helper()
	if rooms > clients*talksEach {
		f.t.Fatalf("%d clients leave some of %d rooms silent", clients, rooms)
	}
	c := &crowd{fleet: f, rest: rest, silence: make(chan struct{}), chatters: make([]*chatter, clients)}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(f.t.Context()))
	f.t.Cleanup(c.disperse)
	for i := range rooms {
		c.rooms = append(c.rooms, fmt.Sprintf("room:chaos-%d", i))
	}
	var connecting errgroup.Group
	connecting.SetLimit(8)
	for i := range clients {
		connecting.Go(func() (err error) {
			c.chatters[i], err = newChatter(c, i, c.some(i, talksEach), c.some(i, readsEach))
			return err
		})
	}
	if err := connecting.Wait(); err != nil {
		f.t.Fatal(err)
	}
	for _, chatter := range c.chatters {
		for _, r := range chatter.readers {
			c.reading.Go(func() { r.run(c.ctx) })
		}
		for _, t := range chatter.talks {
			c.talking.Go(func() { chatter.chat(t) })
		}
	}
	return c
}

// some are the rooms of one client. Together the clients have all rooms, if there are not more than talksEach for each of them.
func (c *crowd) some(client, number int) []string {
	var chosen []string
	for i := range min(number, len(c.rooms)) {
		chosen = append(chosen, c.rooms[(client*number+i)%len(c.rooms)])
	}
	return chosen
}

// mix cuts the connections of half of the clients, who then turn to the next node: wherever they were, some are on each then.
func (c *crowd) mix() {
	for _, chatter := range c.chatters {
		if rand.N(2) == 0 {
			chatter.client.Cut()
		}
	}
}

// disperse ends all clients, whatever they do.
func (c *crowd) disperse() {
	c.cancel()
	c.talking.Wait()
	c.reading.Wait()
	for _, chatter := range c.chatters {
		if chatter != nil {
			chatter.client.Close()
		}
	}
}

// waitLoad returns when every talk has had a message acknowledged that was begun from now on, and every reader has been shown one that
// was.
func (c *crowd) waitLoad(what string) {
	c.fleet.t.Helper()
	now := time.Now()
	eventually(c.fleet.t, what, func() string {
		for _, chatter := range c.chatters {
			for _, t := range chatter.talks {
				if t.begun.Load() <= now.UnixNano() {
					return fmt.Sprintf("%s has not got through to %s", chatter.ledger.user, t.room)
				}
			}
		}
		for _, chatter := range c.chatters {
			for _, r := range chatter.readers {
				if chatter.ledger.newest(r.room).sent <= now.UnixMilli() {
					return fmt.Sprintf("%s hears nothing new in %s", chatter.ledger.user, r.room)
				}
			}
		}
		return ""
	})
}

// finish lets everybody end what they began, and returns when all readers have been shown everything.
func (c *crowd) finish() {
	c.fleet.t.Helper()
	close(c.silence)
	silent := make(chan struct{})
	go func() {
		c.talking.Wait()
		close(silent)
	}()
	select {
	case <-silent:
	case <-time.After(patience):
		c.fleet.t.Fatalf("some messages are not acknowledged after %v", patience)
	}
	newest := newestAcknowledged(c.ledgers())
	eventually(c.fleet.t, "all readers to have everything", func() string {
		for _, chatter := range c.chatters {
			for _, r := range chatter.readers {
				if at := chatter.ledger.newest(r.room).offset; at < newest[r.room] {
					return fmt.Sprintf("%s has %d of %d in %s", chatter.ledger.user, at, newest[r.room], r.room)
				}
			}
		}
		return ""
	})
}

func (c *crowd) ledgers() []*ledger {
	var all []*ledger
	for _, chatter := range c.chatters {
		all = append(all, chatter.ledger)
	}
	return all
}

// history reads the log of every room.
func (c *crowd) history() map[string][]sighting {
	c.fleet.t.Helper()
	historian := c.fleet.mustDial(c.fleet.t, "historian", c.fleet.addresses(0), client.Options{})
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	history := map[string][]sighting{}
	for _, room := range c.rooms {
		log, err := historyOf(ctx, historian, room)
		if err != nil {
			c.fleet.t.Fatal(err)
		}
		history[room] = log
	}
	return history
}
