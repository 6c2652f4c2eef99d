package chat

import (
	"context"
	"strconv"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// personEvent tells the user's other devices, on the personal feed, what the user has changed of himself. Of events about the same thing that
// with the latest time counts, wherever it stands.
type personEvent struct {
	Type   string `json:"type"` // "status" or "block"
	Time   int64  `json:"time"` // milliseconds
	Status string `json:"status,omitempty"`
	User   string `json:"user,omitempty"` // who is blocked
	Remove bool   `json:"remove,omitempty"`
}

var statusWords = map[chatv1.Status]string{
	chatv1.Status_STATUS_ONLINE: "online", chatv1.Status_STATUS_AWAY: "away", chatv1.Status_STATUS_HIDDEN: "hidden",
}

// change notes the time of a change, after that of the last one, whichever clock that was from.
func (p *personRecord) change(now time.Time) { p.Changed = max(millis(now), p.Changed+1) }

// tellOfPerson tells a change that the record has in it, unless that has been done, or was done so long ago that nobody repeats it.
func (s *Service) tellOfPerson(ctx context.Context, a Actor, r record[personRecord], e personEvent) error {
	if e.Time = r.value.Changed; e.Time < millis(s.options.Now().Add(-retell)) {
		return nil
	}
	id := newsID(e.Time, personKey(a.App, a.User), e.Type, e.Status, e.User, strconv.FormatBool(e.Remove))
	return s.tellOnce(ctx, a.App, a.User, id, e)
}
