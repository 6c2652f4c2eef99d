package comet

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// visitor is a browser: it speaks the protocol and knows nothing more.
type visitor struct {
	t        testing.TB
	ws       *websocket.Conn
	messages chan heard
	// hold keeps the browser from reading.
	hold sync.Mutex
	// end is how the connection ended.
	end chan error
}

// heard is what a browser was told.
type heard struct {
	Authorized any             `json:"authorized"`
	APIData    string          `json:"api_data"`
	Data       json.RawMessage `json:"data"`
	Event      string          `json:"event"`
	EventName  string          `json:"event_name"`
	FromQueue  bool            `json:"fromQueue"`
	History    bool            `json:"history"`
	Marker     string          `json:"marker"`
	Time       int64           `json:"message_send_time"`
	Pipe       string          `json:"pipe"`
	Server     string          `json:"server"`
	UserID     *int64          `json:"user_id"`
	UUID       string          `json:"uuid"`
}

// text is the data as text.
func (h heard) text() string {
	var s string
	if json.Unmarshal(h.Data, &s) != nil {
		return string(h.Data)
	}
	return s
}

// path is that of a user's request.
func path(user int, key string) string {
	return fmt.Sprintf("/comet-server/ws/sesion=%s&myid=%d&devid=0&v=4.08&uuid=%s&api=js", key, user, strings.Repeat("u", 32))
}

// open connects to a path, and reads until the end.
func (n *node) open(path string) *visitor {
	n.t.Helper()
	return n.openWith(path, nil)
}

func (n *node) openWith(path string, header http.Header) *visitor {
	n.t.Helper()
	// The dialer would clean the path.
	socket, err := net.Dial("tcp", n.http.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	dialer := websocket.Dialer{
		NetDial:          func(string, string) (net.Conn, error) { return rawPath{socket, path, new(bool)}, nil },
		HandshakeTimeout: patience,
	}
	ws, resp, err := dialer.Dial("ws://"+n.http.Listener.Addr().String()+"/", header)
	if err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	_ = resp.Body.Close()
	v := &visitor{t: n.t, ws: ws, messages: make(chan heard, 1<<14), end: make(chan error, 1)}
	go v.read()
	n.t.Cleanup(v.cut)
	return v
}

// rawPath puts a path into the first line that is written.
type rawPath struct {
	net.Conn
	path string
	done *bool
}

func (c rawPath) Write(p []byte) (int, error) {
	if *c.done {
		return c.Conn.Write(p)
	}
	*c.done = true
	_, err := c.Conn.Write([]byte(strings.Replace(string(p), "GET / ", "GET "+c.path+" ", 1)))
	return len(p), err
}

func (v *visitor) read() {
	defer close(v.messages)
	for {
		v.hold.Lock()
		v.hold.Unlock() //nolint:staticcheck // to have waited is all
		_, payload, err := v.ws.ReadMessage()
		if err != nil {
			v.end <- err
			return
		}
		for line := range strings.SplitSeq(string(payload), "\n") {
			var h heard
			if err := json.Unmarshal([]byte(line), &h); err != nil {
				v.t.Errorf("%q is no JSON: %v", line, err)
			}
			v.messages <- h
		}
	}
}

// cut ends the connection without a word.
func (v *visitor) cut() { _ = v.ws.UnderlyingConn().Close() }

// say sends a command.
func (v *visitor) say(lines ...string) {
	v.t.Helper()
	if err := v.ws.WriteMessage(websocket.TextMessage, []byte(strings.Join(lines, "\n"))); err != nil {
		v.t.Fatal(err)
	}
}

// next is what comes next.
func (v *visitor) next() heard {
	v.t.Helper()
	select {
	case h, ok := <-v.messages:
		if !ok {
			v.t.Fatalf("the connection is over: %v", <-v.end)
		}
		return h
	case <-time.After(patience):
		v.t.Fatal("nothing comes")
		return heard{}
	}
}

// nextIn is what comes next in a pipe; what comes before is dropped.
func (v *visitor) nextIn(pipe string) heard {
	v.t.Helper()
	for {
		if h := v.next(); h.Pipe == pipe {
			return h
		}
	}
}

// ended waits for the end.
func (v *visitor) ended() error {
	v.t.Helper()
	for {
		select {
		case err := <-v.end:
			return err
		case <-time.After(patience):
			v.t.Fatal("the connection does not end")
		}
	}
}

// sync waits until everything that was said has been done: commands are carried out one after the other.
func (v *visitor) sync() {
	v.t.Helper()
	v.say("user_data", "sync", "1")
	for h := v.next(); h.Marker != "sync"; h = v.next() {
	}
}

// listen subscribes to pipes, and waits until that is so.
func (v *visitor) listen(pipes ...string) {
	v.t.Helper()
	v.say(append([]string{"subscription"}, pipes...)...)
	v.sync()
}

// user signs a user in who has that hash.
func (n *node) user(id int) *visitor {
	n.t.Helper()
	hash := fmt.Sprintf("hash%d", id)
	n.must(fmt.Sprintf("INSERT INTO users_auth (id, hash) VALUES (%d, '%s')", id, hash))
	v := n.open(path(id, hash))
	if h := v.next(); h.Authorized != true {
		n.t.Fatalf("user %d is greeted with %+v", id, h)
	}
	return v
}

// guest connects without signing in.
func (n *node) guest() *visitor {
	n.t.Helper()
	v := n.open(path(0, "undefined"))
	if h := v.next(); h.Authorized != false || h.Event != "serverInfo" || h.Pipe != "sys" {
		n.t.Fatalf("a guest is greeted with %+v", h)
	}
	return v
}
