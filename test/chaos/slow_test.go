package chaos

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/crowd"
)

const (
	slowReaders  = 6
	quickReaders = 2
	slowRoom     = "room:slow"
	// slowText is the size of a message: large, because a kernel keeps megabytes for a socket before the node's own queue is used.
	slowText = 8 << 10
	slowRest = 20 * time.Millisecond // of each of the talkers
	talkers  = 4
	// queueBytes is the node's bound of what waits for a connection, ringBytes that of a room's recent messages.
	queueBytes, ringBytes = 256 << 10, 256 << 10
	// mayGrow is how much the node may grow while readers don't read: twice their queues and the ring, since garbage is collected when
	// the heap has doubled, the pages on their way from the log, and the breathing of a process under load.
	mayGrow = 2*(slowReaders*queueBytes+ringBytes) + 32<<20
)

func TestSlowReaderGetsEverythingInOrder(t *testing.T) {
	f := startFleet(t, 1)
	load := startSlowLoad(t, f)
	var readers []*loner
	var pauses []*gate
	for i := range slowReaders + quickReaders {
		l, g := newLoner(t, f, fmt.Sprintf("reader-%d", i)), &gate{}
		t.Cleanup(g.open) // before the loner leaves: a client that waits in its callback can't be closed
		l.read(t, slowRoom, f.nodes[0].URL(), nil, g)
		readers, pauses = append(readers, l), append(pauses, g)
	}
	node := &gauge{t: t, url: f.nodes[0].AdminURL()}
	quick := readers[slowReaders]

	node.watchUntil("the load to be usual", shownMore(quick, 500))
	usual := node.peak
	for _, g := range pauses[:slowReaders] {
		g.close()
	}
	stopped := time.Now()
	node.watchUntil("the queues of the slow readers to overflow", func() string {
		if behind := node.now["chatnode_fanout_members_behind"]; behind < slowReaders {
			return fmt.Sprintf("%v of them are behind", behind)
		}
		return ""
	})
	overflow := time.Since(stopped)
	node.watchUntil("many messages more", shownMore(quick, 1500))
	least := duration(t, "CHAOS_PAUSE", 0)
	node.watchUntil("the pause to end", func() string {
		if early := least - time.Since(stopped); early > 0 {
			return early.String() + " are left"
		}
		return ""
	})
	paused, missed := time.Since(stopped), quick.shown()-readers[0].shown()
	for _, g := range pauses[:slowReaders] {
		g.open()
	}
	began := time.Now()
	load.Finish()
	ledgers := load.Ledgers()
	node.watchUntil("the slow readers to have everything", func() string { return lagging(readers, ledgers) })

	for _, l := range readers {
		ledgers = append(ledgers, l.Ledger)
	}
	log, err := crowd.HistoryOf(t.Context(), f.mustDial(t, "historian", f.nodes[1].URL(), client.Options{}), slowRoom)
	if err != nil {
		t.Fatal(err)
	}
	v := crowd.Judge(ledgers, map[string][]crowd.Sighting{slowRoom: log})
	if faults := v.Faults(); faults != "" {
		t.Error(faults)
	}
	held := slowReaders * missed * slowText
	t.Logf("%d readers did not read for %v (queues full after %v) and missed %d messages each, %d MB in all; they had them after %v",
		slowReaders, paused.Round(time.Millisecond), overflow.Round(time.Millisecond), missed, held>>20, time.Since(began).Round(time.Millisecond))
	t.Logf("the node took %d MB before, %d MB at most since; it closed %v connections, to which their clients came back", usual>>20, node.peak>>20,
		node.closed())
	if grown := node.peak - usual; grown > mayGrow {
		t.Errorf("the node grew by %d MB, more than %d MB", grown>>20, mayGrow>>20)
	}
	if held < 2*mayGrow {
		t.Errorf("the readers missed only %d MB: that proves no bound", held>>20)
	}
}

// startSlowLoad lets some users talk in one room.
func startSlowLoad(t *testing.T, f *fleet) *crowd.Crowd {
	t.Helper()
	c := crowd.New(f.crowd())
	c.Rest, c.Padding = slowRest, strings.Repeat("a long word ", slowText/12)
	for i := range talkers {
		c.Join(i, []string{slowRoom}, nil)
	}
	return c
}

// lagging names a reader that does not have everything yet.
func lagging(readers []*loner, senders []*crowd.Ledger) string {
	newest := crowd.NewestAcknowledged(senders)[slowRoom]
	for _, l := range readers {
		if at := l.Ledger.Newest(slowRoom).Offset; at < newest {
			return fmt.Sprintf("%s has %d of %d", l.Ledger.User, at, newest)
		}
	}
	return ""
}

// shownMore waits until a reader has been shown that many messages more than now.
func shownMore(l *loner, messages int) func() string {
	until := l.shown() + messages
	return func() string {
		if n := l.shown(); n < until {
			return fmt.Sprintf("%s has been shown %d of %d", l.Ledger.User, n, until)
		}
		return ""
	}
}

// shown is the number of messages that were shown in the room.
func (l *loner) shown() int { return l.Ledger.Shown(slowRoom) }

// gauge watches a node's metrics.
type gauge struct {
	t    *testing.T
	url  string
	now  map[string]float64
	peak int // of its resident memory, in bytes
}

// watchUntil is eventually, with fresh metrics at each look.
func (g *gauge) watchUntil(what string, missing func() string) {
	g.t.Helper()
	eventually(g.t, what, func() string {
		now, err := metricsOf(g.t.Context(), g.url)
		if err != nil {
			return err.Error()
		}
		g.now = now
		g.peak = max(g.peak, int(now["process_resident_memory_bytes"]))
		return missing()
	})
}

// closed is the number of connections that the node itself ended.
func (g *gauge) closed() (connections float64) {
	for name, value := range g.now {
		if strings.HasPrefix(name, `chatnode_conn_closed_total{by="server"`) {
			connections += value
		}
	}
	return connections
}

// gate holds up whoever passes while it is closed. A nil gate is open.
type gate struct {
	mu   sync.Mutex
	shut chan struct{} // nil while open
}

func (g *gate) pass() {
	if g == nil {
		return
	}
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

func (g *gate) close() {
	g.mu.Lock()
	g.shut = make(chan struct{})
	g.mu.Unlock()
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}
