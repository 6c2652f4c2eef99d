package backbone

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/controllers/rollout"
)

const (
	// gateWait bounds one Gate.
	gateWait = 10 * time.Second
	// gateLooks is how often the servers are asked while streams are behind: under load they are for moments, and each need be seen without
	// any lag but once.
	gateLooks = 6
)

// Gate asks the servers of a managed backbone, over their system account, whether one of them may be restarted. An error means that they
// can't be asked. It takes at most ten seconds.
func (p *Pool) Gate(ctx context.Context, t Target, system TLS) (rollout.Gate, error) {
	ctx, cancel := context.WithTimeout(ctx, gateWait)
	defer cancel()
	c, back, err := p.borrow(ctx, slot{t.Owner, true}, endpoint{urls: t.URLs, tls: &system})
	if err != nil {
		return rollout.Gate{}, fmt.Errorf("ask the NATS servers: %w", err)
	}
	defer back()
	nc, _, err := c.open(ctx)
	if err != nil {
		return rollout.Gate{}, fmt.Errorf("connect to the system account of NATS: %w", err)
	}
	gate, err := t.gate(ctx, nc)
	if err != nil {
		c.drop(nc)
		return rollout.Gate{}, fmt.Errorf("ask the NATS servers: %w", err)
	}
	return gate, nil
}

func (t Target) gate(ctx context.Context, nc *nats.Conn) (rollout.Gate, error) {
	settled := map[string]bool{}
	pause := time.NewTimer(lookWait)
	defer pause.Stop()
	for n := 1; ; n++ {
		v, err := t.view(ctx, nc)
		if err != nil {
			return rollout.Gate{}, err
		}
		gate, again := v.gate(t, settled)
		if !again || n == gateLooks {
			return gate, nil
		}
		select {
		case <-pause.C:
			pause.Reset(lookWait)
		case <-ctx.Done():
			return gate, nil
		}
	}
}

// view is what the servers say at one time.
type view struct {
	jetstream []jszAnswer
	health    map[string]healthAnswer // by the server's name
}

func (t Target) view(ctx context.Context, nc *nats.Conn) (v view, err error) {
	if v.jetstream, err = gather[jszAnswer](ctx, nc, "$SYS.REQ.SERVER.PING.JSZ", `{"accounts":true,"streams":true,"stream_leader_only":true}`, t.Servers); err != nil {
		return v, err
	}
	health, err := gather[healthAnswer](ctx, nc, "$SYS.REQ.SERVER.PING.HEALTHZ", "", t.Servers)
	if err != nil {
		return v, err
	}
	v.health = make(map[string]healthAnswer, len(health))
	for _, h := range health {
		v.health[h.Server.Name] = h
	}
	return v, nil
}

// gate judges the view. settled has the streams that were seen without any lag. again says that only lag keeps the gate shut.
func (v view) gate(t Target, settled map[string]bool) (gate rollout.Gate, again bool) {
	lagging, led := map[string]string{}, map[string]bool{}
	for _, a := range v.jetstream {
		h := v.health[a.Server.Name]
		gate.Servers = append(gate.Servers, rollout.Server{Name: a.Server.Name, Pod: podOf(a.Server.Name), Current: h.Data.Status == "ok"})
		gate.MetaLeader = cmp.Or(gate.MetaLeader, a.Data.Meta.Leader)
		for stream, lacks := range a.streams(&again) {
			led[stream] = true
			if settled[stream] = settled[stream] || lacks == ""; lacks != "" {
				lagging[stream] = lacks
			}
		}
	}
	slices.SortFunc(gate.Servers, func(a, b rollout.Server) int { return strings.Compare(a.Name, b.Name) })
	gate.Why = v.down(t, gate)
	var missing []string
	for _, w := range wantedStreams(t.Layout, t.Settings) {
		switch {
		case !led[w.Name]:
			missing = append(missing, w.Name+" has no leader")
		case !settled[w.Name]:
			missing = append(missing, w.Name+": "+lagging[w.Name])
		}
	}
	switch {
	case gate.Why != "":
		return gate, false
	case len(missing) > 0:
		gate.Why = some(missing)
		return gate, again
	}
	for _, s := range gate.Servers {
		if !s.Current {
			gate.Why = fmt.Sprintf("server %s is not healthy: %s", s.Name, v.health[s.Name].Data.Error)
			return gate, true
		}
	}
	gate.Healthy = true
	return gate, false
}

// down says which servers are missing, or that there is nobody to place streams.
func (v view) down(t Target, gate rollout.Gate) string {
	switch {
	case len(v.jetstream) < t.Servers:
		return fmt.Sprintf("%d of %d NATS servers answer", len(v.jetstream), t.Servers)
	case t.Servers == 1:
		return ""
	case gate.MetaLeader == "":
		return "JetStream has no meta leader"
	}
	for _, a := range v.jetstream {
		if a.Server.Name != gate.MetaLeader {
			continue // only the leader knows how far the others are
		}
		for _, r := range a.Data.Meta.Replicas {
			if r.Offline || !r.Current {
				return fmt.Sprintf("server %s is not up to date in the meta group", r.Name)
			}
		}
	}
	return ""
}

var madeUp = regexp.MustCompile(`-[0-9a-f]{6}$`)

// podOf is the pod of a server by its name.
func podOf(server string) string { return madeUp.ReplaceAllString(server, "") }
