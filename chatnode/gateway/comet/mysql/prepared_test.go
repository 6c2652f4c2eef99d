package mysql

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestPreparedStatementsAreAnswered(t *testing.T) {
	_, address := start(t, nil)
	c := enter(t, address)
	p := payload{rest: c.command(comPrepare, "a ? ? ? ?")}
	p.number(1)
	id := uint32(p.number(4))
	if columns, params := p.number(2), p.number(2); columns != 3 || params != 4 {
		t.Fatalf("%d columns and %d placeholders", columns, params)
	}
	c.columns(4)
	c.columns(3)
	execute := binary.LittleEndian.AppendUint32(nil, id)
	execute = append(execute, 0, 1, 0, 0, 0, 0b1000, 1)
	execute = append(execute, typeLongLong, 0, 0xfd, 0, typeTiny, 0x80, 0xfd, 0)
	execute = binary.LittleEndian.AppendUint64(execute, ^uint64(4))
	execute = append(appendText(execute, "text"), 200)
	for range 2 {
		if _, rows := c.rows(c.command(comExecute, string(execute)), true); rows[0][0] != "a ? ? ? ?" || rows[0][1] != "-5|text|200|" {
			t.Errorf("got %q", rows)
		}
		c.number = 0
		ahead := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint32([]byte{comSendLongData}, id), 1)
		c.send(append(ahead, "te"...))
		c.number = 0
		c.send(append(ahead, "xt"...))
		execute = append(execute[:len(execute)-6], 200) // the text has been sent
	}
	if p := c.command(comResetStatement, string(execute[:4])); p[0] != 0 {
		t.Errorf("resetting is answered with % x", p)
	}
	c.number = 0
	c.send(append([]byte{comCloseStatement}, execute[:4]...))
	wantCode(t, "a closed statement", outcome(c.command(comExecute, string(execute))), 1243)
	wantCode(t, "a short packet", outcome(c.command(comExecute, "x")), 1210)
	wantCode(t, "a bad statement", outcome(c.command(comPrepare, "bad")), 3)
	for range maxStatements {
		c.rowsOfPrepare(c.command(comPrepare, "x"))
	}
	wantCode(t, "too many statements", outcome(c.command(comPrepare, "x")), 1461)
}

// What is sent ahead has no answer, also if it is too much: the execution has one, once.
func TestTooMuchSentAheadIsToldByTheExecution(t *testing.T) {
	_, address := start(t, nil)
	c := enter(t, address)
	c.command(comPrepare, "a ?")
	c.columns(1)
	c.columns(3)
	ahead := string([]byte{1, 0, 0, 0, 0, 0})
	execute := string([]byte{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0xfd, 0})
	for _, parts := range [][]int{{5, maxPacket}, {fullPacket}, slices.Repeat([]int{maxPacket / 2}, 17)} {
		for _, length := range parts {
			c.number = 0
			c.send(append([]byte{comSendLongData}, ahead+strings.Repeat("x", length)...))
		}
		wantCode(t, "too much", outcome(c.command(comExecute, execute)), 11)
		if _, rows := c.rows(c.command(comQuery, "hello"), false); rows[0][0] != "hello" {
			t.Errorf("after too much comes %q", rows)
		}
		c.number = 0
		c.send(append([]byte{comSendLongData}, ahead+"fits"...))
		if _, rows := c.rows(c.command(comExecute, execute), true); rows[0][1] != "fits" {
			t.Errorf("what fits is %q", rows)
		}
	}
}

func TestValuesOfAllTypesAreTexts(t *testing.T) {
	for _, test := range []struct {
		kind     byte
		unsigned bool
		bytes    string
		want     string
	}{
		{typeTiny, false, "\xff", "-1"},
		{typeTiny, true, "\xff", "255"},
		{typeShort, false, "\x00\x80", "-32768"},
		{typeYear, true, "\xea\x07", "2026"},
		{typeInt24, false, "\xfe\xff\xff\xff", "-2"},
		{typeLong, true, "\xff\xff\xff\xff", "4294967295"},
		{typeLongLong, true, "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"},
		{typeFloat, false, "\x00\x00\xc0\x3f", "1.5"},
		{typeDouble, false, "\x00\x00\x00\x00\x00\x00\xf8\xbf", "-1.5"},
		{typeNull, false, "", ""},
		{0xfe, false, "\x05gr\xc3\xbcn", "gr\u00fcn"},
		{typeDate, false, "\x00", "0000-00-00"},
		{typeDate, false, "\x04\xea\x07\x0b\x1e", "2026-11-30"},
		{typeDateTime, false, "\x07\xea\x07\x0b\x1e\x07\x08\x09", "2026-11-30 07:08:09"},
		{typeStamp, false, "\x0b\xea\x07\x0b\x1e\x07\x08\x09\x40\xe2\x01\x00", "2026-11-30 07:08:09.123456"},
		{typeTime, false, "\x00", "00:00:00"},
		{typeTime, false, "\x08\x01\x01\x00\x00\x00\x02\x03\x04", "-26:03:04"},
		{typeTime, false, "\x0c\x00\x00\x00\x00\x00\x02\x03\x04\x01\x00\x00\x00", "02:03:04.000001"},
	} {
		p := payload{rest: []byte(test.bytes)}
		if got, known := p.value(test.kind, test.unsigned); !known || p.bad || len(p.rest) > 0 || got != test.want {
			t.Errorf("% x of type %x is %q (%v, %v), want %q", test.bytes, test.kind, got, known, p.bad, test.want)
		}
	}
	for kind, bytes := range map[byte]string{typeDate: "\x03\xea\x07\x0b", typeTime: "\x05\x00\x00\x00\x00\x00", typeLong: "\x01", 0xfd: "\x02x"} {
		p := payload{rest: []byte(bytes)}
		if got, known := p.value(kind, false); known && !p.bad {
			t.Errorf("% x of type %x is %q", bytes, kind, got)
		}
	}
}

// rowsOfPrepare reads the rest of the answer to a statement without placeholders.
func (c *client) rowsOfPrepare(first []byte) {
	c.t.Helper()
	if err := outcome(first); err != nil {
		c.t.Fatal(err)
	}
	c.columns(3)
}
