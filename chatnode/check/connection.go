package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// limits of what a node may answer; it is trusted not to send more.
var limits = protocol.Limits{Bytes: 1 << 20, Messages: 1000, Entries: 1000}

// connection is one WebSocket of a user who has introduced himself. It is used by one goroutine.
type connection struct {
	ws     *websocket.Conn
	stop   func() bool
	node   string
	lastID uint32
	// heard are the publications that came while something else was waited for.
	heard []*protocol.Push
}

// open connects, and says who the user is.
func open(ctx context.Context, o Options, address string) (*connection, error) {
	endpoint, err := endpointOf(address)
	if err != nil {
		return nil, err
	}
	dialer := &websocket.Dialer{TLSClientConfig: o.TLS}
	ws, response, err := dialer.DialContext(ctx, endpoint, nil)
	switch {
	case err != nil && response != nil:
		return nil, fmt.Errorf("connect to %s: the answer is %s, not a WebSocket", endpoint, response.Status)
	case err != nil:
		return nil, fmt.Errorf("connect to %s: %w", endpoint, err)
	}
	c := &connection{ws: ws}
	deadline, _ := ctx.Deadline()
	_ = ws.SetReadDeadline(deadline)
	_ = ws.SetWriteDeadline(deadline)
	c.stop = context.AfterFunc(ctx, func() { _ = ws.Close() })
	reply, err := c.call(&protocol.Command{Connect: &protocol.ConnectRequest{Token: o.Token, Name: "chatnode check"}})
	if err != nil {
		c.close()
		return nil, fmt.Errorf("introduce the user to %s: %w", endpoint, err)
	}
	if reply.Connect == nil {
		c.close()
		return nil, fmt.Errorf("introduce the user to %s: the answer is no connect result", endpoint)
	}
	c.node = reply.Connect.Node
	return c, nil
}

// endpointOf is the address of the WebSocket behind that of a node.
func endpointOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is not an address such as http://host:8080", address)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return "", fmt.Errorf("%q is not an address such as http://host:8080", address)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/connection/websocket"
	}
	return u.String(), nil
}

// call sends a command and waits for its answer. Errors: *protocol.Error, protocol.Disconnect, those of the network.
func (c *connection) call(command *protocol.Command) (*protocol.Reply, error) {
	c.lastID++
	command.ID = c.lastID
	if err := c.write(command); err != nil {
		return nil, err
	}
	for {
		replies, err := c.read()
		if err != nil {
			return nil, err
		}
		var answer *protocol.Reply
		for _, r := range replies {
			switch {
			case r.Push != nil:
				c.heard = append(c.heard, r.Push)
			case r.ID == command.ID:
				answer = r
			}
		}
		switch {
		case answer == nil:
		case answer.Error != nil:
			return nil, answer.Error
		default:
			return answer, nil
		}
	}
}

// await waits for the publication of the message with that id.
func (c *connection) await(channel, id string) error {
	for {
		for _, push := range c.heard {
			var event struct {
				ID string `json:"id"`
			}
			if push.Channel == channel && push.Pub != nil && json.Unmarshal(push.Pub.Data, &event) == nil && event.ID == id {
				return nil
			}
		}
		c.heard = nil
		replies, err := c.read()
		if err != nil {
			return err
		}
		for _, r := range replies {
			if r.Push != nil {
				c.heard = append(c.heard, r.Push)
			}
		}
	}
}

func (c *connection) write(command *protocol.Command) error {
	return c.ws.WriteMessage(websocket.TextMessage, protocol.AppendCommand(protocol.JSON, nil, command))
}

// read gives the replies of one frame, and answers pings.
func (c *connection) read() ([]*protocol.Reply, error) {
	_, frame, err := c.ws.ReadMessage()
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return nil, protocol.Disconnect{Code: uint32(closed.Code), Reason: closed.Text}
	}
	if err != nil {
		return nil, err
	}
	replies, err := protocol.DecodeReplies(protocol.JSON, frame, limits)
	if err != nil {
		return nil, fmt.Errorf("the node's answer: %w", err)
	}
	for _, r := range replies {
		if r.IsPing() {
			if err := c.write(&protocol.Command{}); err != nil {
				return nil, err
			}
		}
	}
	return replies, nil
}

func (c *connection) close() {
	c.stop()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) // the check is over, whatever becomes of it
	_ = c.ws.Close()
}
