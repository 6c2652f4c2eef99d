package pull

import (
	"sync"
	"sync/atomic"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// maxStrips is of how many chats it is remembered that they were pulled.
const maxStrips = 10_000

// strips are those of all chats, by channel.
type strips struct {
	log   Log
	hub   *fanout.Hub
	limit int64 // of bytes

	bytes atomic.Int64

	mu  sync.Mutex
	all map[string]*strip
}

func (s *strips) init(g *Gateway) {
	s.log, s.hub, s.limit, s.all = g.options.Log, g.options.Hub, int64(g.options.CacheBytes), map[string]*strip{}
}

// of gives the strip of a channel. If it is one of a chat that has begun anew since, there is a new one.
func (s *strips) of(channel string, access chat.Access) *strip {
	s.mu.Lock()
	st := s.all[channel]
	var dropped []*strip
	if st != nil && st.access != access {
		dropped, st = append(dropped, st), nil
	}
	if st == nil {
		dropped = append(dropped, s.surplus(channel)...)
		st = &strip{all: s, channel: channel, access: access}
		s.all[channel] = st
	} else if s.bytes.Load() > s.limit {
		dropped = s.surplus(channel)
	}
	s.mu.Unlock()
	for _, old := range dropped {
		old.drop()
	}
	return st
}

// surplus takes any strips but one out, until what is left is within the bounds. mu is held.
func (s *strips) surplus(but string) (out []*strip) {
	over := s.bytes.Load() - s.limit
	for channel, st := range s.all {
		if over <= 0 && len(s.all) < maxStrips {
			break
		}
		if channel == but {
			continue
		}
		st.mu.Lock()
		over -= int64(st.bytes)
		st.mu.Unlock()
		delete(s.all, channel)
		out = append(out, st)
	}
	return out
}

// stored notes that a client was told of a message in a channel: whoever pulls after that finds it.
func (s *strips) stored(channel string, offset uint64) {
	s.mu.Lock()
	st := s.all[channel]
	s.mu.Unlock()
	if st != nil {
		st.mu.Lock()
		st.stored = max(st.stored, offset)
		st.mu.Unlock()
	}
}

func (s *strips) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (s *strips) close() {
	s.mu.Lock()
	all := s.all
	s.all = map[string]*strip{}
	s.mu.Unlock()
	for _, st := range all {
		st.drop()
	}
}
