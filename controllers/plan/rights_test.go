package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

// patience is how long tests wait for what must happen.
const patience = time.Minute

func twoShards(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Shards = 2 }

// ensure makes the streams and buckets, as the operator does.
func (w *world) ensure() {
	w.t.Helper()
	pool := backbone.NewPool(backbone.Options{})
	defer pool.Close()
	own := w.secrets[NamesOf(w.c).OperatorTLS]
	l, settings := Layout(w.c)
	target := backbone.Target{
		Owner: "shop/lobby", Layout: l, Settings: settings, Managed: true, Servers: len(w.servers),
		TLS: &backbone.TLS{CA: own["ca.crt"], Cert: own["tls.crt"], Key: own["tls.key"]},
	}
	for i := range w.servers {
		target.URLs = append(target.URLs, w.url(i))
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	for {
		report := pool.Ensure(ctx, target)
		if report.Reason == "" && report.Streams == report.Wanted {
			return
		}
		if ctx.Err() != nil {
			w.t.Fatalf("the streams are not there: %+v", report)
		}
	}
}

// node runs a chat node with the planned command line, its files moved to this machine.
func (w *world) node(name string) *process.Chatnode {
	w.t.Helper()
	w.mount(NamesOf(w.c).NodeTLS, "tls")
	w.mountChat()
	var flags []string
	for _, arg := range w.plan.deployment(w.t).Spec.Template.Spec.Containers[0].Args {
		// The helper that starts nodes gives addresses and probes without certificates.
		if strings.HasPrefix(arg, "--listen") || strings.HasPrefix(arg, "--admin-") || strings.HasPrefix(arg, "--nats-url") ||
			strings.HasPrefix(arg, "--data-dir") {
			continue
		}
		flags = append(flags, strings.NewReplacer("/etc/chatnode", w.dir, "$(POD_NAME)", name, "-listen=:8000", "-listen=127.0.0.1:0").Replace(arg))
	}
	return process.StartChatnode(w.t, process.ChatnodeOptions{
		Name: name, NATSURL: w.url(0), Flags: flags, Env: []string{"CHATNODE_DEV=true"},
	})
}

func join(t testing.TB, node *process.Chatnode, name string) *client.Client {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	response, err := http.Get(node.URL() + "/dev/token?user=" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	var answer struct{ Token string }
	if err != nil || json.Unmarshal(body, &answer) != nil {
		t.Fatalf("token: %v, %s", err, body)
	}
	c, err := client.Dial(t.Context(), node.URL(), client.Options{Token: answer.Token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Everything that chat nodes do works with the rights that they have, and none of it makes NATS refuse anything.
func TestChatNodesServeWithTheRightsThatTheyHave(t *testing.T) {
	asked, told := receiver(t)
	w := newWorld(t, lobby(servers(1), twoShards, chatting, func(c *v1alpha1.ChatCluster) {
		c.Spec.Drain.Period, c.Spec.Rooms.Explicit = &metav1.Duration{}, false
		c.Spec.Hooks.Webhook.URL, c.Spec.Hooks.Moderation.URL = asked, asked
		c.Spec.Protocols = &v1alpha1.ProtocolsSpec{Heimdallr: &v1alpha1.HeimdallrProtocol{}}
	}))
	w.start()
	w.ensure()
	one, two := w.node("one"), w.node("two")
	ann, bob := join(t, one, "ann"), join(t, two, "bob")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const room = "room:lobby"

	came := make(chan *protocol.Publication, 16)
	subscribed, err := bob.Subscribe(ctx, room, client.SubscribeOptions{
		JoinLeave: true, OnPublication: func(p *protocol.Publication) { came <- p },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ann.Subscribe(ctx, room, client.SubscribeOptions{JoinLeave: true}); err != nil {
		t.Fatal(err)
	}
	send := func(text string) {
		id := uuid.Must(uuid.NewV7()).String()
		first, err := ann.Send(ctx, room, id, text)
		if err != nil {
			t.Fatalf("send: %v", err)
		}
		if again, err := ann.Send(ctx, room, id, text); err != nil || again.Offset != first.Offset {
			t.Fatalf("send again: %+v after %+v, %v", again, first, err)
		}
	}
	send("live")
	select {
	case <-came:
	case <-ctx.Done():
		t.Fatal("the other node's client got no message")
	}
	since := subscribed.Position()
	bob.Close()
	send("missed")

	bob = join(t, two, "bob")
	recovered := make(chan *protocol.SubscribeResult, 1)
	if _, err := bob.Subscribe(ctx, room, client.SubscribeOptions{
		Since: since, OnSubscribed: func(r *protocol.SubscribeResult) { recovered <- r },
	}); err != nil {
		t.Fatal(err)
	}
	if r := <-recovered; !r.Recovered || len(r.Publications) != 1 {
		t.Errorf("recovery: recovered %v with %d messages, want 1", r.Recovered, len(r.Publications))
	}
	history, err := bob.History(ctx, protocol.HistoryRequest{Channel: room, Limit: 10})
	if err != nil || len(history.Publications) != 2 {
		t.Errorf("history: %+v, %v, want 2 messages", history, err)
	}
	again := time.NewTicker(50 * time.Millisecond) // nodes tell each other after a moment
	defer again.Stop()
	for present := 0; present != 2; <-again.C {
		clients, err := bob.Presence(ctx, room)
		if err != nil {
			t.Fatalf("presence: %v after %d clients, want those of both nodes", err, present)
		}
		present = len(clients)
	}
	if _, err := bob.History(ctx, protocol.HistoryRequest{Channel: "user:bob", Limit: 10}); err != nil {
		t.Errorf("history of a personal channel: %v", err)
	}
	for range 2 {
		select {
		case <-told:
		case <-ctx.Done():
			t.Fatal("the webhook was not told of both messages")
		}
	}
	knowsMetrics(t, one)
	two.Stop() // hands its shards over
	if history, err := ann.History(ctx, protocol.HistoryRequest{Channel: room, Limit: 10}); err != nil || len(history.Publications) != 2 {
		t.Errorf("history after the other node has ended: %+v, %v, want 2 messages", history, err)
	}
	for _, node := range []*process.Chatnode{one, two} {
		if strings.Contains(strings.ToLower(node.Log()), "permissions violation") {
			t.Errorf("NATS refused something:\n%s", node.Log())
		}
	}
}

// limited is a connection with the rights of a chat node, and what the server has refused to it.
type limited struct {
	*nats.Conn
	refused chan error
}

func (w *world) asNode() *limited {
	w.t.Helper()
	l := &limited{refused: make(chan error, 64)}
	nc, err := w.connect(NamesOf(w.c).NodeTLS, nats.CustomInboxPrefix("_INBOX.chat.tester"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.refused <- err }))
	if err != nil {
		w.t.Fatal(err)
	}
	l.Conn = nc
	return l
}

// outcome is nil if the server let through what was done before, else its refusal.
func (l *limited) outcome(t testing.TB) error {
	t.Helper()
	if err := l.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	// The error handler has its own queue. A refusal that is known to come ends the wait: whatever came before is there by then.
	if err := l.Publish("forbidden.marker", nil); err != nil {
		t.Fatal(err)
	}
	var first error
	for {
		select {
		case err := <-l.refused:
			if strings.Contains(err.Error(), "forbidden.marker") {
				return first
			}
			first = errors.Join(first, err)
		case <-time.After(patience):
			t.Fatal("the server did not refuse what it must refuse")
		}
	}
}

func TestChatNodesMayDoNothingElse(t *testing.T) {
	w := newWorld(t, lobby(servers(1), twoShards))
	w.start()
	w.ensure()
	foreignStream(t, w)
	node := w.asNode()

	publish := []string{
		"$JS.API.STREAM.CREATE.chat-ROOMS-9", "$JS.API.STREAM.UPDATE.chat-ROOMS-0", "$JS.API.STREAM.DELETE.chat-ROOMS-0",
		"$JS.API.STREAM.PURGE.chat-ROOMS-0", "$JS.API.STREAM.DELETE.KV_chat-leases", "$JS.API.STREAM.SNAPSHOT.chat-ROOMS-0",
		"$JS.API.STREAM.LEADER.STEPDOWN.chat-ROOMS-0", "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$JS.API.STREAM.NAMES",
		"$JS.API.STREAM.INFO.foreign", "$JS.API.STREAM.MSG.GET.foreign", "$JS.API.DIRECT.GET.foreign", "$JS.API.CONSUMER.CREATE.foreign.x",
		"$JS.API.CONSUMER.MSG.NEXT.foreign.x", "$JS.API.CONSUMER.DURABLE.CREATE.chat-ROOMS-0.x", "$JS.API.CONSUMER.CREATE.chat-ROOMS-0",
		"$JS.API.CONSUMER.LIST.chat-ROOMS-0", "$JS.API.STREAM.INFO.chat-ROOMS-2",
		"$JS.API.STREAM.PURGE.KV_chat-members", "$JS.API.STREAM.MSG.DELETE.KV_chat-members", "$JS.API.CONSUMER.DURABLE.CREATE.KV_chat-members.x",
		"$JS.API.STREAM.DELETE.KV_chat-rooms", "$JS.API.STREAM.SNAPSHOT.KV_chat-people", "$JS.ACK.foreign.x.1.1.1.1.0",
		"$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.CHAT.CONNZ", "$SYS.ACCOUNT.CHAT.CONNECT",
		"$KV.foreign.key", "foreign.subject", "chat.room.0.app", "chat.room.0.a.b.c", "_INBOX.other.1", "chat",
	}
	for _, subject := range publish {
		t.Run("publish "+subject, func(t *testing.T) {
			if err := node.PublishRequest(subject, node.NewInbox(), nil); err != nil {
				t.Fatal(err)
			}
			if err := node.outcome(t); err == nil {
				t.Error("the server let it through")
			}
		})
	}
	for _, subject := range []string{">", "*", "chat.>", "chat.room.>", "chat.user.*.*.*", "$KV.>", "$JS.>", "$SYS.>", "_INBOX.>", "foreign.subject"} {
		t.Run("subscribe "+subject, func(t *testing.T) {
			sub, err := node.SubscribeSync(subject)
			if err != nil {
				t.Fatal(err)
			}
			if err := node.outcome(t); err == nil {
				t.Error("the server let it through")
			}
			_ = sub.Unsubscribe()
		})
	}
}

// What chat nodes do so rarely that no test waits for it.
func TestChatNodesMayListAndEndPresence(t *testing.T) {
	w := newWorld(t, lobby(servers(1), twoShards))
	w.start()
	w.ensure()
	node := w.asNode()
	js, err := jetstream.New(node.Conn)
	if err != nil {
		t.Fatal(err)
	}
	l, _ := Layout(w.c)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	bucket, err := js.KeyValue(ctx, l.Bucket(layout.Presence))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for i := range 300 {
		key := fmt.Sprintf("app.room%03d.node", i)
		if _, err := bucket.Put(ctx, key, []byte("here")); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	lister, err := bucket.ListKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key := range lister.Keys() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, want) {
		t.Errorf("listed %d keys, want %d", len(keys), len(want))
	}
	_ = lister.Stop() // it has ended by itself
	if err := bucket.Purge(ctx, want[0], jetstream.PurgeTTL(layout.PresenceMarkerAge)); err != nil {
		t.Error(err)
	}
	if err := node.outcome(t); err != nil {
		t.Errorf("the server refused: %v", err)
	}
}

// foreignStream makes a stream that is not the cluster's.
func foreignStream(t testing.TB, w *world) {
	t.Helper()
	operator, err := w.connect(NamesOf(w.c).OperatorTLS)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(operator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "foreign", Subjects: []string{"foreign.>"}}); err != nil {
		t.Fatalf("the operator may not make a stream: %v", err)
	}
}

func TestWhoMayConnect(t *testing.T) {
	w := newWorld(t, lobby(servers(1)))
	w.start()
	n := NamesOf(w.c)
	for secret, allowed := range map[string]bool{n.NodeTLS: true, n.OperatorTLS: true, n.SystemTLS: true, n.MetricsTLS: false, n.BackboneTLS: false, "": false} {
		t.Run("with "+secret, func(t *testing.T) {
			nc, err := w.connect(secret)
			if allowed != (err == nil) {
				t.Fatalf("connected: %v, %v", nc != nil, err)
			}
		})
	}
	t.Run("the system sees all servers", func(t *testing.T) {
		system, err := w.connect(n.SystemTLS)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := system.Request("$SYS.REQ.SERVER.PING", nil, patience); err != nil {
			t.Error(err)
		}
	})
}

var metricName = regexp.MustCompile(`\b(?:chatnode|process)_[a-z_]+`)

// knowsMetrics checks that a node has every metric that the alerts and the dashboard speak of.
func knowsMetrics(t testing.TB, node *process.Chatnode) {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	refused, err := http.Get(node.URL() + "/connection/websocket") // some metrics are there only once they count something
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Body.Close()
	response, err := http.Get(node.AdminURL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, name := range metricName.FindAllString(string(body), -1) {
		known[name] = true
	}
	var asked []string
	for _, a := range alerts {
		asked = append(asked, a.expression)
	}
	for _, p := range panels {
		for _, query := range p.queries {
			asked = append(asked, query[1])
		}
	}
	for _, name := range metricName.FindAllString(strings.Join(asked, " "), -1) {
		if !known[name] {
			t.Errorf("chat nodes have no metric %s", name)
		}
	}
}
