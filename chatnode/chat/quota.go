package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// AppLimits bound what one application may have; 0 is no limit besides those of everybody.
type AppLimits struct {
	// Rooms bounds the rooms with a record, direct conversations and names of deleted rooms among them.
	Rooms int `json:"rooms"`
	// MembersPerRoom is the lesser of this and Limits.MembersPerRoom.
	MembersPerRoom int `json:"members_per_room"`
	// MessagesPerSecond bounds the messages of all users and servers of the application together, Connections its connections. Both are
	// divided evenly between the nodes of the fleet.
	MessagesPerSecond float64 `json:"messages_per_second"`
	Connections       int     `json:"connections"`
}

// anyOtherApp stands for all applications that are not named.
const anyOtherApp = "*"

// Quotas are the limits of applications, by name; "*" is for those that are not named.
type Quotas map[string]AppLimits

// ParseQuotas reads quotas as JSON: {"APP":{"rooms":N,"members_per_room":N,"messages_per_second":N,"connections":N}}.
func ParseQuotas(content []byte) (Quotas, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var q Quotas
	if err := d.Decode(&q); err != nil {
		return nil, fmt.Errorf("read the limits of applications: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("read the limits of applications: something follows the object")
	}
	for app, l := range q {
		if err := checkName("application", app); err != nil {
			return nil, err
		}
		if l.Rooms < 0 || l.MembersPerRoom < 0 || l.MessagesPerSecond < 0 || l.Connections < 0 {
			return nil, fmt.Errorf("the limits of %q must not be negative; 0 is no limit", app)
		}
	}
	return q, nil
}

// Of gives the limits of an application.
func (q Quotas) Of(app string) AppLimits {
	if l, ok := q[app]; ok {
		return l
	}
	return q[anyOtherApp]
}

// quota is what an application may have in the whole fleet.
func (s *Service) quota(app string) AppLimits {
	if s.options.Quotas == nil {
		return AppLimits{}
	}
	return s.options.Quotas().Of(app)
}

// nodes is between how many nodes a quota is divided.
func (s *Service) nodes() int {
	if s.options.Nodes == nil {
		return 1
	}
	return max(1, s.options.Nodes())
}

// Connections is how many connections of an application this node may have; 0: as many as there are.
func (s *Service) Connections(app string) int {
	limit, nodes := s.quota(app).Connections, s.nodes()
	return (limit + nodes - 1) / nodes
}

// membersPerRoom is how many members a room of the application may have; 0: as many as there are.
func (s *Service) membersPerRoom(app string) int {
	limit, own := s.limits.MembersPerRoom, s.quota(app).MembersPerRoom
	if limit == 0 || own > 0 && own < limit {
		return own
	}
	return limit
}

// mayMake says whether the application of a feed may have one more room.
func (s *Service) mayMake(ctx context.Context, feed backbone.Feed) error {
	limit := s.quota(feed.App).Rooms
	ok, err := s.within(ctx, layout.Rooms, layout.RowKey(feed.App), 1, limit)
	if err == nil && !ok {
		err = failf(Limit, "the application has as many rooms as it may: %d", limit)
	}
	return err
}

// spend takes one message from the application's rate.
func (s *Service) spend(app string) error {
	limit := s.quota(app).MessagesPerSecond
	if limit > 0 && !s.appRates.allow(app, limit/float64(s.nodes())) {
		return failf(TooMany, "the application sends more than %g messages a second", limit)
	}
	return nil
}

// appRates bounds how often all of an application may send, through this node.
type appRates struct {
	mu   sync.Mutex
	apps map[string]*rate.Limiter
}

// allow takes one at a rate per second that may change; twice as many may come at once.
func (r *appRates) allow(app string, limit float64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.apps[app]
	if l == nil {
		if r.apps == nil || len(r.apps) >= maxRates {
			r.apps = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Limit(limit), int(2*limit)+1)
		r.apps[app] = l
	}
	if l.Limit() != rate.Limit(limit) {
		l.SetLimit(rate.Limit(limit))
		l.SetBurst(int(2*limit) + 1)
	}
	return l.Allow()
}
