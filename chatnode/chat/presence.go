package chat

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

const (
	// maxWatched is of how many users Presence tells.
	maxWatched = 100
	// seenEvery is how often it is noted at most when a user was last seen.
	seenEvery = 10 * time.Second
	// maxSeen is of how many users a node remembers when it did.
	maxSeen = 10_000
)

// Presence tells which users are online, and since when others are not. Who hides is shown as offline to others, and so is everybody to
// those whom they block. Errors: Invalid, Denied, Unavailable.
func (s *Service) Presence(ctx context.Context, a Actor, q *chatv1.PresenceRequest) (*chatv1.PresenceReply, error) {
	users := q.GetUsers()
	switch {
	case a.User == "" && !a.Server:
		return nil, failf(Denied, "presence is for signed-in users")
	case len(users) > maxWatched:
		return nil, failf(Invalid, "at most %d users", maxWatched)
	}
	for _, user := range users {
		if err := CheckUser(user); err != nil {
			return nil, err
		}
	}
	seen, err := s.presenceOf(ctx, a, users)
	if err != nil {
		return nil, err
	}
	return &chatv1.PresenceReply{Users: seen}, nil
}

// presenceOf is how the actor sees users.
func (s *Service) presenceOf(ctx context.Context, a Actor, users []string) ([]*chatv1.UserPresence, error) {
	people := make([]personRecord, len(users))
	work, reads := errgroup.WithContext(ctx)
	work.SetLimit(reading)
	for i, user := range users {
		work.Go(func() error {
			person, err := s.people.get(reads, personKey(a.App, user))
			people[i] = person.value
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fromLog(err)
	}
	var here map[string][]string
	if s.options.Here != nil && len(users) > 0 {
		var err error
		if here, err = s.options.Here(ctx, a.App, users); err != nil {
			return nil, fromLog(err)
		}
	}
	seen := make([]*chatv1.UserPresence, len(users))
	for i, user := range users {
		seen[i] = people[i].seenBy(a, user, here[user])
	}
	return seen, nil
}

// seenBy is how the actor sees this person, who is there with these devices.
func (p *personRecord) seenBy(a Actor, user string, devices []string) *chatv1.UserPresence {
	hidden := p.Status == chatv1.Status_STATUS_HIDDEN
	switch {
	case !a.Server && a.User != user && (hidden || slices.Contains(p.Blocked, a.User)):
		return &chatv1.UserPresence{User: user}
	case len(devices) > 0:
		return &chatv1.UserPresence{User: user, Status: seenAs(p.Status), Devices: named(devices)}
	case hidden:
		return &chatv1.UserPresence{User: user}
	}
	return &chatv1.UserPresence{User: user, LastSeen: p.LastSeen}
}

// seenAs is how somebody who is there is seen.
func seenAs(wish chatv1.Status) chatv1.Status {
	if wish == chatv1.Status_STATUS_UNSPECIFIED {
		return chatv1.Status_STATUS_ONLINE
	}
	return wish
}

// named are the different names of devices.
func named(devices []string) []string {
	names := slices.Clone(devices)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// seen remembers when it was noted that users were seen.
type seen struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// due says whether it is time to note it again, and takes it that this is done.
func (s *seen) due(user string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[user]; ok && now.Sub(last) < seenEvery {
		return false
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	if len(s.last) >= maxSeen {
		s.forget(now)
	}
	s.last[user] = now
	return true
}

// forget drops users who are due; of the rest, any beyond a half, so that it is long until the next time.
func (s *seen) forget(now time.Time) {
	for user, last := range s.last {
		if now.Sub(last) >= seenEvery {
			delete(s.last, user)
		}
	}
	for user := range s.last {
		if len(s.last) <= maxSeen/2 {
			return
		}
		delete(s.last, user)
	}
}
