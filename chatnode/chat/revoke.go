package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// maxRevoked is how many users of one application may be revoked or banned at a time, maxRevokedOfAll of all applications together.
	// Every node remembers all of them, at about 200 bytes each.
	maxRevoked, maxRevokedOfAll = 100_000, 500_000
	// revokedFor is how long tokens of before a revocation are refused, and a row is kept. Tokens should not live longer. Bans stay.
	revokedFor = 90 * 24 * time.Hour
)

// Errors of Admit, besides one of kind Unavailable.
var (
	// ErrRevoked: the token is too old; a new one may be right.
	ErrRevoked = &Error{Kind: Denied, Message: "the token is revoked; get a new one"}
	// ErrBanned: no token is right.
	ErrBanned = &Error{Kind: Denied, Message: "the user is banned from the application"}
)

// revokedRecord is what layout.Revoked has of a user.
type revokedRecord struct {
	// Before is the time in milliseconds before which issued tokens are refused.
	Before int64 `json:"before"`
	Banned bool  `json:"banned,omitempty"`
	// Erased is when the user was last erased, in milliseconds.
	Erased int64 `json:"erased,omitempty"`
}

// Revoke ends a user's tokens that were issued until now, or all of them, and the sessions that were made with them. It answers when that
// is durable and this node holds to it; the others do as soon as they are told of the row, within milliseconds. For servers. Errors:
// Invalid, Denied, Limit, Conflict, Unavailable.
func (s *Service) Revoke(ctx context.Context, a Actor, q *chatv1.RevokeRequest) (*chatv1.RevokeReply, error) {
	if err := onlyServers(a, "revoke tokens"); err != nil {
		return nil, err
	}
	if err := CheckUser(q.GetUser()); err != nil {
		return nil, err
	}
	if q.GetBan() && q.GetAllow() {
		return nil, failf(Invalid, "ban and allow don't go together")
	}
	r, err := s.revoke(ctx, a.App, q.GetUser(), func(r *revokedRecord) {
		if q.GetAllow() {
			r.Banned = false
			return
		}
		r.Before = max(r.Before, millis(s.options.Now()))
		r.Banned = r.Banned || q.GetBan()
	})
	return &chatv1.RevokeReply{Before: r.Before}, err
}

// revoke changes the row of a user, here at once.
func (s *Service) revoke(ctx context.Context, app, user string, change func(r *revokedRecord)) (revokedRecord, error) {
	key := personKey(app, user)
	r, err := changeRow(ctx, s.tables, layout.Revoked, key, func(r *record[revokedRecord]) error {
		was := r.value
		switch change(&r.value); {
		case r.value == was:
			return errKeep
		case !r.exists():
			return s.revoked.roomFor(key)
		}
		return nil
	})
	if err == nil && r.exists() {
		s.revoked.set(key, r)
	}
	return r.value, err
}

// onlyServers refuses users what is for an application's servers.
func onlyServers(a Actor, what string) error {
	if !a.Server {
		return failf(Denied, "only an application's server may %s", what)
	}
	return nil
}

// Admit says whether a token of the user, issued at that time (zero: it does not say when), may still be used. It asks nobody. Errors:
// ErrRevoked, ErrBanned, and Unavailable as long as a node that has just started does not know who is revoked.
func (s *Service) Admit(app, user string, issued time.Time) error {
	if user == "" {
		return nil
	}
	r, known := s.revoked.get(personKey(app, user))
	switch {
	case !known:
		return failf(Unavailable, "this node has just started and does not know yet whose tokens are revoked; try again")
	case r.Banned:
		return ErrBanned
	case r.Before > 0 && issued.UnixMilli() < r.Before:
		return ErrRevoked
	}
	return nil
}

// OnRevoke calls tell whenever a user's tokens were revoked, or the user banned, by whichever node: Admit may say something else then. It
// must not block for long. To be called before anybody uses the service.
func (s *Service) OnRevoke(tell func(app, user string)) { s.revoked.onChange(tell) }

// followRevoked keeps what this node knows of revoked users as the table says it, until the context ends.
func (s *Service) followRevoked(ctx context.Context) {
	for {
		keys, all := s.revoked.take(ctx)
		if ctx.Err() != nil {
			return
		}
		if err := s.readRevoked(ctx, keys, all); err != nil {
			s.revoked.giveBack(keys, all)
			pause(ctx, rereadWait)
		}
	}
}

// rereadWait is the pause after a table could not be read.
const rereadWait = 500 * time.Millisecond

// pause returns after that time, or when the context ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (s *Service) readRevoked(ctx context.Context, keys map[string]struct{}, all bool) error {
	if !all {
		for key := range keys {
			r, err := loadRow[revokedRecord](ctx, s.tables, layout.Revoked, key)
			if err != nil {
				return err
			}
			s.revoked.set(key, r)
		}
		return nil
	}
	s.revoked.reading()
	found := map[string]record[revokedRecord]{}
	for after := uint64(0); ; {
		rows, more, err := s.tables.List(ctx, layout.Revoked, anyApp, after, rowsAtOnce)
		if err != nil {
			return err
		}
		for _, row := range rows {
			var r revokedRecord
			if err := json.Unmarshal(row.Data, &r); err != nil {
				return fmt.Errorf("read %s of %s: %w", row.Key, layout.Revoked, err)
			}
			found[row.Key], after = record[revokedRecord]{r, row.Revision}, row.Revision
		}
		if !more || len(rows) == 0 {
			break
		}
	}
	s.revoked.replace(found)
	return nil
}

// dropRevoked takes away rows that concern no token any more.
func (r *sweepRound) dropRevoked(ctx context.Context) error {
	rows := r.s.revoked.older(millis(r.s.options.Now().Add(-revokedFor)), sweepPage)
	_, err := r.mend(ctx, ofRevoked, rows, 1, func(ctx context.Context, row backbone.Row) (bool, error) {
		err := r.s.tables.Remove(ctx, layout.Revoked, row.Key, row.Revision)
		if errors.Is(err, backbone.ErrConflict) { // another node has changed it, perhaps to a ban
			err = nil
		}
		return true, err
	})
	return err
}
