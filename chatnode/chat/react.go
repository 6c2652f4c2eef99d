package chat

import (
	"context"
	"encoding/json"
	"slices"
	"unicode/utf8"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Bounds of reactions.
const (
	maxReaction = 32 // bytes
	// maxReactions is how many different reactions one user has to one message.
	maxReactions = 20
	// maxReactionUsers is how many users are named with a reaction.
	maxReactionUsers = 20
)

// reacted is that somebody reacted to a message.
type reacted struct{ user, reaction string }

// React adds a reaction of the user to a message, or takes it back. What is so already is answered with the event that made it so; taking
// back what never was, with offset 0. Errors: Invalid, Denied, NotFound, Limit, Conflict, TooMany, Unavailable.
func (s *Service) React(ctx context.Context, a Actor, q *chatv1.ReactRequest) (*chatv1.Sent, error) {
	id, err := requestID(a, q.GetId())
	if err != nil {
		return nil, err
	}
	if r := q.GetReaction(); r == "" || len(r) > maxReaction || !utf8.ValidString(r) {
		return nil, failf(Invalid, "a reaction has 1 to %d bytes", maxReaction)
	}
	t, err := s.target(ctx, a, q.GetRoom(), q.GetOffset())
	if err == nil {
		err = t.living()
	}
	if err == nil {
		err = t.may(toReact, s.options.Now())
	}
	if err != nil {
		return nil, err
	}
	now, last := reactions(t.entry.Reactions)
	what := reacted{a.User, q.GetReaction()}
	if before, ok := last[what]; slices.Contains(now, what) == !q.GetRemove() {
		if !ok {
			before = Sent{ID: id, Time: s.options.Now().UnixMilli()}
		}
		return answer(before, nil)
	}
	if !q.GetRemove() && reactionsBy(now, a.User) >= maxReactions {
		return nil, failf(Limit, "a user has at most %d different reactions to a message", maxReactions)
	}
	e := t.event(s, id, eventReaction)
	e.Reaction, e.Remove = q.GetReaction(), q.GetRemove()
	e.Content, e.Of, e.Sent = Content{}, "", 0
	return answer(s.store(ctx, t, toReact, e))
}

// reactions are those that stand, in the order in which each came first, and the last event about each that ever stood.
func reactions(events []*backbone.Message) (now []reacted, last map[reacted]Sent) {
	last = map[reacted]Sent{}
	stands := map[reacted]bool{}
	for _, m := range events {
		var e Event
		if json.Unmarshal(m.Data, &e) != nil {
			continue
		}
		what := reacted{e.Sender, e.Reaction}
		if _, known := last[what]; !known {
			now = append(now, what)
		}
		last[what], stands[what] = Sent{ID: e.ID, Offset: m.Offset, Time: e.Time}, !e.Remove
	}
	return slices.DeleteFunc(now, func(r reacted) bool { return !stands[r] }), last
}

func reactionsBy(now []reacted, user string) (n int) {
	for _, r := range now {
		if r.user == user {
			n++
		}
	}
	return n
}

// reactionsOf counts reactions, in the order in which each was first there.
func reactionsOf(events []*backbone.Message) (counted []*chatv1.Reaction) {
	now, _ := reactions(events)
	for _, r := range now {
		i := slices.IndexFunc(counted, func(c *chatv1.Reaction) bool { return c.Reaction == r.reaction })
		if i < 0 {
			i = len(counted)
			counted = append(counted, &chatv1.Reaction{Reaction: r.reaction})
		}
		counted[i].Count++
		if r.user != "" && len(counted[i].Users) < maxReactionUsers {
			counted[i].Users = append(counted[i].Users, r.user)
		}
	}
	return counted
}
