package chaos

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chatfleet/chatfleet/test/crowd"
)

// round is one fault and what followed.
type round struct {
	fault        string
	began, ended time.Time
	// back is how long it took until, with the fault in place, every client got through and heard something new.
	back time.Duration

	messages, retries int
	slowestAck        time.Duration
	longestPause      time.Duration // in which some reader of a room was shown nothing
}

// measure fills in what the ledgers say of the rounds. What spans two rounds counts for the one in which it ended.
func measure(rounds []*round, ledgers []*crowd.Ledger) {
	find := func(at time.Time) *round {
		for _, r := range rounds {
			if !at.Before(r.began) && at.Before(r.ended) {
				return r
			}
		}
		return &round{} // before the first or after the last
	}
	for _, l := range ledgers {
		for _, e := range l.Sent {
			r := find(e.Acked)
			r.messages++
			r.retries += e.Attempts - 1
			r.slowestAck = max(r.slowestAck, e.Acked.Sub(e.Began))
		}
		for _, seen := range l.Seen {
			for i := 1; i < len(seen); i++ {
				if gap := seen[i].At.Sub(seen[i-1].At); gap > 100*time.Millisecond {
					r := find(seen[i].At)
					r.longestPause = max(r.longestPause, gap)
				}
			}
		}
	}
}

// table shows the rounds and the verdict.
func table(rounds []*round, v *crowd.Verdict, unrecovered int64) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "round\tfault\ttook s\tall through after s\tmessages\tretries\tslowest ack s\tlongest reader pause s\t\n")
	for i, r := range rounds {
		fmt.Fprintf(w, "%d\t%s\t%.1f\t%.1f\t%d\t%d\t%.1f\t%.1f\t\n", i+1, r.fault, r.ended.Sub(r.began).Seconds(), r.back.Seconds(),
			r.messages, r.retries, r.slowestAck.Seconds(), r.longestPause.Seconds())
	}
	w.Flush()
	fmt.Fprintf(&b, "\n%d messages acknowledged, %d stored, shown %d times; %d recoveries needed history\n",
		v.Acknowledged, v.Stored, v.Shown, unrecovered)
	fmt.Fprintf(&b, "lost %d, doubled %d, reordered %d, moved %d, altered %d\n",
		v.Lost.Count, v.Doubled.Count, v.Reordered.Count, v.Moved.Count, v.Altered.Count)
	return b.String()
}
