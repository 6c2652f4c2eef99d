package mysql

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"
)

// client is a MySQL client of the tests.
type client struct {
	t testing.TB
	net.Conn
	packets
	salt []byte
	// capabilities are the server's.
	capabilities uint32
}

// dial connects and reads the greeting.
func dial(t testing.TB, address string) *client {
	t.Helper()
	socket, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	c := &client{t: t, Conn: socket}
	c.packets = packets{in: bufio.NewReader(socket), out: bufio.NewWriter(socket)}
	p := payload{rest: c.next()}
	if version := p.number(1); version != 10 {
		t.Fatalf("the greeting is of protocol %d", version)
	}
	p.zeroEnded()
	p.number(4)
	c.salt = bytes.Clone(p.bytes(8))
	p.number(1)
	low := p.number(2)
	p.bytes(3)
	c.capabilities = uint32(low | p.number(2)<<16)
	p.bytes(11)
	c.salt = append(c.salt, p.bytes(12)...)
	p.number(1)
	if plugin := string(p.zeroEnded()); plugin != nativePassword || p.bad {
		t.Fatalf("the greeting names %q", plugin)
	}
	return c
}

// next is the next packet.
func (c *client) next() []byte {
	c.t.Helper()
	p, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// response is an answer to the greeting.
func (c *client) response(user, password, database string) []byte {
	const asks = protocol41 | secure | pluginAuth
	capabilities := uint32(asks)
	if database != "" {
		capabilities |= connectWithDB
	}
	p := binary.LittleEndian.AppendUint32(nil, capabilities)
	p = append(p, make([]byte, 4+1+23)...)
	p = append(append(p, user...), 0)
	var proof []byte
	if password != "" {
		proof = scramble([]byte(password), c.salt)
	}
	p = append(append(p, byte(len(proof))), proof...)
	if database != "" {
		p = append(append(p, database...), 0)
	}
	return append(append(p, nativePassword...), 0)
}

// send writes one packet.
func (c *client) send(p []byte) {
	c.t.Helper()
	if err := errors.Join(c.write(p), c.flush()); err != nil {
		c.t.Fatal(err)
	}
}

// login signs in, and gives what comes back.
func (c *client) login(user, password, database string) error {
	c.t.Helper()
	c.send(c.response(user, password, database))
	return outcome(c.next())
}

// outcome is the error that a packet tells, if it does.
func outcome(p []byte) error {
	if len(p) > 2 && p[0] == 0xff {
		return &Error{Code: binary.LittleEndian.Uint16(p[1:]), Message: string(p[3:])}
	}
	return nil
}

// command sends a command and gives the first packet of its answer.
func (c *client) command(kind byte, rest string) []byte {
	c.t.Helper()
	c.number = 0
	c.send(append([]byte{kind}, rest...))
	return bytes.Clone(c.next())
}

// rows reads the answer to a query, whose first packet has come.
func (c *client) rows(first []byte, binaryRows bool) (columns []string, rows [][]string) {
	c.t.Helper()
	if err := outcome(first); err != nil {
		c.t.Fatal(err)
	}
	columns = c.columns(int(first[0]))
	for {
		p := payload{rest: c.next()}
		if p.rest[0] == 0xfe && len(p.rest) < 9 {
			return columns, rows
		}
		if binaryRows {
			p.bytes(1 + uint64(len(columns)+9)/8)
		}
		var row []string
		for range columns {
			row = append(row, string(p.text()))
		}
		if p.bad || len(p.rest) > 0 {
			c.t.Fatalf("a row is malformed behind %q", row)
		}
		rows = append(rows, row)
	}
}

// columns reads definitions and their end.
func (c *client) columns(n int) (names []string) {
	c.t.Helper()
	for range n {
		p := payload{rest: c.next()}
		for range 4 {
			p.text()
		}
		names = append(names, string(p.text()))
	}
	if end := c.next(); end[0] != 0xfe {
		c.t.Fatalf("%d columns are followed by % x", n, end)
	}
	return names
}

// secure goes on over TLS.
func (c *client) secure() {
	c.t.Helper()
	p := binary.LittleEndian.AppendUint32(nil, protocol41|withTLS)
	c.send(append(p, make([]byte, 28)...))
	secured := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own certificate
	if err := secured.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.Conn = secured
	c.in.Reset(secured)
	c.out.Reset(secured)
}

var errNo = fmt.Errorf("no: %w", &Error{Code: 3, Message: "Syntax error"})
