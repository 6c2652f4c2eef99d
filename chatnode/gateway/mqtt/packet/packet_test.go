package packet

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func samples() [][]byte {
	name := "JWT"
	return [][]byte{
		AppendConnect(nil, Connect{ClientID: "client", Clean: true, KeepAlive: 10, Username: &name, Password: []byte("a.b.c"),
			Will: &Will{Topic: "apps/tilechat/users/U/presence/client", Payload: []byte(`{"disconnected":true}`), QoS: 1, Retain: true}}),
		AppendConnect(nil, Connect{ClientID: ""}),
		AppendConnack(nil, RefusedCredentials),
		AppendPublish(nil, Publish{Topic: "apps/tilechat/outgoing/users/U/messages/C/outgoing", Payload: []byte(`{"text":"hi"}`)}),
		AppendPublish(nil, Publish{Topic: "a", Payload: bytes.Repeat([]byte("x"), 20_000), QoS: 1, ID: 7, Dup: true, Retain: true}),
		AppendPuback(nil, 7),
		AppendSubscribe(nil, Subscribe{ID: 1, Filters: []Filter{{"apps/tilechat/users/U/#", 0}, {"a/+/b", 1}}}),
		AppendSuback(nil, 1, []byte{0, RefusedFilter}),
		AppendUnsubscribe(nil, Unsubscribe{ID: 2, Filters: []string{"a/+/b"}}),
		AppendUnsuback(nil, 2),
		AppendPingreq(nil), AppendPingresp(nil), AppendDisconnect(nil),
	}
}

// again parses a packet and writes it anew.
func again(p Packet) ([]byte, error) {
	switch p.Type {
	case TypeConnect:
		c, err := ParseConnect(p)
		if c.OtherVersion {
			return nil, ErrMalformed
		}
		return AppendConnect(nil, c), err
	case TypeConnack:
		code, err := ParseConnack(p)
		return AppendConnack(nil, code), err
	case TypePublish:
		m, err := ParsePublish(p)
		return AppendPublish(nil, m), err
	case TypePuback:
		id, err := ParseID(p)
		return AppendPuback(nil, id), err
	case TypeSubscribe:
		s, err := ParseSubscribe(p)
		return AppendSubscribe(nil, s), err
	case TypeSuback:
		id, codes, err := ParseSuback(p)
		return AppendSuback(nil, id, codes), err
	case TypeUnsubscribe:
		u, err := ParseUnsubscribe(p)
		return AppendUnsubscribe(nil, u), err
	case TypeUnsuback:
		id, err := ParseID(p)
		return AppendUnsuback(nil, id), err
	default:
		return appendHeader(nil, p.Type, 0, 0), CheckEmpty(p)
	}
}

func TestEveryPacketComesBackAsItWasWritten(t *testing.T) {
	for _, wire := range samples() {
		p, rest, more, err := Cut(wire, 1<<20)
		if err != nil || more || len(rest) > 0 {
			t.Fatalf("%x: %v, more %v, rest %x", wire, err, more, rest)
		}
		if back, err := again(p); err != nil || !bytes.Equal(back, wire) {
			t.Errorf("%s: %x became %x: %v", p.Type, wire, back, err)
		}
	}
}

func TestAPacketIsWaitedForAtEveryByte(t *testing.T) {
	for _, wire := range samples() {
		for cut := range wire {
			_, rest, more, err := Cut(wire[:cut], 1<<20)
			if err != nil || !more || len(rest) != cut {
				t.Fatalf("%x cut at %d: %v, more %v", wire, cut, err, more)
			}
		}
	}
}

// A body that ends early or goes on too long is refused, and never read beyond its end.
func TestABodyOfAnotherLengthIsRefused(t *testing.T) {
	for _, wire := range samples() {
		p, _, _, err := Cut(wire, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for cut := range p.Body {
			short := p
			short.Body = p.Body[:cut:cut]
			_, err := again(short)
			payload := p.Type == TypePublish || p.Type == TypeSuback || p.Type == TypeSubscribe || p.Type == TypeUnsubscribe
			if err == nil && !payload {
				t.Errorf("%s of %d bytes instead of %d was taken", p.Type, cut, len(p.Body))
			}
		}
		if p.Type != TypePublish && p.Type != TypeSuback {
			p.Body = append(bytes.Clone(p.Body), 1)
			if _, err := again(p); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s with a byte too many: %v", p.Type, err)
			}
		}
	}
}

func TestWhatTheStandardForbidsIsRefused(t *testing.T) {
	for name, wire := range map[string][]byte{
		"type 0":                    {0x00, 0},
		"type 15":                   {0xf0, 0},
		"flags of PINGREQ":          {0xc1, 0},
		"flags of SUBSCRIBE":        {0x80, 0},
		"a length of five bytes":    {0xc0, 0x80, 0x80, 0x80, 0x80, 1},
		"QoS 3":                     {0x36, 5, 0, 1, 'a', 0, 1},
		"DUP with QoS 0":            {0x38, 3, 0, 1, 'a'},
		"an empty topic":            {0x30, 2, 0, 0},
		"a wildcard in a topic":     {0x30, 3, 0, 1, '#'},
		"a zero character":          {0x30, 3, 0, 1, 0},
		"a topic that is not UTF-8": {0x30, 3, 0, 1, 0xff},
		"packet identifier 0":       {0x32, 5, 0, 1, 'a', 0, 0},
		"an empty SUBSCRIBE":        {0x82, 2, 0, 1},
		"a # in the middle":         AppendSubscribe(nil, Subscribe{ID: 1, Filters: []Filter{{"a/#/b", 0}}}),
		"an empty filter, back":     AppendUnsubscribe(nil, Unsubscribe{ID: 1, Filters: []string{""}}),
		"a + beside others":         AppendSubscribe(nil, Subscribe{ID: 1, Filters: []Filter{{"a/b+", 0}}}),
		"another protocol":          {0x10, 12, 0, 4, 'H', 'T', 'T', 'P', 4, 2, 0, 0, 0, 0},
		"a password without a name": {0x10, 14, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x42, 0, 0, 0, 0, 0, 0},
	} {
		p, _, more, err := Cut(wire, 1<<20)
		if err == nil {
			_, err = again(p)
		}
		if !errors.Is(err, ErrMalformed) || more {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := Cut([]byte{0x30, 0xff, 0xff, 0x03}, 1<<10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a great packet: %v", err)
	}
}

func TestOtherVersionsAreKnown(t *testing.T) {
	for _, body := range [][]byte{{0, 6, 'M', 'Q', 'I', 's', 'd', 'p', 3, 2, 0, 0, 0, 0}, {0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 0}} {
		if c, err := ParseConnect(Packet{Type: TypeConnect, Body: body}); err != nil || !c.OtherVersion {
			t.Errorf("%q: %+v, %v", body, c, err)
		}
	}
}

func TestFiltersMatchTopics(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a", false}, {"a", "a/b", false}, {"a/b", "a/c", false},
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"a/b/#", "a", false},
		{"+", "a", true}, {"+", "a/b", false}, {"a/+/c", "a/b/c", true}, {"a/+", "a", false}, {"a/+", "a/", true}, {"+/+", "/a", true},
	} {
		if got := Match(test.filter, test.topic); got != test.want {
			t.Errorf("%q on %q: %v", test.filter, test.topic, got)
		}
	}
}

func FuzzPackets(f *testing.F) {
	for _, wire := range samples() {
		f.Add(wire)
		f.Add(append(bytes.Clone(wire), AppendPingreq(nil)...))
	}
	f.Add([]byte{0x82, 2, 0, 1})
	f.Add([]byte{0x10, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 64 << 10
		for len(stream) > 0 {
			p, rest, more, err := Cut(stream, limit)
			if more || err != nil {
				return
			}
			if len(rest) >= len(stream) || len(p.Body) > limit {
				t.Fatalf("%d bytes became a body of %d and a rest of %d", len(stream), len(p.Body), len(rest))
			}
			stream = rest
			wire, err := again(p)
			if err != nil {
				continue
			}
			q, _, more, err := Cut(wire, limit+8)
			if err != nil || more {
				t.Fatalf("%x was written as %x: %v", p.Body, wire, err)
			}
			if twice, err := again(q); err != nil || !reflect.DeepEqual(twice, wire) {
				t.Fatalf("%x was written as %x, then %x: %v", p.Body, wire, twice, err)
			}
		}
	})
}
