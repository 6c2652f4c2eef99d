package centrifuge

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// mayLookAround says whether the client may know who is in a channel, and who comes and goes.
func (s *session) mayLookAround(ctx context.Context, channel string) bool {
	_, err := s.gateway.options.Chat.Access(ctx, s.actor, channel, chat.Presence)
	return err == nil
}

// presence tells who is in a channel.
func (s *session) presence(r request, q *protocol.PresenceRequest) {
	s.lookAround(r, q.Channel, func(here fanout.Here) *protocol.Reply {
		clients := make(map[string]*protocol.ClientInfo, len(here.Clients))
		for id, info := range here.Clients {
			clients[id] = clientInfo(info)
		}
		return &protocol.Reply{Presence: &protocol.PresenceResult{Presence: clients}}
	})
}

// presenceStats tells how many are in a channel.
func (s *session) presenceStats(r request, q *protocol.PresenceStatsRequest) {
	s.lookAround(r, q.Channel, func(here fanout.Here) *protocol.Reply {
		stats := &protocol.PresenceStatsResult{NumClients: uint32(here.NumClients), NumUsers: uint32(here.NumUsers)}
		return &protocol.Reply{PresenceStats: stats}
	})
}

func (s *session) lookAround(r request, channel string, answer func(fanout.Here) *protocol.Reply) {
	ok := s.begin("", func(ctx context.Context) {
		access, err := s.gateway.options.Chat.Access(ctx, s.actor, channel, chat.Presence)
		var here fanout.Here
		if err == nil {
			here, err = s.gateway.options.Hub.Presence(ctx, access.Feed)
		}
		if err != nil {
			s.fail(r, err)
			return
		}
		s.reply(r, answer(here), nil)
	})
	if !ok {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}
