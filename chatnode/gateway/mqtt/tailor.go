package mqtt

import (
	"encoding/binary"

	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// writeTailored writes what the encoder made for all sessions of the user to one that wants only some topics, or some with QoS 1. False:
// nothing was written, since the connection's queue is full or the client has too many messages to acknowledge.
func (s *session) writeTailored(wire []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unacknowledged) >= s.gateway.limits.InFlight {
		return false
	}
	var tailored []byte
	var ids []uint16
	for len(wire) > 0 {
		var p packet.Packet
		if p, wire = nextPacket(s.conn.Framing(), wire); wire == nil {
			break
		}
		m, err := packet.ParsePublish(p)
		if err != nil {
			continue
		}
		qos, wanted := s.wants(m.Topic)
		if !wanted {
			continue
		}
		if m.QoS = qos; qos > 0 {
			m.ID = s.takeID()
			ids = append(ids, m.ID)
		}
		tailored = s.conn.Framing().Append(tailored, packet.AppendPublish(nil, m))
	}
	if len(tailored) == 0 || s.conn.Write(tailored) {
		return true
	}
	for _, id := range ids {
		delete(s.unacknowledged, id)
	}
	return false
}

// nextPacket takes one packet out of framed ones; the rest is nil if there is none.
func nextPacket(framing conn.Framing, wire []byte) (p packet.Packet, rest []byte) {
	if framing != conn.Raw {
		head, length := 2, 0
		switch n := wire[1]; n {
		case 126:
			head, length = 4, int(binary.BigEndian.Uint16(wire[2:]))
		case 127:
			head, length = 10, int(binary.BigEndian.Uint64(wire[2:]))
		default:
			length = int(n)
		}
		p, _, _, err := packet.Cut(wire[head:head+length], head+length)
		if err != nil {
			return p, nil
		}
		return p, wire[head+length:]
	}
	p, rest, more, err := packet.Cut(wire, len(wire))
	if err != nil || more {
		return p, nil
	}
	return p, rest
}

// wants needs mu. It gives the greatest QoS with which the client wants a topic.
func (s *session) wants(topic string) (qos byte, wanted bool) {
	for _, f := range s.filters {
		if packet.Match(f.Topic, topic) {
			qos, wanted = max(qos, f.QoS), true
		}
	}
	return qos, wanted
}

// takeID needs mu. There are always some free: far fewer are taken than there are.
func (s *session) takeID() uint16 {
	if s.unacknowledged == nil {
		s.unacknowledged = map[uint16]struct{}{}
	}
	for {
		if s.lastID++; s.lastID == 0 {
			s.lastID = 1
		}
		if _, taken := s.unacknowledged[s.lastID]; !taken {
			s.unacknowledged[s.lastID] = struct{}{}
			return s.lastID
		}
	}
}

// acknowledged takes a PUBACK.
func (s *session) acknowledged(p packet.Packet) error {
	id, err := packet.ParseID(p)
	if err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.unacknowledged, id)
	s.mu.Unlock()
	s.resume()
	return nil
}
