package centrifuge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

var clientLimits = protocol.Limits{Bytes: 64 << 20, Messages: 1 << 20, Entries: 1 << 20}

// transport is one of the ways to a node.
type transport struct {
	name     string
	encoding protocol.Encoding
	dial     func(c *rawClient, first []byte)
}

var transports = []transport{
	{"WebSocket JSON", protocol.JSON, (*rawClient).dialWebSocket},
	{"WebSocket Protobuf", protocol.Protobuf, (*rawClient).dialWebSocket},
	{"HTTP streaming JSON", protocol.JSON, (*rawClient).dialHTTPStream},
	{"HTTP streaming Protobuf", protocol.Protobuf, (*rawClient).dialHTTPStream},
	{"SSE JSON", protocol.JSON, (*rawClient).dialSSE},
}

// rawClient is a client: it speaks the codec and knows nothing more.
type rawClient struct {
	t        testing.TB
	base     string
	encoding protocol.Encoding
	link     func(network, address string) (net.Conn, error)
	mute     atomic.Bool // pings are not answered
	end      chan protocol.Disconnect
	pushes   chan *protocol.Push
	pings    chan struct{}
	result   *protocol.ConnectResult
	// write sends a frame; cut ends the connection without a word; read counts the bytes and frames of replies.
	write func(frame []byte) error
	cut   func()

	mu      sync.Mutex
	lastID  uint32
	replies map[uint32]chan *protocol.Reply
	frames  int
	// node and session are where commands go that come by requests of their own.
	node, session string
}

// dial opens a connection whose first frame holds the commands.
func (n *node) dial(t testing.TB, via transport, first ...*protocol.Command) *rawClient {
	t.Helper()
	return n.dialThrough(t, via, net.Dial, first...)
}

func (n *node) dialThrough(
	t testing.TB, via transport, link func(network, address string) (net.Conn, error), first ...*protocol.Command,
) *rawClient {
	t.Helper()
	c := &rawClient{
		t: t, base: n.http.URL, link: link, encoding: via.encoding, replies: map[uint32]chan *protocol.Reply{},
		end: make(chan protocol.Disconnect, 1), pushes: make(chan *protocol.Push, 1<<16), pings: make(chan struct{}, 16),
	}
	via.dial(c, c.frame(first...))
	t.Cleanup(c.cut)
	return c
}

// connect opens a session of a user; an empty name is anonymous.
func (n *node) connect(t testing.TB, via transport, user string) *rawClient {
	t.Helper()
	q := &protocol.ConnectRequest{}
	if user != "" {
		q.Token = tokenOf(t, user)
	}
	return n.connectWith(t, via, q)
}

func (n *node) connectWith(t testing.TB, via transport, q *protocol.ConnectRequest) *rawClient {
	t.Helper()
	command := &protocol.Command{Connect: q}
	c := n.dial(t, via, command)
	reply := c.await(command)
	if reply.Connect == nil {
		t.Fatalf("connect: %+v", reply.Error)
	}
	c.result = reply.Connect
	return c
}

// frame numbers commands and encodes them.
func (c *rawClient) frame(commands ...*protocol.Command) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var frame []byte
	for _, command := range commands {
		if *command != (protocol.Command{}) && command.ID == 0 && command.Send == nil {
			c.lastID++
			command.ID = c.lastID
			c.replies[command.ID] = make(chan *protocol.Reply, 1)
		}
		frame = protocol.AppendCommand(c.encoding, c.encoding.AppendSeparator(frame), command)
	}
	return frame
}

// begin sends commands in one frame.
func (c *rawClient) begin(commands ...*protocol.Command) {
	c.t.Helper()
	if err := c.write(c.frame(commands...)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// await gives the answer to a command.
func (c *rawClient) await(command *protocol.Command) *protocol.Reply {
	c.t.Helper()
	c.mu.Lock()
	answer := c.replies[command.ID]
	c.mu.Unlock()
	select {
	case reply := <-answer:
		return reply
	case end := <-c.end:
		c.end <- end
		c.t.Fatalf("disconnected instead of an answer: %v", end)
	case <-time.After(patience):
		c.t.Fatalf("no answer to %+v", command)
	}
	return nil
}

// do sends a command and gives its answer.
func (c *rawClient) do(command *protocol.Command) *protocol.Reply {
	c.t.Helper()
	c.begin(command)
	return c.await(command)
}

// ok is do for a command that must succeed.
func (c *rawClient) ok(command *protocol.Command) *protocol.Reply {
	c.t.Helper()
	reply := c.do(command)
	if reply.Error != nil {
		c.t.Fatalf("%+v: %v", command, reply.Error)
	}
	return reply
}

func (c *rawClient) subscribe(channel string) *protocol.SubscribeResult {
	c.t.Helper()
	return c.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: channel}}).Subscribe
}

func (c *rawClient) publish(channel, text string) {
	c.t.Helper()
	c.ok(&protocol.Command{Publish: &protocol.PublishRequest{Channel: channel, Data: raw(c.t, map[string]string{"text": text})}})
}

// push gives the next push.
func (c *rawClient) push() *protocol.Push {
	c.t.Helper()
	select {
	case push := <-c.pushes:
		return push
	case <-time.After(patience):
		c.t.Fatal("no push")
		return nil
	}
}

// wantEnd waits until the server ends the connection with the code.
func (c *rawClient) wantEnd(code uint32) {
	c.t.Helper()
	select {
	case end := <-c.end:
		c.end <- end
		if end.Code != code {
			c.t.Fatalf("disconnected with %v, want %d", end, code)
		}
	case <-time.After(patience):
		c.t.Fatalf("not disconnected with %d", code)
	}
}

// received takes a frame from the server.
func (c *rawClient) received(frame []byte) {
	replies, err := protocol.DecodeReplies(c.encoding, frame, clientLimits)
	if err != nil {
		c.t.Errorf("frame %q: %v", frame, err)
		return
	}
	c.mu.Lock()
	c.frames++
	c.mu.Unlock()
	for _, reply := range replies {
		switch {
		case reply.IsPing():
			if !c.mute.Load() {
				_ = c.write(c.frame(&protocol.Command{}))
			}
			select {
			case c.pings <- struct{}{}:
			default:
			}
		case reply.Push != nil && reply.Push.Disconnect != nil:
			c.ended(protocol.Disconnect{Code: reply.Push.Disconnect.Code, Reason: reply.Push.Disconnect.Reason})
		case reply.Push != nil:
			c.pushes <- reply.Push
		default:
			c.mu.Lock()
			if reply.Connect != nil {
				c.node, c.session = reply.Connect.Node, reply.Connect.Session
			}
			answer := c.replies[reply.ID]
			c.mu.Unlock()
			if answer == nil {
				c.t.Errorf("a reply that nobody asked for: %+v", reply)
				continue
			}
			answer <- reply
		}
	}
}

func (c *rawClient) ended(d protocol.Disconnect) {
	select {
	case c.end <- d:
	default:
	}
}

func (c *rawClient) dialWebSocket(first []byte) {
	dialer := &websocket.Dialer{HandshakeTimeout: patience, NetDial: c.link}
	kind := websocket.TextMessage
	if c.encoding == protocol.Protobuf {
		dialer.Subprotocols, kind = []string{"centrifuge-protobuf"}, websocket.BinaryMessage
	}
	ws, response, err := dialer.Dial("ws"+strings.TrimPrefix(c.base, "http")+"/connection/websocket", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if got := response.Header.Get("Sec-WebSocket-Protocol"); c.encoding == protocol.Protobuf && got != "centrifuge-protobuf" {
		c.t.Errorf("subprotocol %q", got)
	}
	var writing sync.Mutex
	c.write = func(frame []byte) error {
		writing.Lock()
		defer writing.Unlock()
		return ws.WriteMessage(kind, frame)
	}
	done := make(chan struct{})
	c.cut = func() {
		_ = ws.Close()
		<-done
	}
	if len(first) > 0 {
		if err := c.write(first); err != nil {
			c.t.Fatal(err)
		}
	}
	go func() {
		defer close(done)
		for {
			_, frame, err := ws.ReadMessage()
			if err != nil {
				var closed *websocket.CloseError
				if errors.As(err, &closed) {
					c.ended(protocol.Disconnect{Code: uint32(closed.Code), Reason: closed.Text})
				}
				return
			}
			c.received(frame)
		}
	}()
}

func (c *rawClient) dialHTTPStream(first []byte) {
	contentType := "application/json"
	if c.encoding == protocol.Protobuf {
		contentType = "application/octet-stream"
	}
	request, err := http.NewRequest(http.MethodPost, c.base+"/connection/http_stream", bytes.NewReader(first))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	c.stream(request, contentType, func(body *bufio.Reader) ([]byte, error) {
		if c.encoding == protocol.JSON {
			line, err := body.ReadBytes('\n')
			return bytes.TrimSuffix(line, []byte("\n")), err
		}
		size, err := binary.ReadUvarint(body)
		if err != nil {
			return nil, err
		}
		message := make([]byte, size)
		_, err = io.ReadFull(body, message)
		return append(binary.AppendUvarint(nil, size), message...), err
	})
}

func (c *rawClient) dialSSE(first []byte) {
	request, err := http.NewRequest(http.MethodGet, c.base+"/connection/sse?cf_connect="+url.QueryEscape(string(first)), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.stream(request, "text/event-stream", func(body *bufio.Reader) ([]byte, error) {
		var event [][]byte
		for {
			line, err := body.ReadBytes('\n')
			if err != nil || len(line) == 1 {
				return bytes.Join(event, []byte("\n")), err
			}
			data, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("data: "))
			if !ok {
				c.t.Errorf("line %q in an event stream", line)
			}
			event = append(event, data)
		}
	})
}

// stream reads the messages of a response; commands go by requests of their own.
func (c *rawClient) stream(request *http.Request, contentType string, read func(*bufio.Reader) ([]byte, error)) {
	http := &http.Client{Transport: &http.Transport{}}
	response, err := http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != contentType {
		c.t.Fatalf("%s, content type %q", response.Status, got)
	}
	c.write = func(frame []byte) error { return c.emulate(http, frame) }
	done := make(chan struct{})
	c.cut = func() {
		_ = response.Body.Close()
		<-done
		http.CloseIdleConnections()
	}
	go func() {
		defer close(done)
		for body := bufio.NewReader(response.Body); ; {
			frame, err := read(body)
			if err != nil {
				return
			}
			c.received(frame)
		}
	}()
}

func (c *rawClient) emulate(http *http.Client, frame []byte) error {
	c.mu.Lock()
	node, session := c.node, c.session
	c.mu.Unlock()
	contentType := "application/json"
	if c.encoding == protocol.Protobuf {
		contentType = octetStream
	}
	body := protocol.AppendEmulation(c.encoding, nil, &protocol.EmulationRequest{Node: node, Session: session, Data: frame})
	response, err := http.Post(c.base+"/emulation", contentType, bytes.NewReader(body))
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != 204 {
		return errors.New(response.Status)
	}
	return nil
}
