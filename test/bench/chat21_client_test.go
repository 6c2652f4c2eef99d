package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
	"github.com/chatfleet/chatfleet/test/process"
)

// chat21Server is a chat node that serves clients of chat21.
type chat21Server struct {
	*server
	tcp, web string
	key      []byte
}

func startChat21(b *testing.B) *chat21Server {
	b.Helper()
	s := &chat21Server{
		tcp: process.Address(process.ReservePort(b)), web: process.Address(process.ReservePort(b)), key: []byte("a key for the bench"),
	}
	file := filepath.Join(b.TempDir(), "key")
	must(b, os.WriteFile(file, s.key, 0o600))
	node := process.StartChatnode(b, process.ChatnodeOptions{Flags: []string{
		"--mqtt-listen", s.tcp, "--mqtt-http-listen", s.web, "--mqtt-jwt-secret-file", file, "--messages-per-second", "0",
	}})
	s.server = &server{system: ours, pid: node.PID(), collectURL: node.AdminURL() + "/debug/pprof/heap?gc=1"}
	return s
}

// tokenOf signs a token like those of chat21's backend.
func (s *chat21Server) tokenOf(user string) string {
	below := "apps.tilechat."
	claims, _ := json.Marshal(map[string]any{
		"sub": user, "app_id": "tilechat", "exp": time.Now().Add(time.Hour).Unix(),
		"scope": []string{
			"rabbitmq.read:*/*/" + below + "users." + user + ".*", "rabbitmq.write:*/*/" + below + "users." + user + ".*",
			"rabbitmq.write:*/*/" + below + "outgoing.users." + user + ".*",
		},
	})
	e := base64.RawURLEncoding
	text := e.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + e.EncodeToString(claims)
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(text))
	return text + "." + e.EncodeToString(mac.Sum(nil))
}

// chat21Client is a user's connection.
type chat21Client struct {
	user   string
	stream io.ReadWriteCloser
	end    chan struct{}
}

// webStream is a WebSocket as a stream of bytes, one frame a write.
type webStream struct {
	*websocket.Conn
	frame io.Reader
}

func (s *webStream) Read(p []byte) (int, error) {
	for {
		if s.frame == nil {
			_, frame, err := s.NextReader()
			if err != nil {
				return 0, err
			}
			s.frame = frame
		}
		n, err := s.frame.Read(p)
		if err == io.EOF {
			s.frame, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (s *webStream) Write(p []byte) (int, error) {
	return len(p), s.WriteMessage(websocket.BinaryMessage, p)
}

func (s *chat21Server) open(ctx context.Context, web bool) (io.ReadWriteCloser, error) {
	if !web {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", s.tcp)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}, ReadBufferSize: idleBuffer, WriteBufferSize: idleBuffer}
	ws, response, err := dialer.DialContext(ctx, "ws://"+s.web+"/ws", nil)
	if err != nil {
		return nil, err
	}
	return &webStream{Conn: ws}, response.Body.Close()
}

// connect logs a user in and subscribes to everything of the user; heard is called with the payload of each message from then on.
func (s *chat21Server) connect(ctx context.Context, web bool, user string, heard func(c *chat21Client, payload []byte)) (*chat21Client, error) {
	stream, err := s.open(ctx, web)
	if err != nil {
		return nil, err
	}
	c := &chat21Client{user: user, stream: stream, end: make(chan struct{})}
	name := "JWT"
	hello := packet.AppendConnect(nil, packet.Connect{ClientID: user, Clean: true, Username: &name, Password: []byte(s.tokenOf(user))})
	hello = packet.AppendSubscribe(hello, packet.Subscribe{ID: 1, Filters: []packet.Filter{{Topic: "apps/tilechat/users/" + user + "/#"}}})
	if _, err := stream.Write(hello); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go c.read(ready, heard)
	select {
	case err := <-ready:
		return c, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *chat21Client) read(ready chan<- error, heard func(c *chat21Client, payload []byte)) {
	defer close(c.end)
	var stream []byte
	buffer := make([]byte, idleBuffer)
	for {
		n, err := c.stream.Read(buffer)
		if err != nil {
			ready <- fmt.Errorf("%s was refused: %w", c.user, err)
			return
		}
		stream = append(stream, buffer[:n]...)
		for {
			p, rest, more, err := packet.Cut(stream, 1<<20)
			if more || err != nil {
				break
			}
			stream = rest
			switch p.Type {
			case packet.TypeSuback:
				ready <- nil
			case packet.TypePublish:
				if m, err := packet.ParsePublish(p); err == nil && heard != nil && strings.HasSuffix(m.Topic, "/clientadded") {
					heard(c, m.Payload)
				}
			}
		}
		if len(stream) == 0 {
			stream = nil
		}
	}
}

// say sends a text to another user or a group.
func (c *chat21Client) say(to, text string) error {
	topic := "apps/tilechat/outgoing/users/" + c.user + "/messages/" + to + "/outgoing"
	payload := fmt.Appendf(nil, `{"text":%q,"type":"text","recipient_fullname":%q,"sender_fullname":%q,"attributes":{},"metadata":null,"channel_type":%q}`,
		text, to, c.user, map[bool]string{true: "group", false: "direct"}[strings.HasPrefix(to, "group-")])
	_, err := c.stream.Write(packet.AppendPublish(nil, packet.Publish{Topic: topic, Payload: payload}))
	return err
}

// crowdOf21 connects users at once, some at a time.
func crowdOf21(b *testing.B, s *chat21Server, web bool, count int, heard func(c *chat21Client, payload []byte)) []*chat21Client {
	b.Helper()
	clients := make([]*chat21Client, count)
	work, ctx := errgroup.WithContext(b.Context())
	work.SetLimit(64)
	for i := range clients {
		work.Go(func() (err error) {
			clients[i], err = s.connect(ctx, web, fmt.Sprintf("user-%d", i), heard)
			return err
		})
	}
	must(b, work.Wait())
	return clients
}

func leave21(clients []*chat21Client) {
	for _, c := range clients {
		_ = c.stream.Close()
		<-c.end
	}
}
