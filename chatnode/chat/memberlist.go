package chat

import (
	"context"
	"strconv"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Bounds of a page of members.
const (
	maxMembers     = 1000
	defaultMembers = 100
	// maxPages is how many pages of a list are read for one page of members, if those of another membership are in between.
	maxPages = 4
)

// Members lists a room's members, those who changed last at the end. One who changes while the list is read comes again, and nobody is
// missing. A page may have fewer than were asked for, also if others follow; it is the last if there is no cursor. Errors: Invalid, Denied,
// NotFound, Unavailable.
func (s *Service) Members(ctx context.Context, a Actor, q *chatv1.MembersRequest) (*chatv1.MembersReply, error) {
	membership := q.GetMembership()
	if membership == none {
		membership = joined
	}
	if membershipWords[membership] == "" {
		return nil, failf(Invalid, "there is no such membership: they are joined, invited and banned")
	}
	limit, err := pageLimit(q.GetLimit(), defaultMembers, maxMembers)
	if err != nil {
		return nil, err
	}
	after, err := parseRevision(q.GetCursor())
	if err != nil {
		return nil, err
	}
	st, err := s.allow(ctx, a, q.GetRoom(), toSeeMembers)
	if err != nil {
		return nil, err
	}
	prefix := roomKey(st.feed)
	if membership != joined {
		if st.may(toExpel, s.options.Now()) != nil {
			return nil, failf(Denied, "who is %s in %s is for its owners and moderators to see", membershipWords[membership], q.GetRoom())
		}
		prefix = asidePrefix(st.feed, membership)
	}
	answer, more := &chatv1.MembersReply{}, true
	for range maxPages {
		rows, further, err := s.tables.List(ctx, layout.Members, prefix, after, limit-len(answer.Members))
		if err != nil {
			return nil, fromLog(err)
		}
		for _, row := range rows {
			user, m, err := parseMember(row)
			if err != nil {
				return nil, err
			}
			if m.Membership == membership {
				answer.Members = append(answer.Members, memberOf(q.GetRoom(), user, m))
			}
			after = row.Revision
		}
		if more = further; !more || len(answer.Members) == limit {
			break
		}
	}
	if more {
		answer.Cursor = strconv.FormatUint(after, 10)
	}
	return answer, nil
}

// parseRevision reads where a list goes on: behind which revision of its rows.
func parseRevision(cursor string) (uint64, error) {
	if cursor == "" {
		return 0, nil
	}
	after, err := strconv.ParseUint(cursor, 10, 63) // so that there is one behind it
	if err != nil {
		return 0, failf(Invalid, "the cursor is none that an earlier reply gave")
	}
	return after, nil
}
