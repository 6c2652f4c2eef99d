package push

import (
	"errors"
	"slices"
	"sync"
)

var errTime = errors.New("If-Modified-Since is no time")

// poller is a poll that may wait.
type poller struct {
	channel, row string
	// woken has a token when there may be something new. replaced is closed when another poll has taken this one's place.
	woken    chan struct{}
	replaced chan struct{}
}

// nudge wakes without waiting.
func (p *poller) nudge() { nudge(p.woken) }

func nudge(woken chan struct{}) {
	select {
	case woken <- struct{}{}:
	default:
	}
}

// pollers are the polls at this node.
type pollers struct {
	most int

	mu        sync.Mutex
	waiting   int
	byChannel map[string][]*poller
	// byRow are the same, by the row of the account whose change may concern them.
	byRow map[string]map[*poller]bool
}

// enter takes a poll in, which ends with leave; or it says which bound that would exceed.
func (ps *pollers) enter(channel, row string, how Concurrency) (p *poller, bound string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	others := ps.byChannel[channel]
	switch {
	case ps.waiting >= ps.most:
		return nil, boundPolls
	case len(others) > 0 && how == First:
		return nil, string(First)
	case how == Last:
		for _, other := range others {
			close(other.replaced)
		}
		delete(ps.byChannel, channel)
	}
	p = &poller{channel: channel, row: row, woken: make(chan struct{}, 1), replaced: make(chan struct{})}
	ps.waiting++
	ps.byChannel[channel] = append(ps.byChannel[channel], p)
	if ps.byRow[row] == nil {
		ps.byRow[row] = map[*poller]bool{}
	}
	ps.byRow[row][p] = true
	return p, ""
}

// leave ends a poll.
func (ps *pollers) leave(p *poller) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.waiting--
	others := slices.DeleteFunc(ps.byChannel[p.channel], func(other *poller) bool { return other == p })
	if ps.byChannel[p.channel] = others; len(others) == 0 {
		delete(ps.byChannel, p.channel)
	}
	delete(ps.byRow[p.row], p)
	if len(ps.byRow[p.row]) == 0 {
		delete(ps.byRow, p.row)
	}
}

// wake wakes the polls that a row concerns; an empty key is all rows.
func (ps *pollers) wake(row string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if row != "" {
		for p := range ps.byRow[row] {
			p.nudge()
		}
		return
	}
	for _, all := range ps.byRow {
		for p := range all {
			p.nudge()
		}
	}
}

func (ps *pollers) count() int {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.waiting
}
