package packet

import "encoding/binary"

// Publish is a message on a topic.
type Publish struct {
	Topic string
	// Payload is part of the packet's body.
	Payload []byte
	// ID is the packet identifier; 0 with QoS 0.
	ID     uint16
	QoS    byte
	Dup    bool
	Retain bool
}

// ParsePublish reads a PUBLISH, of a client or of a server.
func ParsePublish(p Packet) (Publish, error) {
	m := Publish{Dup: p.Flags&8 != 0, QoS: p.Flags >> 1 & 3, Retain: p.Flags&1 != 0}
	r := &reader{rest: p.Body}
	m.Topic = r.text()
	if m.QoS > 2 || m.QoS == 0 && m.Dup {
		r.fail("flags %#x of PUBLISH", p.Flags)
	}
	if m.QoS > 0 {
		m.ID = r.id()
	}
	if r.err == nil && !ValidTopic(m.Topic) {
		r.fail("the topic is none to publish to")
	}
	m.Payload = r.rest
	return m, r.err
}

// AppendPublish appends a PUBLISH.
func AppendPublish(dst []byte, m Publish) []byte {
	flags := m.QoS << 1
	if m.Dup {
		flags |= 8
	}
	if m.Retain {
		flags |= 1
	}
	size := 2 + len(m.Topic) + len(m.Payload)
	if m.QoS > 0 {
		size += 2
	}
	dst = appendText(appendHeader(dst, TypePublish, flags, size), m.Topic)
	if m.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, m.ID)
	}
	return append(dst, m.Payload...)
}

// ParseID reads the packet identifier of a PUBACK or UNSUBACK.
func ParseID(p Packet) (uint16, error) {
	r := &reader{rest: p.Body}
	id := r.id()
	return id, r.end()
}

// AppendPuback appends the answer to a PUBLISH with QoS 1.
func AppendPuback(dst []byte, id uint16) []byte { return appendID(dst, TypePuback, id) }
