package backbone

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// probe stands in subjects where chat nodes put ids.
const probe = "operator"

// right is something that chat nodes or the operator do on NATS.
type right struct {
	subject   string
	subscribe bool
	// stored says that a stream keeps what is published there.
	stored bool
}

// rights lists all that is needed on an external backbone, where the chat nodes and the operator have the same credentials: what the
// layout gives nodes, and what makes streams. Subjects with wildcards stand for one that is made up, and that no node listens on.
func rights(l layout.Layout) (all []right) {
	both := func(subject string) {
		all = append(all, right{subject: subject}, right{subject: subject, subscribe: true})
	}
	for _, subject := range l.Rights().Publish {
		if strings.HasPrefix(subject, "$JS.API.") {
			all = append(all, right{subject: wildcards.Replace(subject)})
		}
	}
	names := func(stream string) {
		all = append(all, right{subject: "$JS.API.STREAM.CREATE." + stream}, right{subject: "$JS.API.STREAM.UPDATE." + stream})
	}
	for _, shard := range l.All() {
		names(l.Stream(shard))
	}
	for _, name := range layout.Buckets {
		names("KV_" + l.Bucket(name))
		all = append(all, right{subject: "$KV." + l.Bucket(name) + "." + probe, stored: true})
	}
	for _, kind := range layout.Kinds {
		shard := layout.Shard{Kind: kind}
		all = append(all, right{subject: l.StoredPrefix(shard) + probe + "." + probe, stored: true}, right{subject: l.Ask(shard), subscribe: true})
		both(l.LivePrefix(shard) + probe + "." + probe)
	}
	both(l.Node(probe, probe))
	both(l.Inbox(probe) + "." + probe)
	return append(all, right{subject: l.Beacon(), subscribe: true})
}

var wildcards = strings.NewReplacer("*", probe, ">", probe)

// checkRights tries every right in a way that does nothing: requests of the API without a body or a reply subject are no requests, nobody
// listens on subjects of the operator, and streams refuse messages for a stream of another name. Refusals come before the answer to the
// ping that follows.
//
// What was allowed once over a connection isn't tried again.
func checkRights(ctx context.Context, nc *nats.Conn, refused *refusals, l layout.Layout) error {
	if refused.allowed(l) {
		return nil
	}
	wanted := map[string]bool{}
	for _, r := range rights(l) {
		wanted[r.subject] = true
	}
	ctx, stop := refused.watch(ctx, func(subject string) bool { return wanted[subject] })
	err := tryAll(ctx, nc, rights(l))
	if denied := stop(); denied != nil {
		return denied
	}
	if err != nil {
		return fmt.Errorf("check the rights: %w", err)
	}
	refused.allow(l)
	return nil
}

func tryAll(ctx context.Context, nc *nats.Conn, all []right) error {
	for _, r := range all {
		if err := try(nc, r); err != nil {
			return fmt.Errorf("use %s: %w", r.subject, err)
		}
	}
	if err := nc.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("wait for the answer to a ping: %w", err)
	}
	// The client library hands errors to a goroutine of its own, which needs its turn.
	turn := time.NewTimer(refusalWait)
	defer turn.Stop()
	select {
	case <-turn.C:
	case <-ctx.Done():
	}
	return nil
}

func try(nc *nats.Conn, r right) error {
	if r.subscribe {
		sub, err := nc.SubscribeSync(r.subject)
		if err != nil {
			return err
		}
		return sub.Unsubscribe()
	}
	m := nats.NewMsg(r.subject)
	if r.stored {
		m.Header.Set(nats.ExpectedStreamHdr, probe)
	}
	return nc.PublishMsg(m)
}

// concerns says which subjects the work on a target uses.
func concerns(streams map[string]bool) func(subject string) bool {
	return func(subject string) bool {
		switch {
		case subject == "$JS.API.INFO", strings.HasPrefix(subject, nats.InboxPrefix):
			return true
		case strings.HasPrefix(subject, "$JS.API."):
			return streams[subject[strings.LastIndexByte(subject, '.')+1:]]
		default:
			return false
		}
	}
}
