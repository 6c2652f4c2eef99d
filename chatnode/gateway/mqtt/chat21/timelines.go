// Package chat21 says in chat's words what chat21 knows: messages in the timelines of users, conversations and their archive, groups,
// receipts, the topics below a user's, and webhooks.
//
// In come the objects that clients of chat21 send, by whichever transport; out go calls of chat, the objects that clients get, and what a
// user's sessions are to be told.
package chat21

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Log is what timelines need of the backbone: rows for what chat21 keeps of conversations, and feeds for its webhook.
type Log interface {
	chat.Tables
	Enqueue(feed backbone.Feed, d backbone.Draft) *backbone.Pending
}

// Signals tell whoever subscribes to a feed, on any node, something that is not stored.
type Signals interface {
	Signal(feed backbone.Feed, data []byte) error
}

// Options of Timelines. All of them must be given, but for those that say otherwise.
type Options struct {
	Chat    *chat.Service
	Log     Log
	Signals Signals
	// Tokens verifies chat21's tokens.
	Tokens *auth.Verifier
	// Webhook is true if there is a webhook in chat21's form, which is told more than rooms have; see WebhookForm.
	Webhook bool
	// Now is the clock of what a webhook is told.
	Now func() time.Time
	// Registerer takes the metric; nil: it is not registered.
	Registerer prometheus.Registerer
}

// Timelines are what chat21 knows of all users. Their methods are safe for concurrent use. Unless they say otherwise, their errors are
// those of chat; see Why.
type Timelines struct {
	o      Options
	bodies bodies
	untold prometheus.Counter
}

// New gives the timelines of what chat has.
func New(o Options) *Timelines {
	t := &Timelines{o: o, untold: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_mqtt_untold_total",
		Help: "Changes of conversations, receipts and groups that could not be handed to the user's sessions."})}
	if o.Registerer != nil {
		o.Registerer.MustRegister(t.untold)
	}
	return t
}

// Untold counts something that a user's sessions could not be told.
func (t *Timelines) Untold() { t.untold.Inc() }

// object is JSON.
type object = map[string]any
