package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// wire is one WebSocket.
type wire struct {
	ws       *websocket.Conn
	encoding protocol.Encoding

	mu      sync.Mutex // of writing
	silence time.Duration
}

const (
	// socketBuffer keeps an idle connection small.
	socketBuffer = 512
	writeTimeout = 10 * time.Second
)

var (
	writeBuffers = &sync.Pool{}
	readBuffers  = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	// replyLimits trust the server.
	replyLimits = protocol.Limits{Bytes: 64 << 20, Messages: 1 << 20, Entries: 1 << 20}
)

func dial(ctx context.Context, url string, o Options) (*wire, error) {
	dialer := &websocket.Dialer{ReadBufferSize: socketBuffer, WriteBufferSize: socketBuffer, WriteBufferPool: writeBuffers}
	if o.Through != "" {
		dialer.NetDialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, o.Through)
		}
	}
	if o.Encoding == protocol.Protobuf {
		dialer.Subprotocols = []string{"centrifuge-protobuf"}
	}
	ws, response, err := dialer.DialContext(ctx, url, nil) //nolint:bodyclose // gorilla has read the body, or none is left to close
	if err != nil {
		if response != nil {
			err = fmt.Errorf("%w (%s)", err, response.Status)
		}
		return nil, fmt.Errorf("dial %s: %w", url, err)
	}
	return &wire{ws: ws, encoding: o.Encoding}, nil
}

// send writes commands in one frame. A failure shows when the connection is read.
func (w *wire) send(commands ...*protocol.Command) {
	var frame []byte
	for _, command := range commands {
		frame = protocol.AppendCommand(w.encoding, w.encoding.AppendSeparator(frame), command)
	}
	kind := websocket.TextMessage
	if w.encoding == protocol.Protobuf {
		kind = websocket.BinaryMessage
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := w.ws.WriteMessage(kind, frame); err != nil {
		w.cut()
	}
}

// receive reads one frame. The error is a protocol.Disconnect if the server gave a code.
func (w *wire) receive() ([]*protocol.Reply, error) {
	if w.silence > 0 {
		_ = w.ws.SetReadDeadline(time.Now().Add(w.silence))
	}
	_, message, err := w.ws.NextReader()
	if err != nil {
		return nil, disconnectOf(err)
	}
	frame := readBuffers.Get().(*bytes.Buffer)
	defer readBuffers.Put(frame)
	frame.Reset()
	if _, err := frame.ReadFrom(message); err != nil {
		return nil, disconnectOf(err)
	}
	replies, err := protocol.DecodeReplies(w.encoding, frame.Bytes(), replyLimits)
	if err != nil {
		return nil, fmt.Errorf("the server's frame: %w", err)
	}
	return replies, nil
}

func disconnectOf(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return protocol.Disconnect{Code: uint32(closed.Code), Reason: closed.Text}
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// close says goodbye.
func (w *wire) close() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = w.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
}

// cut ends the connection at once.
func (w *wire) cut() { _ = w.ws.Close() }
