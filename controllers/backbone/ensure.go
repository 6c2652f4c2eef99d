package backbone

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// ensureWait bounds one Ensure.
const ensureWait = 10 * time.Second

// Ensure connects to the target, makes or updates its streams and buckets, and says how they are. It takes at most ten seconds.
func (p *Pool) Ensure(ctx context.Context, t Target) Report {
	ctx, cancel := context.WithTimeout(ctx, ensureWait)
	defer cancel()
	return p.giveUp(ctx, t, p.ensure(ctx, t))
}

func (p *Pool) ensure(ctx context.Context, t Target) Report {
	c, back, err := p.borrow(ctx, slot{owner: t.Owner}, t.endpoint())
	if err != nil {
		return t.failed(err)
	}
	defer back()
	r, again := c.ensure(ctx, t)
	if again && ctx.Err() == nil {
		r, _ = c.ensure(ctx, t)
	}
	return r
}

// ensure does so over the connection. again says that this or another server may answer a second try.
func (c *connection) ensure(ctx context.Context, t Target) (r Report, again bool) {
	nc, refused, err := c.open(ctx)
	if err != nil {
		return t.failed(err), false
	}
	r = t.ensure(ctx, nc, refused)
	again = r.Reason == v1alpha1.ReasonUnreachable || nc.IsClosed()
	if again || r.Reason == v1alpha1.ReasonPermissionDenied {
		c.drop(nc) // what is refused stays refused over this connection
	}
	return r, again
}

func (t Target) endpoint() endpoint {
	e := endpoint{urls: t.URLs, tls: t.TLS, credentials: t.Credentials}
	if !t.Managed && (len(t.Credentials) > 0 || t.TLS != nil && len(t.TLS.Cert) > 0) {
		// Like those of the chat nodes, so that they can be told from those of others in the account.
		e.inbox = t.Layout.Inbox(probe)
	}
	return e
}

func (t Target) wanted() int { return len(t.Layout.All()) + len(t.Layout.Buckets(t.Settings)) }

// failed reports that no server let us in.
func (t Target) failed(err error) Report {
	return Report{Wanted: t.wanted()}.with(dialReason(err), "connect to NATS: "+err.Error())
}

func (t Target) ensure(ctx context.Context, nc *nats.Conn, refused *refusals) Report {
	r := Report{Reachable: true, Version: nc.ConnectedServerVersion(), Wanted: t.wanted()}
	if !recent(r.Version) {
		return r.with(v1alpha1.ReasonTooOld, fmt.Sprintf("NATS %s is too old: chatfleet needs %s or newer", r.Version, oldest))
	}
	wanted := wantedStreams(t.Layout, t.Settings)
	names := make(map[string]bool, len(wanted))
	for _, w := range wanted {
		names[w.Name] = true
	}
	ctx, stop := refused.watch(ctx, concerns(names))
	defer func() { _ = stop() }()
	started := time.Now()
	if err := ping(ctx, nc); err != nil {
		return r.trouble(errFirst(stop(), err))
	}
	r.RTT = time.Since(started)
	if !t.Managed {
		if err := checkRights(ctx, nc, refused, t.Layout); err != nil {
			return r.trouble(err)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return r.trouble(err)
	}
	if err := ready(ctx, js); err != nil {
		return r.trouble(errFirst(stop(), err))
	}
	states := prepare(ctx, js, wanted)
	r.take(states)
	if denied := stop(); denied != nil {
		return r.trouble(denied)
	}
	return r.judge(states, nc.IsClosed())
}

func ping(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeoutCause(ctx, infoWait, fmt.Errorf("no answer to a ping within %v", infoWait))
	defer cancel()
	if err := nc.FlushWithContext(ctx); err != nil {
		return errFirst(context.Cause(ctx), err)
	}
	return nil
}

// ready says whether JetStream answers.
func ready(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeoutCause(ctx, infoWait, errNoMetaLeader)
	defer cancel()
	_, err := js.AccountInfo(ctx)
	switch {
	case err == nil:
		return nil
	case errorCode(err) == notAvailable, errors.Is(context.Cause(ctx), errNoMetaLeader):
		return errNoMetaLeader
	default:
		return fmt.Errorf("use JetStream: %w", err)
	}
}

var errNoMetaLeader = errors.New("JetStream has no leader: too few of its servers are up")

// take counts what is there.
func (r *Report) take(states []state) {
	servers := map[string]bool{}
	for _, s := range states {
		switch {
		case s.lagging != "":
			r.Lagging = append(r.Lagging, s.name+": "+s.lagging)
		case s.err == nil:
			r.Streams++
		}
		if s.info != nil {
			serversOf(s.info, servers)
		}
	}
	for _, up := range servers {
		if up {
			r.Servers++
		}
	}
	if r.Servers == 0 {
		r.Servers = 1 // it runs alone
	}
	r.Changed = changesOf(states)
}

// judge gives the reason of the first thing that is wrong.
func (r Report) judge(states []state, lost bool) Report {
	var failed []string
	for _, s := range states {
		if s.err != nil {
			failed = append(failed, s.name+" "+s.err.Error())
		}
	}
	switch {
	case lost:
		return r.with(v1alpha1.ReasonUnreachable, "the connection to NATS was lost")
	case len(failed) > 0:
		return r.with(v1alpha1.ReasonStreamsFailed, some(failed))
	case len(r.Lagging) > 0:
		return r.with(v1alpha1.ReasonReplicasLag, some(r.Lagging))
	default:
		return r
	}
}

func (r Report) with(reason, message string) Report {
	r.Reason, r.Message = reason, ownAddress.ReplaceAllString(message, "")
	return r
}

// ownAddress is the operator's side of a connection in an error of Go's: another port at every attempt, and of no use to anybody.
var ownAddress = regexp.MustCompile(`\S+:\d+->`)

// trouble reports an error that everything stumbles over.
func (r Report) trouble(err error) Report {
	var denied *deniedError
	switch {
	case errors.As(err, &denied):
		return r.with(v1alpha1.ReasonPermissionDenied, err.Error())
	case errors.Is(err, errNoMetaLeader):
		return r.with(v1alpha1.ReasonReplicasLag, err.Error())
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return r.with(v1alpha1.ReasonNoJetStream, "JetStream is not enabled for the account")
	default:
		return r.with(v1alpha1.ReasonUnreachable, err.Error())
	}
}

// some is the first of many messages.
func some(messages []string) string {
	const shown = 3
	text := strings.Join(messages[:min(len(messages), shown)], "; ")
	if more := len(messages) - shown; more > 0 {
		text += "; and " + strconv.Itoa(more) + " more"
	}
	return text
}

func errFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
