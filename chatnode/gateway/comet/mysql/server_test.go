package mysql

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// echo answers a statement with itself and its values.
type echo struct{ database string }

func (e *echo) Use(name string) error {
	if name == "none" {
		return &Error{Code: 15, Message: "Select database failure"}
	}
	e.database = name
	return nil
}

func (e *echo) Prepare(sql string) (int, []string, error) {
	if sql == "bad" {
		return 0, nil, errNo
	}
	return strings.Count(sql, "?"), []string{"sql", "args", "database"}, nil
}

func (e *echo) Query(_ context.Context, sql string, args []string) (*Result, error) {
	switch sql {
	case "bad":
		return nil, errNo
	case "worse":
		return nil, errors.New("a secret")
	case "write":
		return &Result{Affected: 1, InsertID: 300}, nil
	}
	row := []string{sql, strings.Join(args, "|"), e.database}
	return &Result{Columns: []string{"sql", "args", "database"}, Rows: [][]string{row, row}}, nil
}

// start serves with these options; root's password is "secret".
func start(t testing.TB, change func(*Options)) (s *Server, address string) {
	t.Helper()
	o := Options{
		Version: "5.7.0-test", HandshakeTimeout: patience, PacketTimeout: patience,
		Login: func(_ context.Context, l *Login) (Handler, error) {
			if l.User == "check" && !l.Secret || l.User == "root" && l.Knows([]byte("secret")) {
				return &echo{}, nil
			}
			return nil, &Error{Code: 16, Message: "Authentication failure"}
		},
	}
	if change != nil {
		change(&o)
	}
	s = New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = l.Close()
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
		s.Close()
	})
	return s, l.Addr().String()
}

// enter gives a client that has signed in.
func enter(t testing.TB, address string) *client {
	t.Helper()
	c := dial(t, address)
	if err := c.login("root", "secret", "CometQL_v1"); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, what string, err error, code uint16) {
	t.Helper()
	var told *Error
	if !errors.As(err, &told) || told.Code != code {
		t.Errorf("%s: %v, want error %d", what, err, code)
	}
}

func TestOnlyThePasswordLetsIn(t *testing.T) {
	_, address := start(t, nil)
	for _, test := range []struct {
		user, password, database string
		code                     uint16
	}{
		{"root", "secret", "", 0},
		{"root", "secret", "CometQL_v1", 0},
		{"root", "secret", "none", 15},
		{"root", "Secret", "", 16},
		{"root", "", "", 16},
		{"other", "secret", "", 16},
		{"", "", "", 16},
		{"check", "", "", 0},
		{"check", "x", "", 16},
	} {
		err := dial(t, address).login(test.user, test.password, test.database)
		if test.code == 0 && err == nil {
			continue
		}
		wantCode(t, test.user+" with "+test.password, err, test.code)
	}
}

func TestClientsOfOtherKindsGetIn(t *testing.T) {
	_, address := start(t, nil)
	old := dial(t, address) // as HAProxy checks, before 4.1
	old.send(append([]byte{0x00, 0x80, 0, 0, 1}, "check\x00"...))
	if err := outcome(old.next()); err != nil {
		t.Errorf("an old check: %v", err)
	}
	newer := dial(t, address) // that has another way of proving itself
	p := newer.response("root", "wrong", "")
	p = append(p[:len(p)-len(nativePassword)-1], "caching_sha2_password\x00"...)
	newer.send(p)
	if again := newer.next(); again[0] != 0xfe || !strings.HasPrefix(string(again[1:]), nativePassword) {
		t.Fatalf("the server says % x", again)
	}
	newer.send(scramble([]byte("secret"), newer.salt))
	if err := outcome(newer.next()); err != nil {
		t.Errorf("a newer client: %v", err)
	}
}

func TestStatementsAreAnswered(t *testing.T) {
	_, address := start(t, nil)
	c := enter(t, address)
	columns, rows := c.rows(c.command(comQuery, "hello"), false)
	if len(columns) != 3 || len(rows) != 2 || rows[1][0] != "hello" || rows[1][2] != "CometQL_v1" {
		t.Errorf("got %q and %q", columns, rows)
	}
	long := strings.Repeat("x", 70_000)
	if _, rows := c.rows(c.command(comQuery, long), false); rows[0][0] != long {
		t.Error("a long text is not the same")
	}
	wantCode(t, "a bad statement", outcome(c.command(comQuery, "bad")), 3)
	if err := outcome(c.command(comQuery, "worse")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a fault is told as %v", err)
	}
	p := payload{rest: c.command(comQuery, "write")}
	if kind, affected, id := p.number(1), p.length(), p.length(); kind != 0 || affected != 1 || id != 300 || p.bad {
		t.Errorf("a write gives %d, %d, %d", kind, affected, id)
	}
	for _, command := range []byte{comPing, comResetConnection} {
		if p := c.command(command, ""); p[0] != 0 {
			t.Errorf("command %x is answered with % x", command, p)
		}
	}
	if p := c.command(comFieldList, "x"); p[0] != 0xfe {
		t.Errorf("a list of fields is answered with % x", p)
	}
	wantCode(t, "another database", outcome(c.command(comInitDB, "none")), 15)
	wantCode(t, "an unknown command", outcome(c.command(0x70, "")), 2)
	wantCode(t, "a great packet", outcome(c.command(comQuery, strings.Repeat("x", maxPacket+1))), 11)
	if p := c.command(comQuit, ""); p[0] != 0 {
		t.Errorf("the end is answered with % x", p)
	}
	if _, err := c.read(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end comes %v", err)
	}
}

func TestTLSIsThereIfThereIsACertificate(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	t.Cleanup(pair.Close)
	_, address := start(t, func(o *Options) { o.TLS = &tls.Config{Certificates: pair.TLS.Certificates} })
	c := dial(t, address)
	if c.capabilities&withTLS == 0 {
		t.Fatal("TLS is not offered")
	}
	c.secure()
	if err := c.login("root", "secret", ""); err != nil {
		t.Fatal(err)
	}
	if _, rows := c.rows(c.command(comQuery, "hello"), false); rows[0][0] != "hello" {
		t.Errorf("got %q", rows)
	}
	_, plain := start(t, nil)
	if c := dial(t, plain); c.capabilities&withTLS != 0 {
		t.Error("TLS is offered without a certificate")
	}
}

// What a client says is cut off at every byte: the server neither hangs nor fails, and serves the next one.
func TestPacketsMayEndAtEveryByte(t *testing.T) {
	s, address := start(t, nil)
	whole := func(c *client) []byte {
		response := c.response("root", "secret", "db")
		wire := append([]byte{byte(len(response)), 0, 0, 1}, response...)
		query := "select 1"
		return append(append(wire, byte(len(query)+1), 0, 0, 0, comQuery), query...)
	}
	length := len(whole(dial(t, address)))
	for cut := range length {
		c := dial(t, address)
		if _, err := c.Write(whole(c)[:cut]); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	c := enter(t, address)
	if _, rows := c.rows(c.command(comQuery, "hello"), false); rows[0][0] != "hello" {
		t.Errorf("got %q", rows)
	}
	_ = c.Close()
	deadline := time.After(patience)
	for s.Connections() > 1 { // the first is still there
		select {
		case <-deadline:
			t.Fatalf("%d connections are left", s.Connections())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// The same bytes, each in a packet of the network of its own, are the same.
func TestPacketsMayComeByteByByte(t *testing.T) {
	_, address := start(t, nil)
	c := dial(t, address)
	response := c.response("root", "secret", "")
	for _, b := range append([]byte{byte(len(response)), 0, 0, 1}, response...) {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	c.number++
	if err := outcome(c.next()); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoClientIsSentAway(t *testing.T) {
	_, address := start(t, nil)
	for name, wire := range map[string]string{
		"HTTP":                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a packet out of order":   "\x05\x00\x00\x07hello",
		"an empty packet":         "\x00\x00\x00\x01",
		"one that ends too early": "\x08\x00\x00\x01\xff\xff\xff\xff1234",
		"a length of too much":    "\x25\x00\x00\x01\x00\x82\x20\x00" + strings.Repeat("\x00", 28) + "x\x00\xfe\xff\xff",
	} {
		c := dial(t, address)
		if _, err := c.Write([]byte(wire)); err != nil {
			t.Fatal(err)
		}
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		if _, err := io.ReadAll(c.in); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSlowHandshakesEnd(t *testing.T) {
	s, address := start(t, func(o *Options) { o.HandshakeTimeout = 50 * time.Millisecond })
	c := dial(t, address)
	if _, err := c.Write([]byte{50}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c.in); err != nil {
		t.Errorf("the end is %v", err)
	}
	_ = s
}

func TestThereAreOnlySoManyClients(t *testing.T) {
	refused := make(chan string, 10)
	_, address := start(t, func(o *Options) { o.MaxConnections, o.Refused = 1, func(why string) { refused <- why } })
	enter(t, address)
	socket, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, Conn: socket, packets: packets{in: bufio.NewReader(socket)}}
	wantCode(t, "one client too many", outcome(c.next()), 1040)
	_ = socket.Close()
	if why := <-refused; why != "total" {
		t.Errorf("refused because of %q", why)
	}
}

func TestDrainEndsIdleClientsAtOnce(t *testing.T) {
	s, address := start(t, nil)
	c := enter(t, address)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.Drain(ctx)
	if ctx.Err() != nil {
		t.Error("the server waited for an idle client")
	}
	if _, err := c.read(); err == nil {
		t.Error("the client is still connected")
	}
}
