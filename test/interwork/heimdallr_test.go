package interwork

import (
	"strings"

	"github.com/gorilla/websocket"
)

// page is a client of heimdallr in one room.
type page struct {
	stage *stage
	ws    *websocket.Conn
	texts heard[string]
	// end is how the connection ended.
	end chan error
}

// page enters a room.
func (s *stage) page(room string) *page {
	s.t.Helper()
	p := &page{stage: s, end: make(chan error, 1)}
	p.ws = s.open("ws://"+s.heimdallr+"/"+room, nil, p.end, func(message []byte) { p.texts.add(string(message)) })
	return p
}

// say says a text and waits until it comes back.
func (p *page) say(words string) {
	p.stage.t.Helper()
	p.stage.must(p.ws.WriteMessage(websocket.TextMessage, []byte(words)))
	p.texts.await(p.stage.t, words+" to come back", func(heard string) bool { return heard == words })
}

// open opens a WebSocket, and hands every message to take until the end, which is told.
func (s *stage) open(url string, protocols []string, end chan<- error, take func(message []byte)) *websocket.Conn {
	s.t.Helper()
	dialer := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: patience}
	ws, answer, err := dialer.DialContext(s.ctx, url, nil)
	s.must(err)
	_ = answer.Body.Close()
	done := make(chan struct{})
	s.t.Cleanup(func() {
		_ = ws.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			_, message, err := ws.ReadMessage()
			if err != nil {
				end <- err
				return
			}
			take(message)
		}
	}()
	return ws
}

// closedWith waits until a connection is closed, and fails unless the error's words have that in them.
func (s *stage) closedWith(end <-chan error, words string) {
	s.t.Helper()
	select {
	case err := <-end:
		if !strings.Contains(err.Error(), words) {
			s.t.Fatalf("the connection ended with %v, not %s", err, words)
		}
	case <-s.ctx.Done():
		s.t.Fatal("the connection goes on")
	}
}
