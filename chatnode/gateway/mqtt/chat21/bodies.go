package chat21

import (
	"encoding/json"
	"strconv"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Body is a message that is being delivered, but for what differs between its recipients.
type Body struct {
	Sender, HiddenFor string
	// object lacks its closing brace, and the status.
	object []byte
}

// WithStatus is the message for a recipient.
func (b *Body) WithStatus(status int) []byte {
	return append(strconv.AppendInt(append(b.object[:len(b.object):len(b.object)], `,"status":`...), int64(status), 10), '}')
}

const (
	// keptBodies is how many messages are remembered while they are delivered to one member after another.
	keptBodies = 64
	// keptNotes is of how many messages a node remembers where they stand, for the receipts that follow.
	keptNotes = 8192
)

// noted names a message in a room.
type noted struct {
	feed backbone.Feed
	id   string
}

// bodies are the messages that were delivered last. The zero value is ready.
type bodies struct {
	mu    sync.Mutex
	built ring[*backbone.Message, *Body]
	notes ring[noted, uint64] // offsets
}

// of is a message as chat21 has it; nil if the event is none.
func (b *bodies) of(feed backbone.Feed, m *backbone.Message) *Body {
	b.mu.Lock()
	there, ok := b.built.get(m)
	b.mu.Unlock()
	if ok {
		return there
	}
	said, ok := OfEvent(m.Data)
	built := buildBody(feed, said, ok)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built.put(m, built, keptBodies)
	if ok {
		b.notes.put(noted{feed, said.ID}, m.Offset, keptNotes)
	}
	return built
}

// Body is a message that the log has, to be delivered; nil if the event is none.
func (t *Timelines) Body(feed backbone.Feed, m *backbone.Message) *Body { return t.bodies.of(feed, m) }

func buildBody(feed backbone.Feed, s Said, ok bool) *Body {
	if !ok {
		return nil
	}
	sender := s.from()
	// Of a direct conversation each side sees the same sender and recipient, so it is seen with the sender's eyes.
	object := s.object(feed.App, PlaceOf(chat.Channel(feed), sender))
	raw, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	return &Body{Sender: sender, HiddenFor: attributesOf(object).HiddenFor, object: raw[:len(raw)-1]}
}

// find tells where a message stands that was delivered lately.
func (b *bodies) find(feed backbone.Feed, id string) (offset uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notes.get(noted{feed, id})
}

// ring remembers the values that were put last.
type ring[K comparable, V any] struct {
	values map[K]V
	order  []K
	next   int
}

func (r *ring[K, V]) get(key K) (V, bool) {
	value, ok := r.values[key]
	return value, ok
}

func (r *ring[K, V]) put(key K, value V, most int) {
	if r.values == nil {
		r.values = map[K]V{}
	}
	if _, there := r.values[key]; !there {
		if len(r.order) < most {
			r.order = append(r.order, key)
		} else {
			delete(r.values, r.order[r.next])
			r.order[r.next] = key
			r.next = (r.next + 1) % most
		}
	}
	r.values[key] = value
}
