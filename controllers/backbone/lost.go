package backbone

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// giveUp has JetStream give up a server that is lost with its volume, which the report then tells: its replicas are made anew in its place,
// and it counts for no majority any more. If the servers can't be asked, the next look does.
func (p *Pool) giveUp(ctx context.Context, t Target, r Report) Report {
	if t.System == nil || t.Servers < 2 || r.Reason != v1alpha1.ReasonReplicasLag {
		return r
	}
	c, back, err := p.borrow(ctx, slot{t.Owner, true}, endpoint{urls: t.URLs, tls: t.System})
	if err != nil {
		return r
	}
	defer back()
	nc, _, err := c.open(ctx)
	if err != nil {
		return r
	}
	answers, err := gather[jszAnswer](ctx, nc, "$SYS.REQ.SERVER.PING.JSZ", "{}", t.Servers)
	if err != nil {
		c.drop(nc)
		return r
	}
	gone, is := lost(answers, t.Servers)
	if !is {
		return r
	}
	switch begun, err := remove(ctx, nc, gone); {
	case err != nil:
		r.Message += "; " + err.Error()
		return r
	case !begun:
		return r
	}
	r.Changed = append(r.Changed, fmt.Sprintf("gave up server %s, which is lost with its volume: its replicas are made anew", gone.Name))
	return r
}

// lost finds a server that JetStream waits for and nobody else does: as many as there should be answer, and the meta group counts more. One
// that only restarts is among those that answer, since its name is on its volume.
func lost(answers []jszAnswer, servers int) (peer metaPeer, is bool) {
	answered := map[string]bool{}
	for _, a := range answers {
		answered[idOf(a.Server.Name)] = true
	}
	if len(answered) < servers {
		return peer, false
	}
	for _, a := range answers {
		if a.Server.Name != a.Data.Meta.Leader || len(a.Data.Meta.Replicas)+1 <= servers {
			continue // only the leader knows who is there
		}
		for _, r := range a.Data.Meta.Replicas {
			if !answered[r.ID] && !up(&r.PeerInfo) {
				return r, true
			}
		}
	}
	return peer, false
}

// idOf is the id that a server has in Raft groups: the first eight bytes of the SHA-256 of its name, each modulo 62 a digit or letter
// (getHash of nats-server). The leader may know no more than that of a server that it hasn't heard of.
func idOf(server string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(server))
	id := sum[:8]
	for i := range id {
		id[i] = digits[int(id[i])%len(digits)]
	}
	return string(id)
}

// remove takes a server out of the meta group. It isn't begun while another server comes or goes: then there is a next time.
func remove(ctx context.Context, nc *nats.Conn, peer metaPeer) (begun bool, err error) {
	request, err := json.Marshal(map[string]string{"peer": peer.Name, "peer_id": peer.ID})
	if err != nil {
		return false, fmt.Errorf("give up server %s: %w", peer.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, changeWait)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, "$JS.API.SERVER.REMOVE", request)
	if err != nil {
		return false, fmt.Errorf("give up server %s: %w", peer.Name, err)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return false, fmt.Errorf("give up server %s: read the answer: %w", peer.Name, err)
	}
	if answer.Error != nil && answer.Error.ErrorCode != memberChange {
		return false, fmt.Errorf("give up server %s: %w", peer.Name, answer.Error)
	}
	return answer.Error == nil, nil
}
