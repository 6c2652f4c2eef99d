// Package comet is the server of CppComet's two protocols: browsers listen to pipes and write into some of them on a WebSocket, and
// backends drive everything with CometQL, which any MySQL client can send.
//
// In come commands of browsers and statements of backends; out go calls of chat, subscriptions to fanout, and rows below those of chat
// that hold what only this protocol knows. A pipe P is the room room:P, and the user with the id 7 is the user "7".
package comet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// Log is what the gateway needs of the backbone: pages of personal feeds, and the way to other nodes.
type Log interface {
	After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	Before(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	NodeID() string
	Nodes() []backbone.Node
	Ask(ctx context.Context, node, kind string, data []byte) ([]byte, error)
	Answer(kind string, answer func(ctx context.Context, data []byte) ([]byte, error)) error
}

// Options of a Gateway. What has no default must be given.
type Options struct {
	// Conns accepts the connections of browsers. It must be abrupt, since the clients do not come back after a polite end.
	Conns  *conn.Server
	Chat   *chat.Service
	Hub    *fanout.Hub
	Log    Log
	Tables chat.Tables
	// App is the application of tenant 0; chat.DefaultApp. Tenant N is the application N.
	App string
	// Password gives the secret of backends, which is also half of that of JSON Web Tokens.
	Password func() []byte
	// Name is what people call this node.
	Name string
	// SQL shapes the server for backends; its Version and Login are the gateway's own.
	SQL mysql.Options
	// MessagesPerSecond bounds what one anonymous connection publishes, with twice as many at once; 0 is no limit.
	MessagesPerSecond float64
	// RequestTimeout bounds a command of a browser; 20 s.
	RequestTimeout time.Duration

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Gateway serves both protocols. Its methods are safe for concurrent use.
type Gateway struct {
	options Options
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	rows    rows
	tables  map[string]*table
	sql     *mysql.Server
	guesses *auth.Guesses
	started time.Time

	ctx    context.Context
	cancel context.CancelFunc
	stop   func() // of the watch

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup

	people   people.Here[*session]
	statuses chan status
	// coming are the users (people.Person) of whom it is yet to be told that they came to this node.
	coming  sync.Map
	reviews *people.Reviews[*member]
}

// New gives a gateway. Close frees what it holds.
func New(o Options) (*Gateway, error) {
	if o.App == "" {
		o.App = chat.DefaultApp
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gateway{
		options: o, log: o.Logger, now: o.Now, metrics: newMetrics(o.Registerer), rows: rows{o.Tables}, started: o.Now(),
		guesses: auth.NewGuesses(auth.GuessOptions{Clock: o.Now}), statuses: make(chan status, maxStatuses),
	}
	g.tables = g.allTables()
	g.reviews = people.NewReviews(g.concerned, g.reconsider)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	sql := o.SQL
	sql.Version, sql.Login, sql.Logger = sqlVersion, g.login, o.Logger
	sql.Connected = func(n int) { g.metrics.backends.Set(float64(n)) }
	sql.Refused = func(reason string) { g.metrics.refused.WithLabelValues(reason).Inc() }
	sql.Answered = func(took time.Duration) { g.metrics.answers.Observe(took.Seconds()) }
	g.sql = mysql.New(sql)
	if err := g.listen(); err != nil {
		g.cancel()
		return nil, err
	}
	g.work.Go(func() { g.tellStatuses(g.ctx) })
	g.work.Go(func() { g.reviews.Run(g.ctx) })
	return g, nil
}

// listen has the gateway told of what happens elsewhere.
func (g *Gateway) listen() (err error) {
	if err := g.options.Log.Answer(usersQuestion, g.answerUsers); err != nil {
		return err
	}
	if g.stop, err = g.options.Tables.Watch(layout.People, g.rowChanged); err != nil {
		return err
	}
	g.options.Chat.OnChange(g.reviews.Note)
	g.options.Chat.OnRevoke(g.revoked)
	return nil
}

// SQL is the server for backends.
func (g *Gateway) SQL() *mysql.Server { return g.sql }

// Close ends the work that is under way, and waits for it. Close the connections and the listeners before.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.stop()
	g.sql.Close()
	g.cancel()
	g.work.Wait()
}

// start runs f in a goroutine that Close waits for; false if the gateway is closed.
func (g *Gateway) start(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.work.Go(f)
	return true
}
