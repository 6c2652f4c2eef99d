package mysql

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"
)

// wire is a socket that says what is in it and takes everything.
type wire struct{ io.Reader }

func (wire) Write(p []byte) (int, error)      { return len(p), nil }
func (wire) Close() error                     { return nil }
func (wire) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (wire) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }

// FuzzCommands gives a server what a client might say that has signed in.
func FuzzCommands(f *testing.F) {
	packet := func(p string) string { return string([]byte{byte(len(p)), 0, 0, 0}) + p }
	f.Add([]byte(packet("\x03select 1") + packet("\x0e") + packet("\x01")))
	f.Add([]byte(packet("\x16a ? ?") + packet("\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\xfd\x00\x08\x00\x01x12345678")))
	f.Add([]byte(packet("\x16?") + packet("\x18\x01\x00\x00\x00\x00\x00long") + packet("\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x0c\x00")))
	f.Add([]byte(packet("\x19\x01\x00\x00\x00") + packet("\x1a") + packet("\x02db") + packet("\x04") + packet("\xff")))
	f.Add([]byte("\xff\xff\xff\x00"))
	s := New(Options{Logger: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(_ *testing.T, said []byte) {
		socket := wire{bytes.NewReader(said)}
		c := &connection{server: s, socket: socket, handler: &echo{}}
		c.packets = packets{in: bufio.NewReader(socket), out: bufio.NewWriter(socket)}
		for c.serveOne() == nil {
		}
	})
}

// FuzzLogin gives a server an answer to its greeting.
func FuzzLogin(f *testing.F) {
	c := &client{salt: make([]byte, saltBytes)}
	f.Add(c.response("root", "secret", "db"))
	f.Add([]byte("\x00\x80\x00\x00\x01check\x00"))
	f.Add([]byte("\x00\x82\x20\x00" + string(make([]byte, 28)) + "x\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		if l, _, err := parseLogin(answer); err == nil {
			l.salt = make([]byte, saltBytes)
			_ = l.Knows([]byte("secret"))
		}
		_ = asksForTLS(answer)
	})
}
