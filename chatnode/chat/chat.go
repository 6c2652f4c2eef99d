// Package chat is the domain: what rooms there are, who may do what in them, and what a message is. It knows no network.
//
// In come the wishes of actors, by channel name; out go drafts to the log, rows to the tables that hold the state, and the feeds that
// channels stand for. Every right is decided in rights.go, for every gateway.
//
// Rows are the truth of rooms and memberships, and are written first; the events that tell of them follow. Each node remembers rows until
// they change: the tables tell every node of each change.
package chat

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// DefaultApp is the application of actors whose token names none.
const DefaultApp = "default"

// Actor is who wants something.
type Actor struct {
	App string
	// User is empty for anonymous users, and for an application's server.
	User string
	// Server says that it is the application's own server, which may do everything in its application.
	Server bool
	// Client is the id of the connection.
	Client string
	// Info is what the user's token says for others to see, JSON or empty.
	Info json.RawMessage
}

// sender is the name under which the actor's messages are ordered and their ids are told apart.
func (a Actor) sender() string {
	switch {
	case a.Server:
		return serverSender
	case a.User == "":
		return "\x00" + a.Client
	}
	return a.User
}

// serverSender is the sender of what servers say. No user's name has a zero byte in front, and no connection is called so.
const serverSender = "\x00server"

// ClientInfo is the actor as others see it: {"user","client","conn_info"}; nil for a server.
func (a Actor) ClientInfo() []byte {
	if a.Server {
		return nil
	}
	info, err := json.Marshal(struct {
		User   string          `json:"user"`
		Client string          `json:"client"`
		Info   json.RawMessage `json:"conn_info,omitempty"`
	}{a.User, a.Client, a.Info})
	if err != nil {
		return nil // Info was not JSON; tokens are checked for that
	}
	return info
}

// Log is what chat needs of the message log: what backbone gives.
type Log interface {
	Enqueue(feed backbone.Feed, d backbone.Draft) *backbone.Pending
	Read(ctx context.Context, feed backbone.Feed, offset uint64) (*backbone.Message, error)
	After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	Head(ctx context.Context, feed backbone.Feed) (backbone.Position, error)
	Messages(ctx context.Context, feed backbone.Feed, q backbone.MessagesQuery) (backbone.View, error)
	Entry(ctx context.Context, feed backbone.Feed, offset uint64) (backbone.Entry, bool, error)
	Unread(ctx context.Context, questions []backbone.UnreadQuestion) ([]backbone.Unread, error)
	Changes(ctx context.Context, questions []backbone.ChangesQuestion) ([]backbone.Changes, error)
	ShardOf(feed backbone.Feed) layout.Shard
	Erase(ctx context.Context, feed backbone.Feed, offset uint64) error
}

// Signals carries what is not stored to everybody who listens.
type Signals interface {
	Signal(feed backbone.Feed, data []byte) error
}

// Limits bound what one user may do.
type Limits struct {
	// TextBytes bounds the text of a message, DataBytes its data.
	TextBytes, DataBytes int
	// MessagesPerSecond and Burst bound a user's messages, on all connections to this node together.
	MessagesPerSecond float64
	Burst             int
	// MembersPerRoom bounds the members of a room together with those who are invited, RoomsPerUser the rooms on a user's list that the
	// user has joined or is invited to; 0: as many as there are.
	MembersPerRoom, RoomsPerUser int
}

// DefaultLimits are the limits if nothing else is said.
var DefaultLimits = Limits{TextBytes: 16 << 10, DataBytes: 60 << 10, MessagesPerSecond: 20, Burst: 40, MembersPerRoom: 100_000, RoomsPerUser: 10_000}

// Options of a service. Log, Tables and Signals must be given.
type Options struct {
	Log     Log
	Tables  Tables
	Signals Signals
	// OpenChannels are patterns, with * for any text, of channels outside the chat vocabulary that anybody may use.
	OpenChannels []string
	// ImplicitRooms lets every signed-in user use a room that nobody made.
	ImplicitRooms bool
	// Gate is asked before a user's message or edit is accepted; nil: none.
	Gate Gate
	// Here tells which of some users of an application are connected anywhere in the fleet: for each, the name of every connection's
	// device, which may be empty. Nil: nobody is ever online.
	Here func(ctx context.Context, app string, users []string) (map[string][]string, error)
	// Quotas are the limits of applications, which may change; nil: there are none. Nodes is how many nodes share what is counted by each;
	// nil: there is one.
	Quotas func() Quotas
	Nodes  func() int
	// Letters gives what a webhook did not take; nil: there is no webhook.
	Letters Letters
	// Linger tells how long servers' own logs may still hold what is erased; nil: 15 minutes.
	Linger func() time.Duration
	// Search finds words in rooms; nil: searching is switched off.
	Search Searcher
	// Limits; zero: DefaultLimits.
	Limits Limits
	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no actor is told; nil: slog.Default.
	Logger *slog.Logger
	// Now is the clock, time.Now.
	Now func() time.Time
}

// Service answers wishes. Its methods are safe for concurrent use.
type Service struct {
	options Options
	log     Log
	tables  Tables
	open    patterns
	limits  Limits
	rates   rates
	counts  counts
	lines   lines
	seen    seen
	lists   lists

	rooms   *cache[record[roomRecord]]
	members *cache[record[memberRecord]]
	people  *cache[record[personRecord]]
	stops   []func()
	work    sync.WaitGroup

	appRates  appRates
	revoked   revocations
	announced announcements
	trails    trails

	departures departures
	metrics    *metrics

	mu         sync.Mutex
	onChange   []func(app, channel, user string)
	onAnnounce []func(app string, event []byte)
}

// New gives the service. It must be closed before the log is.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits
	}
	s := &Service{
		options: o, log: o.Log, tables: o.Tables, open: o.OpenChannels, limits: o.Limits, rates: rates{limits: o.Limits},
		rooms: cached[roomRecord](o.Tables, layout.Rooms), members: cached[memberRecord](o.Tables, layout.Members),
		people: cached[personRecord](o.Tables, layout.People),
	}
	s.tables = noticed{o.Tables, s.wrote}
	s.lists.tables, s.lists.log, s.lists.long, s.lists.most = o.Tables, o.Log, longList, maxListed
	s.metrics = newMetrics(o.Registerer, s)
	s.lists.metrics = s.metrics
	s.lines.init()
	s.departures.init()
	s.revoked.init()
	s.revoked.onChange(s.trails.forget)
	s.announced.init()
	if err := s.watch(); err != nil {
		s.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stops = append(s.stops, cancel)
	s.begin(ctx)
	for _, run := range []func(context.Context){s.sweep, s.resumeErasures, s.followRevoked, s.followAnnounced} {
		s.work.Go(func() { run(ctx) })
	}
	return s, nil
}

// beginWait bounds how long a new service waits for what it should know from the start. If the log does not answer, it learns it later.
const beginWait = 5 * time.Second

// begin reads who is revoked, and what was announced before.
func (s *Service) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beginWait)
	defer cancel()
	if s.readRevoked(ctx, nil, true) == nil {
		_ = s.readAnnounced(ctx)
	}
}

func cached[V any](t Tables, table string) *cache[record[V]] {
	return newCache(func(ctx context.Context, key string) (record[V], error) { return loadRow[V](ctx, t, table, key) })
}

// watch forgets rows when they change, and says so to those who asked.
func (s *Service) watch() error {
	var errs []error
	on := func(table string, changed func(key string)) {
		stop, err := s.tables.Watch(table, changed)
		if err != nil {
			errs = append(errs, err)
			return
		}
		s.stops = append(s.stops, stop)
	}
	on(layout.Rooms, func(key string) {
		s.rooms.forget(key)
		s.changed(key, false)
	})
	on(layout.Members, func(key string) {
		s.members.forget(key)
		s.changed(key, true)
	})
	on(layout.Inbox, s.lists.changed)
	on(layout.People, s.people.forget)
	on(layout.Revoked, s.revoked.note)
	on(layout.Letters, s.announced.note)
	return errors.Join(errs...)
}

// changed tells of a row of rooms, or of members.
func (s *Service) changed(key string, ofMember bool) {
	parts, ok := layout.ParseRowKey(key)
	var app, channel, user string
	switch {
	case key == "":
	case !ok || len(parts) < 2 || ofMember && len(parts) < 3:
		return
	case ofMember:
		app, channel, user = parts[0], parts[1], parts[2]
	default:
		app, channel = parts[0], parts[1]
	}
	s.mu.Lock()
	told := s.onChange
	s.mu.Unlock()
	for _, tell := range told {
		tell(app, channel, user)
	}
}

// OnChange calls tell when what the user may do in the channel may have changed: an empty user is everybody, an empty channel all of
// them. It must not block. To be called before anybody uses the service.
func (s *Service) OnChange(tell func(app, channel, user string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = append(s.onChange, tell)
}

// Close ends the service: sends that have not begun fail.
func (s *Service) Close() {
	s.metrics.departuresLost.Add(float64(s.departures.close()))
	for _, stop := range s.stops {
		stop()
	}
	s.lines.close()
	s.work.Wait()
}
