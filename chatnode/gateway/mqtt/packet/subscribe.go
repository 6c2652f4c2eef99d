package packet

import "encoding/binary"

// RefusedFilter stands in a SUBACK for a filter that was refused; others have the QoS that is granted.
const RefusedFilter byte = 0x80

// Filter is one wish of a SUBSCRIBE.
type Filter struct {
	Topic string
	QoS   byte
}

// Subscribe is a client's wish for topics.
type Subscribe struct {
	ID      uint16
	Filters []Filter
}

// ParseSubscribe reads a SUBSCRIBE.
func ParseSubscribe(p Packet) (Subscribe, error) {
	r := &reader{rest: p.Body}
	s := Subscribe{ID: r.id()}
	for r.err == nil && len(r.rest) > 0 {
		f := Filter{Topic: r.text(), QoS: r.byte()}
		if f.QoS > 2 {
			r.fail("QoS %d", f.QoS)
		}
		if !ValidFilter(f.Topic) {
			r.fail("a topic filter is none")
		}
		s.Filters = append(s.Filters, f)
	}
	if len(s.Filters) == 0 {
		r.fail("SUBSCRIBE without a topic filter")
	}
	return s, r.err
}

// AppendSubscribe appends a SUBSCRIBE.
func AppendSubscribe(dst []byte, s Subscribe) []byte {
	size := 2
	for _, f := range s.Filters {
		size += 3 + len(f.Topic)
	}
	dst = binary.BigEndian.AppendUint16(appendHeader(dst, TypeSubscribe, 2, size), s.ID)
	for _, f := range s.Filters {
		dst = append(appendText(dst, f.Topic), f.QoS)
	}
	return dst
}

// ParseSuback reads what was granted.
func ParseSuback(p Packet) (id uint16, codes []byte, err error) {
	r := &reader{rest: p.Body}
	id = r.id()
	return id, r.rest, r.err
}

// AppendSuback appends what is granted for each filter, in their order.
func AppendSuback(dst []byte, id uint16, codes []byte) []byte {
	dst = binary.BigEndian.AppendUint16(appendHeader(dst, TypeSuback, 0, 2+len(codes)), id)
	return append(dst, codes...)
}

// Unsubscribe takes topic filters back.
type Unsubscribe struct {
	ID      uint16
	Filters []string
}

// ParseUnsubscribe reads an UNSUBSCRIBE.
func ParseUnsubscribe(p Packet) (Unsubscribe, error) {
	r := &reader{rest: p.Body}
	u := Unsubscribe{ID: r.id()}
	for r.err == nil && len(r.rest) > 0 {
		filter := r.text()
		if !ValidFilter(filter) {
			r.fail("a topic filter is none")
		}
		u.Filters = append(u.Filters, filter)
	}
	if len(u.Filters) == 0 {
		r.fail("UNSUBSCRIBE without a topic filter")
	}
	return u, r.err
}

// AppendUnsubscribe appends an UNSUBSCRIBE.
func AppendUnsubscribe(dst []byte, u Unsubscribe) []byte {
	size := 2
	for _, f := range u.Filters {
		size += 2 + len(f)
	}
	dst = binary.BigEndian.AppendUint16(appendHeader(dst, TypeUnsubscribe, 2, size), u.ID)
	for _, f := range u.Filters {
		dst = appendText(dst, f)
	}
	return dst
}

// AppendUnsuback appends the answer to an UNSUBSCRIBE.
func AppendUnsuback(dst []byte, id uint16) []byte { return appendID(dst, TypeUnsuback, id) }
