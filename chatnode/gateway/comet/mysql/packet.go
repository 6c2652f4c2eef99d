package mysql

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// maxPacket is the largest packet that is taken from a client, in bytes; of larger ones everything behind the first keptBytes is read
	// and dropped.
	maxPacket = 128 << 10
	keptBytes = 8
	// fullPacket is the length of a packet that goes on in the next one.
	fullPacket = 1<<24 - 1
)

// errTooLong says that a packet was longer than maxPacket, and has been dropped.
var errTooLong = errors.New("the packet is too long")

// packets reads and writes packets: four bytes of length and number, then the payload.
type packets struct {
	in  *bufio.Reader
	out *bufio.Writer
	// number is that of the next packet, in either direction.
	number byte
	// buffer holds the payload that was read last.
	buffer []byte
}

// read gives the payload of the next packet, valid until the next call; of one that is too long its beginning, with errTooLong.
func (p *packets) read() ([]byte, error) {
	p.buffer = p.buffer[:0]
	tooLong := false
	for {
		var head [4]byte
		if _, err := io.ReadFull(p.in, head[:]); err != nil {
			return nil, err
		}
		if head[3] != p.number {
			return nil, fmt.Errorf("packet %d came instead of packet %d", head[3], p.number)
		}
		p.number++
		length := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		wanted := length
		if tooLong = tooLong || len(p.buffer)+length > maxPacket; tooLong {
			wanted = min(length, keptBytes-len(p.buffer)) // only a first packet can be the one that is too much
		}
		if err := p.take(wanted); err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, p.in, int64(length-wanted)); err != nil {
			return nil, err
		}
		if length < fullPacket {
			break
		}
	}
	if tooLong {
		return p.buffer, errTooLong
	}
	return p.buffer, nil
}

// take adds that many bytes to the buffer, which grows with what has really come.
func (p *packets) take(length int) error {
	const step = 16 << 10
	for length > 0 {
		n := min(length, step)
		from := len(p.buffer)
		p.buffer = append(p.buffer, make([]byte, n)...)
		if _, err := io.ReadFull(p.in, p.buffer[from:]); err != nil {
			return err
		}
		length -= n
	}
	return nil
}

// write puts a payload on its way; flush sends it.
func (p *packets) write(payload []byte) error {
	for {
		part := payload[:min(len(payload), fullPacket)]
		payload = payload[len(part):]
		head := [4]byte{byte(len(part)), byte(len(part) >> 8), byte(len(part) >> 16), p.number}
		p.number++
		if _, err := p.out.Write(head[:]); err != nil {
			return err
		}
		if _, err := p.out.Write(part); err != nil {
			return err
		}
		if len(part) < fullPacket {
			return nil
		}
	}
}

func (p *packets) flush() error { return p.out.Flush() }

// Integers and texts with their length in front, as the protocol has them.

func appendLength(dst []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	default:
		return binary.LittleEndian.AppendUint64(append(dst, 0xfe), n)
	}
}

func appendText(dst []byte, s string) []byte {
	return append(appendLength(dst, uint64(len(s))), s...)
}

// errMalformed says that a packet is not what the protocol says.
var errMalformed = errors.New("the packet is malformed")

// payload is what is left of a packet while it is taken apart. After something was missing, bad is set and everything is empty.
type payload struct {
	rest []byte
	bad  bool
}

func (p *payload) bytes(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.rest, p.bad = nil, true
		return nil
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

// number takes an integer of that many bytes, at most 8, the lowest first.
func (p *payload) number(size uint64) (n uint64) {
	for i, b := range p.bytes(size) {
		n |= uint64(b) << (8 * i)
	}
	return n
}

// length takes an integer with its length in front.
func (p *payload) length() uint64 {
	switch first := p.number(1); first {
	case 0xfc:
		return p.number(2)
	case 0xfd:
		return p.number(3)
	case 0xfe:
		return p.number(8)
	case 0xfb, 0xff:
		p.rest, p.bad = nil, true
		return 0
	default:
		return first
	}
}

// text takes a text with its length in front.
func (p *payload) text() []byte { return p.bytes(p.length()) }

// zeroEnded takes a text that a zero byte or the packet ends.
func (p *payload) zeroEnded() []byte {
	for i, b := range p.rest {
		if b == 0 {
			taken := p.rest[:i]
			p.rest = p.rest[i+1:]
			return taken
		}
	}
	taken := p.rest
	p.rest = nil
	return taken
}
