package packet

import "encoding/binary"

// Return codes of CONNACK (section 3.2.2.3).
const (
	Accepted            byte = 0
	RefusedVersion      byte = 1
	RefusedIdentifier   byte = 2
	RefusedUnavailable  byte = 3
	RefusedCredentials  byte = 4
	RefusedUnauthorized byte = 5
)

const (
	protocolName = "MQTT"
	// oldName is that of MQTT 3.1, which is answered with RefusedVersion.
	oldName       = "MQIsdp"
	protocolLevel = 4
)

// Flags of CONNECT (section 3.1.2.3).
const (
	flagClean    = 1 << 1
	flagWill     = 1 << 2
	flagRetain   = 1 << 5
	flagPassword = 1 << 6
	flagUsername = 1 << 7
)

// Will is what a client wants published when it goes without DISCONNECT.
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

// Connect is the first packet of a client.
type Connect struct {
	ClientID string
	Clean    bool
	// KeepAlive is the most time between two packets of the client, in seconds; 0: any.
	KeepAlive uint16
	Will      *Will
	// Username and Password are nil if they are not given.
	Username *string
	Password []byte
	// OtherVersion says that the client speaks another version of MQTT: nothing else has been read then.
	OtherVersion bool
}

// ParseConnect reads a CONNECT.
func ParseConnect(p Packet) (Connect, error) {
	r := &reader{rest: p.Body}
	var c Connect
	name, level := r.text(), r.byte()
	switch {
	case r.err != nil:
		return c, r.err
	case name == oldName, name == protocolName && level != protocolLevel:
		c.OtherVersion = true
		return c, nil
	case name != protocolName:
		return c, malformed("the protocol is not %s", protocolName)
	}
	flags := r.byte()
	c.Clean = flags&flagClean != 0
	c.KeepAlive = r.uint16()
	c.ClientID = r.text()
	qos := flags >> 3 & 3
	if flags&1 != 0 || qos > 2 || flags&flagWill == 0 && (qos != 0 || flags&flagRetain != 0) ||
		flags&flagUsername == 0 && flags&flagPassword != 0 {
		r.fail("flags %#x of CONNECT", flags)
	}
	if flags&flagWill != 0 {
		c.Will = &Will{Topic: r.text(), Payload: r.bytes(), QoS: qos, Retain: flags&flagRetain != 0}
		if !ValidTopic(c.Will.Topic) {
			r.fail("the will's topic is none to publish to")
		}
	}
	if flags&flagUsername != 0 {
		name := r.text()
		c.Username = &name
	}
	if flags&flagPassword != 0 {
		c.Password = r.bytes()
	}
	return c, r.end()
}

// AppendConnect appends a CONNECT.
func AppendConnect(dst []byte, c Connect) []byte {
	flags := byte(0)
	size := 2 + len(protocolName) + 4 + 2 + len(c.ClientID)
	if c.Clean {
		flags |= flagClean
	}
	if c.Will != nil {
		flags |= flagWill | c.Will.QoS<<3
		if c.Will.Retain {
			flags |= flagRetain
		}
		size += 4 + len(c.Will.Topic) + len(c.Will.Payload)
	}
	if c.Username != nil {
		flags |= flagUsername
		size += 2 + len(*c.Username)
	}
	if c.Password != nil {
		flags |= flagPassword
		size += 2 + len(c.Password)
	}
	dst = appendText(appendHeader(dst, TypeConnect, 0, size), protocolName)
	dst = binary.BigEndian.AppendUint16(append(dst, protocolLevel, flags), c.KeepAlive)
	dst = appendText(dst, c.ClientID)
	if c.Will != nil {
		dst = appendText(appendText(dst, c.Will.Topic), c.Will.Payload)
	}
	if c.Username != nil {
		dst = appendText(dst, *c.Username)
	}
	if c.Password != nil {
		dst = appendText(dst, c.Password)
	}
	return dst
}

// ParseConnack reads the return code of a CONNACK.
func ParseConnack(p Packet) (code byte, err error) {
	r := &reader{rest: p.Body}
	if present := r.byte(); present > 1 {
		r.fail("flags %#x of CONNACK", present)
	}
	code = r.byte()
	return code, r.end()
}

// AppendConnack appends a CONNACK that says that there was no session before.
func AppendConnack(dst []byte, code byte) []byte {
	return append(appendHeader(dst, TypeConnack, 0, 2), 0, code)
}

// AppendPingreq appends a question whether the other side is there.
func AppendPingreq(dst []byte) []byte { return appendHeader(dst, TypePingreq, 0, 0) }

// AppendPingresp appends the answer to a PINGREQ.
func AppendPingresp(dst []byte) []byte { return appendHeader(dst, TypePingresp, 0, 0) }

// AppendDisconnect appends a client's farewell.
func AppendDisconnect(dst []byte) []byte { return appendHeader(dst, TypeDisconnect, 0, 0) }

// CheckEmpty refuses content in a packet that has none: PINGREQ, PINGRESP, DISCONNECT.
func CheckEmpty(p Packet) error {
	r := &reader{rest: p.Body}
	return r.end()
}
