package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

// Each client of Gather talks in some rooms and reads some.
const (
	talksEach = 2
	readsEach = 4
)

// connectingAtOnce is how many clients connect at a time.
const connectingAtOnce = 8

// Fleet is what a crowd talks to.
type Fleet struct {
	// T fails when something happens that must not; its end is the crowd's.
	T testing.TB
	// Dial connects a user; number spreads the users over the nodes.
	Dial func(ctx context.Context, user string, number int, o client.Options) (*client.Client, error)
	// Patience bounds every wait.
	Patience time.Duration
}

// Crowd is a number of users who talk and read.
type Crowd struct {
	Rooms []string // of Gather
	// Rest is how long a talk rests between two messages, on average.
	Rest    time.Duration
	Padding string // of each message

	fleet    Fleet
	chatters []*Chatter
	silence  chan struct{} // closed when no new message is to be begun

	ctx     context.Context
	cancel  context.CancelFunc
	talking sync.WaitGroup
	reading sync.WaitGroup
	// unrecovered counts subscriptions that the server could not recover, so that history had to.
	unrecovered atomic.Int64
}

// New is a crowd of nobody, which ends with the test.
func New(f Fleet) *Crowd {
	c := &Crowd{fleet: f, silence: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(f.T.Context()))
	f.T.Cleanup(c.Disperse)
	return c
}

// Gather connects that many clients, who begin to talk and to read in that many rooms, whose names begin with prefix.
func Gather(f Fleet, prefix string, clients, rooms int, rest time.Duration) *Crowd {
	f.T.Helper()
	if rooms > clients*talksEach {
		f.T.Fatalf("%d clients leave some of %d rooms silent", clients, rooms)
	}
	c := New(f)
	c.Rest = rest
	for i := range rooms {
		c.Rooms = append(c.Rooms, fmt.Sprintf("%s-%d", prefix, i))
	}
	chatters := make([]*Chatter, clients)
	var connecting errgroup.Group
	connecting.SetLimit(connectingAtOnce)
	for i := range clients {
		connecting.Go(func() (err error) {
			chatters[i], err = c.connect(i, c.some(i, talksEach), c.some(i, readsEach))
			return err
		})
	}
	err := connecting.Wait()
	for _, chatter := range chatters {
		if chatter != nil {
			c.begin(chatter)
		}
	}
	if err != nil {
		f.T.Fatal(err)
	}
	return c
}

// Join connects one more user, who begins to talk and to read in those rooms.
func (c *Crowd) Join(number int, talks, reads []string) *Chatter {
	c.fleet.T.Helper()
	chatter, err := c.connect(number, talks, reads)
	if err != nil {
		c.fleet.T.Fatal(err)
	}
	c.begin(chatter)
	return chatter
}

// begin lets a chatter talk and read.
func (c *Crowd) begin(chatter *Chatter) {
	c.chatters = append(c.chatters, chatter)
	for _, r := range chatter.readers {
		c.reading.Go(func() { r.Run(c.ctx) })
	}
	for _, t := range chatter.talks {
		c.talking.Go(func() { chatter.chat(t) })
	}
}

// some are the rooms of one client. Together the clients have all rooms, if there are not more than talksEach for each of them.
func (c *Crowd) some(client, number int) []string {
	var chosen []string
	for i := range min(number, len(c.Rooms)) {
		chosen = append(chosen, c.Rooms[(client*number+i)%len(c.Rooms)])
	}
	return chosen
}

// Mix cuts the connections of half of the clients, who then turn to the next node: wherever they were, some are on each then.
func (c *Crowd) Mix() {
	for _, chatter := range c.chatters {
		if rand.N(2) == 0 {
			chatter.Client.Cut()
		}
	}
}

// Disperse ends all clients, whatever they do.
func (c *Crowd) Disperse() {
	c.cancel()
	c.talking.Wait()
	c.reading.Wait()
	for _, chatter := range c.chatters {
		chatter.Client.Close()
	}
}

// WaitLoad returns when every talk has had a message acknowledged that was begun from now on, and every reader has been shown one that
// was.
func (c *Crowd) WaitLoad(what string) {
	c.fleet.T.Helper()
	now := time.Now()
	wait.Eventually(c.fleet.T, c.fleet.Patience, what, func() string {
		for _, chatter := range c.chatters {
			for _, t := range chatter.talks {
				if t.begun.Load() <= now.UnixNano() {
					return fmt.Sprintf("%s has not got through to %s", chatter.Ledger.User, t.room)
				}
			}
		}
		for _, chatter := range c.chatters {
			for _, r := range chatter.readers {
				if chatter.Ledger.Newest(r.room).Time <= now.UnixMilli() {
					return fmt.Sprintf("%s hears nothing new in %s", chatter.Ledger.User, r.room)
				}
			}
		}
		return ""
	})
}

// Finish lets everybody end what they began, and returns when all readers have been shown everything.
func (c *Crowd) Finish() {
	c.fleet.T.Helper()
	close(c.silence)
	silent := make(chan struct{})
	go func() {
		c.talking.Wait()
		close(silent)
	}()
	select {
	case <-silent:
	case <-time.After(c.fleet.Patience):
		c.fleet.T.Fatalf("some messages are not acknowledged after %v", c.fleet.Patience)
	}
	newest := NewestAcknowledged(c.Ledgers())
	wait.Eventually(c.fleet.T, c.fleet.Patience, "all readers to have everything", func() string {
		for _, chatter := range c.chatters {
			for _, r := range chatter.readers {
				if at := chatter.Ledger.Newest(r.room).Offset; at < newest[r.room] {
					return fmt.Sprintf("%s has %d of %d in %s", chatter.Ledger.User, at, newest[r.room], r.room)
				}
			}
		}
		return ""
	})
}

// Ledgers are those of all who joined.
func (c *Crowd) Ledgers() []*Ledger {
	var all []*Ledger
	for _, chatter := range c.chatters {
		all = append(all, chatter.Ledger)
	}
	return all
}

// Unrecovered is the number of recoveries for which readers needed history.
func (c *Crowd) Unrecovered() int64 { return c.unrecovered.Load() }

// Judge reads the log of every room of Gather and compares it with all ledgers.
func (c *Crowd) Judge() *Verdict {
	c.fleet.T.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, c.fleet.Patience)
	defer cancel()
	historian, err := c.fleet.Dial(ctx, "historian", 0, client.Options{})
	if err != nil {
		c.fleet.T.Fatalf("connect the historian: %v", err)
	}
	defer historian.Close()
	history := map[string][]Sighting{}
	for _, room := range c.Rooms {
		log, err := HistoryOf(ctx, historian, room)
		if err != nil {
			c.fleet.T.Fatal(err)
		}
		history[room] = log
	}
	return Judge(c.Ledgers(), history)
}
