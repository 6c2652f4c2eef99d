package chat

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// newsID is the id of an event that tells of a change made at that time, in milliseconds: the same for all who tell of the same change, so
// that it is told once. It is a UUIDv7, whose time is that of the change.
func newsID(at int64, about ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(about, "\x00")))
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(at)<<16)
	copy(id[6:], sum[:])
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562
	return id.String()
}

// note stores a member or room event in a room's log, and gives its offset. Events of one id are stored once.
func (s *Service) note(ctx context.Context, feed backbone.Feed, e *Event) (uint64, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return 0, fromLog(err)
	}
	receipt, err := s.log.Enqueue(feed, backbone.Draft{ID: e.ID, Sender: serverSender, Data: data}).Wait(ctx)
	return receipt.Offset, fromLog(err)
}

// tellOnce stores an event in a user's personal feed, if none of that id is there.
func (s *Service) tellOnce(ctx context.Context, app, user, id string, event any) error {
	_, err := s.tellNew(ctx, app, user, id, event)
	return err
}

// tellNew is tellOnce, and says whether there was none.
func (s *Service) tellNew(ctx context.Context, app, user, id string, event any) (bool, error) {
	data, err := json.Marshal(event)
	if err != nil {
		return false, fromLog(err)
	}
	feed := backbone.Feed{Kind: layout.User, App: app, Name: user}
	receipt, err := s.log.Enqueue(feed, backbone.Draft{ID: id, Sender: serverSender, Data: data}).Wait(ctx)
	return !receipt.Duplicate, fromLog(err)
}

// head is the offset of the newest event of a feed: all that was acknowledged before the call, through whichever node, is not beyond it.
func (s *Service) head(ctx context.Context, feed backbone.Feed) (uint64, error) {
	head, err := s.log.Head(ctx, feed)
	return head.Offset, fromLog(err)
}

// Words of member events.
var (
	membershipWords = map[chatv1.Membership]string{
		none: "none", joined: "joined", invitedTo: "invited", bannedFrom: "banned",
	}
	roleWords = map[chatv1.Role]string{
		chatv1.Role_ROLE_OWNER: "owner", chatv1.Role_ROLE_MODERATOR: "moderator",
		chatv1.Role_ROLE_MEMBER: "member", chatv1.Role_ROLE_READER: "reader",
	}
)

// Short names of memberships.
const (
	none       = chatv1.Membership_MEMBERSHIP_UNSPECIFIED
	joined     = chatv1.Membership_MEMBERSHIP_JOINED
	invitedTo  = chatv1.Membership_MEMBERSHIP_INVITED
	bannedFrom = chatv1.Membership_MEMBERSHIP_BANNED
)

// What a user is told, on the personal feed, of a room.
const (
	nowJoined   = "joined"
	nowInvited  = "invited"
	nowLeft     = "left"
	nowKicked   = "kicked"
	nowBanned   = "banned"
	nowUnbanned = "unbanned"
	nowMuted    = "muted"
	nowUnmuted  = "unmuted"
	nowRole     = "role"
	nowDeleted  = "deleted"
)
