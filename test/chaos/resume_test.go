package chaos

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/crowd"
)

func TestResumeOnAnotherNodeHasNoHole(t *testing.T) {
	tests := []struct {
		missed    int
		recovered bool // by the server; else the application reads the history
	}{{1, true}, {300, true}, {100_000, false}}
	f := startFleet(t, 1, "--commands-per-second", "100000")
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d missed", test.missed), func(t *testing.T) {
			room := fmt.Sprintf("room:resume-%d", test.missed)
			absent := newLoner(t, f, "absent")
			before := flood(t, f, room, 10)
			r, _ := absent.read(t, room, f.nodes[0].URL(), nil, nil)
			waitNewest(t, absent.Ledger, room, before)
			position := &protocol.StreamPosition{Epoch: r.Epoch(), Offset: absent.Ledger.Newest(room).Offset}
			absent.leave()

			start := time.Now()
			missed := flood(t, f, room, test.missed)
			sending := time.Since(start)

			f.nodes[0].Kill()
			start = time.Now()
			_, result := absent.read(t, room, f.nodes[1].URL(), position, nil)
			after := flood(t, f, room, 10) // comes live while the reader may still be reading what it missed
			waitNewest(t, absent.Ledger, room, append(append(before, missed...), after...))
			filling := time.Since(start)

			if result.Recovered != test.recovered || !result.WasRecovering {
				t.Errorf("recovered: %v, was recovering: %v", result.Recovered, result.WasRecovering)
			}
			ledgers := append(append(append(before, missed...), after...), absent.Ledger)
			log, err := crowd.HistoryOf(t.Context(), absent.Client, room)
			if err != nil {
				t.Fatal(err)
			}
			v := crowd.Judge(ledgers, map[string][]crowd.Sighting{room: log})
			if faults := v.Faults(); faults != "" || v.Acknowledged != test.missed+20 || v.Shown != v.Acknowledged {
				t.Errorf("%d acknowledged, %d stored, %d shown\n%s", v.Acknowledged, v.Stored, v.Shown, faults)
			}
			t.Logf("recovered by the server: %v; sending took %v, and everything was there %v after coming back",
				result.Recovered, sending.Round(time.Millisecond), filling.Round(time.Millisecond))
			f.nodes[0].Start()
			f.nodes[0].WaitReady()
		})
	}
}

// waitNewest returns when the reader has been shown the newest message that the senders had acknowledged.
func waitNewest(t *testing.T, reader *crowd.Ledger, room string, senders []*crowd.Ledger) {
	t.Helper()
	newest := crowd.NewestAcknowledged(senders)[room]
	eventually(t, "the reader to have everything", func() string {
		if at := reader.Newest(room).Offset; at < newest {
			return fmt.Sprintf("it has %d of %d", at, newest)
		}
		return ""
	})
}

// flood sends that many messages to a room, quickly: by many users at once, through both nodes.
func flood(t *testing.T, f *fleet, room string, messages int) []*crowd.Ledger {
	t.Helper()
	const mostUsers = 64
	users := min(mostUsers, messages)
	numbers := make(chan int)
	c := crowd.New(f.crowd())
	ledgers := make([]*crowd.Ledger, users)
	var talking sync.WaitGroup
	for i := range users {
		chatter, err := c.Connect(i)
		if err != nil {
			t.Fatal(err)
		}
		defer chatter.Client.Close()
		ledgers[i] = chatter.Ledger
		talking.Go(func() {
			for n := range numbers {
				text := fmt.Sprintf("message %d", n)
				chatter.Say(room, text)
			}
		})
	}
	for n := range messages {
		numbers <- n
	}
	close(numbers)
	talking.Wait()
	return ledgers
}

// loner is a user whom a test leads by hand.
type loner struct {
	*crowd.Chatter
	fleet   *fleet
	ctx     context.Context
	reading sync.WaitGroup
	stop    context.CancelFunc
}

func newLoner(t *testing.T, f *fleet, user string) *loner {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &loner{Chatter: crowd.New(f.crowd()).Lead(user), fleet: f, ctx: ctx, stop: cancel}
	t.Cleanup(func() {
		cancel()
		l.leave()
	})
	return l
}

// read connects the loner to those addresses and follows a room, from a position on or from the beginning. While the gate is closed the
// client reads nothing from its socket.
func (l *loner) read(t *testing.T, room, addresses string, since *protocol.StreamPosition, g *gate) (*crowd.Reader, *protocol.SubscribeResult) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := l.fleet.dial(ctx, l.Ledger.User, addresses, client.Options{Reconnect: true})
	if err != nil {
		t.Fatal(err)
	}
	l.Client = c
	r := crowd.NewReader(l.Chatter, room)
	o := r.Options()
	o.Since = since
	results := make(chan *protocol.SubscribeResult, 1)
	listen := o.OnSubscribed
	show := o.OnPublication
	o.OnPublication = func(p *protocol.Publication) {
		g.pass()
		show(p)
	}
	o.OnSubscribed = func(result *protocol.SubscribeResult) {
		listen(result)
		select {
		case results <- result:
		default: // not the first
		}
	}
	if _, err := c.Subscribe(ctx, room, o); err != nil {
		t.Fatal(err)
	}
	reading, stop := context.WithCancel(l.ctx)
	l.stop = stop
	l.reading.Go(func() { r.Run(reading) })
	return r, <-results
}

// leave closes the connection and forgets what has come and was not shown yet.
func (l *loner) leave() {
	l.stop()
	l.reading.Wait()
	if l.Client != nil {
		l.Client.Close()
	}
}
