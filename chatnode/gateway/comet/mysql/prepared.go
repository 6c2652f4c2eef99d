package mysql

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Bounds of what one client may keep prepared.
const (
	maxStatements = 256
	maxTexts      = 1 << 20 // bytes of statements and of values that were sent ahead
)

// statements are those that a client has prepared, by number.
type statements struct {
	prepared map[uint32]*statement
	last     uint32
	bytes    int
}

type statement struct {
	sql    string
	params int
	// types are those of the values when they were bound last, two bytes each.
	types []byte
	// ahead are values that were sent before the execution, by their place.
	ahead map[uint16][]byte
	// lost says that some of those were too much.
	lost bool
}

var (
	errTooMuch   = &Error{Code: 11, Message: "Data is too long"}
	errTooMany   = &Error{Code: 1461, Message: "Too many prepared statements"}
	errNoSuch    = &Error{Code: 1243, Message: "Unknown prepared statement"}
	errArguments = &Error{Code: 1210, Message: "Incorrect arguments to a prepared statement"}
)

// prepare keeps a statement and describes it.
func (c *connection) prepare(sql string) error {
	params, columns, err := c.handler.Prepare(sql)
	if err != nil {
		return c.writeError(err)
	}
	s := &c.statements
	if len(s.prepared) >= maxStatements || s.bytes+len(sql) > maxTexts {
		return c.writeError(errTooMany)
	}
	if s.prepared == nil {
		s.prepared = map[uint32]*statement{}
	}
	s.last++
	s.prepared[s.last] = &statement{sql: sql, params: params}
	s.bytes += len(sql)

	p := binary.LittleEndian.AppendUint32([]byte{0}, s.last)
	p = binary.LittleEndian.AppendUint16(p, uint16(len(columns)))
	p = binary.LittleEndian.AppendUint16(p, uint16(params))
	if err := c.write(append(p, 0, 0, 0)); err != nil {
		return err
	}
	if params > 0 {
		names := make([]string, params)
		for i := range names {
			names[i] = "?"
		}
		if err := c.writeColumns(names); err != nil {
			return err
		}
	}
	if len(columns) > 0 {
		return c.writeColumns(columns)
	}
	return nil
}

// execute answers a prepared statement with the values that the packet has.
func (c *connection) execute(packet []byte) error {
	p := payload{rest: packet}
	st := c.statements.prepared[uint32(p.number(4))]
	p.bytes(1 + 4) // kinds of cursors, of which there are none, and how often: once
	switch {
	case p.bad:
		return c.writeError(errArguments)
	case st == nil:
		return c.writeError(errNoSuch)
	}
	args, err := st.bind(&p)
	c.statements.forgetAhead(st)
	if err != nil {
		return c.writeError(err)
	}
	return c.query(st.sql, args, true)
}

// bind reads the values of the placeholders.
func (st *statement) bind(p *payload) ([]string, error) {
	switch {
	case st.params == 0:
		return nil, nil
	case st.lost:
		return nil, errTooMuch
	}
	nulls := p.bytes(uint64(st.params+7) / 8)
	if p.number(1) == 1 {
		st.types = append([]byte(nil), p.bytes(2*uint64(st.params))...)
	}
	if p.bad || len(st.types) != 2*st.params {
		return nil, errArguments
	}
	args := make([]string, st.params)
	for i := range args {
		if value, ok := st.ahead[uint16(i)]; ok {
			args[i] = string(value)
			continue
		}
		if nulls[i/8]&(1<<(i%8)) != 0 {
			continue // NULL, which is as good as an empty text
		}
		text, ok := p.value(st.types[2*i], st.types[2*i+1]&0x80 != 0)
		if !ok || p.bad {
			return nil, errArguments
		}
		args[i] = text
	}
	return args, nil
}

// Types of values.
const (
	typeTiny     = 0x01
	typeShort    = 0x02
	typeLong     = 0x03
	typeFloat    = 0x04
	typeDouble   = 0x05
	typeNull     = 0x06
	typeStamp    = 0x07
	typeLongLong = 0x08
	typeInt24    = 0x09
	typeDate     = 0x0a
	typeTime     = 0x0b
	typeDateTime = 0x0c
	typeYear     = 0x0d
)

// texts are the types whose values are texts with their length in front: varchar, bit, json, decimal, enum, set, blobs, strings, geometry.
var texts = map[byte]bool{
	0x00: true, 0x0f: true, 0x10: true, 0xf5: true, 0xf6: true, 0xf7: true, 0xf8: true, 0xf9: true, 0xfa: true, 0xfb: true, 0xfc: true,
	0xfd: true, 0xfe: true, 0xff: true,
}

// value reads one value as text; false if its type is none that is known here.
func (p *payload) value(kind byte, unsigned bool) (string, bool) {
	switch kind {
	case typeNull:
		return "", true
	case typeTiny:
		return p.integer(1, unsigned), true
	case typeShort, typeYear:
		return p.integer(2, unsigned), true
	case typeLong, typeInt24:
		return p.integer(4, unsigned), true
	case typeLongLong:
		return p.integer(8, unsigned), true
	case typeFloat:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(p.number(4)))), 'f', -1, 32), true
	case typeDouble:
		return strconv.FormatFloat(math.Float64frombits(p.number(8)), 'f', -1, 64), true
	case typeStamp, typeDate, typeDateTime:
		return p.moment(), true
	case typeTime:
		return p.duration(), true
	}
	if texts[kind] {
		return string(p.text()), true
	}
	return "", false
}

func (p *payload) integer(size uint64, unsigned bool) string {
	n := p.number(size)
	if unsigned {
		return strconv.FormatUint(n, 10)
	}
	unused := 64 - 8*size
	return strconv.FormatInt(int64(n<<unused)>>unused, 10)
}

// moment reads a date with or without a time.
func (p *payload) moment() string {
	at := payload{rest: p.bytes(p.number(1))}
	if len(at.rest) == 0 {
		return "0000-00-00"
	}
	text := fmt.Sprintf("%04d-%02d-%02d", at.number(2), at.number(1), at.number(1))
	if len(at.rest) > 0 {
		text += " " + at.clock(0)
	}
	p.bad = p.bad || at.bad
	return text
}

// duration reads a time without a date, which may be below zero, and longer than a day.
func (p *payload) duration() string {
	at := payload{rest: p.bytes(p.number(1))}
	if len(at.rest) == 0 {
		return "00:00:00"
	}
	sign := ""
	if at.number(1) == 1 {
		sign = "-"
	}
	text := sign + at.clock(at.number(4))
	p.bad = p.bad || at.bad
	return text
}

// clock reads hours, minutes, seconds and, if they are there, millionths of a second.
func (p *payload) clock(days uint64) string {
	text := fmt.Sprintf("%02d:%02d:%02d", 24*days+p.number(1), p.number(1), p.number(1))
	if len(p.rest) > 0 {
		text += fmt.Sprintf(".%06d", p.number(4))
	}
	return text
}

// longData takes a part of a value ahead of the execution. The protocol has no answer to it: what is too much the execution tells of.
func (s *statements) longData(packet []byte) {
	p := payload{rest: packet}
	st := s.prepared[uint32(p.number(4))]
	place := uint16(p.number(2))
	switch {
	case p.bad || st == nil || int(place) >= st.params:
		return
	case s.bytes+len(p.rest) > maxTexts:
		st.lost = true
		return
	}
	if st.ahead == nil {
		st.ahead = map[uint16][]byte{}
	}
	st.ahead[place] = append(st.ahead[place], p.rest...)
	s.bytes += len(p.rest)
}

// lose notes that a part of a value was too long for a packet, of which this is the beginning.
func (s *statements) lose(packet []byte) {
	p := payload{rest: packet}
	if st := s.prepared[uint32(p.number(4))]; st != nil {
		st.lost = true
	}
}

func (s *statements) forgetAhead(st *statement) {
	for _, value := range st.ahead {
		s.bytes -= len(value)
	}
	st.ahead, st.lost = nil, false
}

func (s *statements) close(packet []byte) {
	p := payload{rest: packet}
	number := uint32(p.number(4))
	if st := s.prepared[number]; st != nil {
		s.forgetAhead(st)
		s.bytes -= len(st.sql)
		delete(s.prepared, number)
	}
}

func (s *statements) reset(packet []byte) error {
	p := payload{rest: packet}
	st := s.prepared[uint32(p.number(4))]
	if st == nil {
		return errNoSuch
	}
	s.forgetAhead(st)
	return nil
}
