package heimdallr

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

func TestMessagesComeToEverybodyInTheRoomAndBackToTheirSender(t *testing.T) {
	n := startNode(t, nil)
	ann, bob, elsewhere := n.enter(t, "/7"), n.enter(t, "/7/anything?x=y"), n.enter(t, "/8")
	for i := range 50 {
		ann.say(fmt.Sprint("a", i))
		ann.mustHear(fmt.Sprint("a", i))
		bob.say(fmt.Sprint("b", i))
		bob.mustHear(fmt.Sprint("a", i), fmt.Sprint("b", i))
		ann.mustHear(fmt.Sprint("b", i))
	}
	elsewhere.say("alone")
	elsewhere.mustHear("alone")
	eventually(t, "the count", func() bool { return n.metric(t, "chatnode_heimdallr_messages_total", "stored") == 101 })
}

func TestMessagesOfOneClientKeepTheirOrderAndAllSeeTheSame(t *testing.T) {
	n := startNode(t, nil)
	const clients, messages = 6, 40
	var all []*person
	for range clients {
		all = append(all, n.enter(t, "/1"))
	}
	for i, p := range all {
		go func() {
			for j := range messages {
				_ = p.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "%d %d", i, j)) // a failure is one to hear it
			}
		}()
	}
	var first []string
	for i, p := range all {
		var heard []string
		next := [clients]int{}
		for range clients * messages {
			text := p.hear()
			var by, number int
			if _, err := fmt.Sscan(text, &by, &number); err != nil || next[by] != number {
				t.Fatalf("client %d hears %q when number %d is next", i, text, next[by])
			}
			next[by]++
			heard = append(heard, text)
		}
		if first == nil {
			first = heard
		}
		if strings.Join(heard, ",") != strings.Join(first, ",") {
			t.Fatalf("clients 0 and %d see different orders", i)
		}
	}
}

// Whoever is in the room when a connection opens hears what is said from then on: the join is complete by then.
func TestNothingSaidAfterTheOpeningIsMissed(t *testing.T) {
	n := startNode(t, nil)
	speaker := n.enter(t, "/5")
	for i := range 40 {
		text := fmt.Sprint("message ", i)
		newcomer := n.enter(t, "/5")
		speaker.say(text)
		newcomer.mustHear(text)
		newcomer.say(text + " heard")
		speaker.mustHear(text, text+" heard")
		_ = newcomer.ws.Close()
	}
}

func TestControlCharactersAreDeletedOnDelivery(t *testing.T) {
	n := startNode(t, nil)
	ann := n.enter(t, "/7")
	ann.say("\ttwo\nlines\x00\x1f\x7f é\u0080世 ")
	ann.mustHear("twolines é\u0080世 ")
	ann.say("\n")
	ann.mustHear("")
	ann.say("")
	ann.mustHear("")
	history, err := n.chat.Messages(t.Context(), chat.Actor{App: "games", Server: true}, &chatv1.MessagesRequest{Room: "room:7"})
	if err != nil || len(history.GetMessages()) != 3 || history.GetMessages()[0].GetText() != "\ttwo\nlines\x00\x1f\x7f é\u0080世 " {
		t.Errorf("%v %v", history, err)
	}
}

// The same room on another protocol: texts are heard, and what has none, or is no message, is not.
func TestMessagesOfOtherProtocolsAreHeardAsTheirText(t *testing.T) {
	n := startNode(t, nil)
	ann := n.enter(t, "/7")
	text := "native"
	sent := n.speak(t, "bob", "room:7", chat.Content{Text: &text, Data: json.RawMessage(`{"mqtt":{"a":1}}`)})
	ann.mustHear("native") // before the edit, which erases it from the log: who has just come may be reading there
	n.speak(t, "bob", "room:7", chat.Content{Data: json.RawMessage(`{"picture":1}`)})
	n.speak(t, "bob", "room:7", chat.Content{Data: json.RawMessage(`"a string"`)})
	bob := chat.Actor{App: "games", User: "bob"}
	edited := "edited"
	if _, err := n.chat.Edit(t.Context(), bob, &chatv1.EditRequest{Id: "edit", Room: "room:7", Offset: sent.Offset, Text: &edited}); err != nil {
		t.Fatal(err)
	}
	last := "last"
	n.speak(t, "bob", "room:7", chat.Content{Text: &last, Data: json.RawMessage(`[1]`)})
	ann.mustHear("last")
	// Whoever is behind reads from the log what the others have been handed: it counts again.
	if got := n.metric(t, "chatnode_heimdallr_events_without_text_total"); got < 3 {
		t.Errorf("%v events without a text are counted, want 3 and more", got)
	}
}

func TestABinaryMessageEndsItsConnectionOnly(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.enter(t, "/7"), n.enter(t, "/7")
	if err := ann.ws.WriteMessage(websocket.BinaryMessage, []byte("bytes")); err != nil {
		t.Fatal(err)
	}
	ann.mustEnd(codeUnsupported)
	bob.say("still here")
	bob.mustHear("still here")
}

func TestATextInPiecesIsOneMessage(t *testing.T) {
	n := startNode(t, nil)
	ann := n.enter(t, "/7")
	w, err := ann.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	piece := strings.Repeat("piece ", 1000) // more than the writer's buffer, so that it is sent in fragments
	if _, err := w.Write([]byte(piece)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ann.mustHear(piece)
}

// A message that is not stored closes the connection, since the protocol can't say it otherwise, and is counted.
func TestAMessageThatCannotBeStoredClosesItsConnection(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.enter(t, "/7"), n.enter(t, "/7")
	ann.say(strings.Repeat("x", 16<<10+1))
	ann.mustEnd(codeTooBig)
	if err := n.backbone.Close(); err != nil { // a log that is away
		t.Fatal(err)
	}
	bob.say("anybody there?")
	bob.mustEnd(codeTryLater)
	if got := n.metric(t, "chatnode_heimdallr_messages_total", "invalid"); got != 1 {
		t.Errorf("%v invalid messages are counted", got)
	}
}

func TestMessagesBeyondTheApplicationsRateCloseTheirConnection(t *testing.T) {
	n := startNode(t, func(s *setup) { s.quotas = chat.Quotas{"games": {MessagesPerSecond: 1}} })
	ann := n.enter(t, "/7")
	for range 200 {
		if ann.ws.WriteMessage(websocket.TextMessage, []byte("again")) != nil {
			break // it is closed already
		}
	}
	eventually(t, "the end", func() bool { return n.metric(t, "chatnode_heimdallr_messages_total", "too_many") == 1 })
	for {
		_, text, err := ann.ws.ReadMessage()
		if err == nil && string(text) == "again" {
			continue
		}
		if !websocket.IsCloseError(err, codeTryLater) {
			t.Fatalf("%q %v", text, err)
		}
		return
	}
}

func TestADeletedRoomTakesNobody(t *testing.T) {
	n := startNode(t, nil)
	server := chat.Actor{App: "games", Server: true}
	ann := n.enter(t, "/7")
	if _, err := n.chat.CreateRoom(t.Context(), server, &chatv1.CreateRoomRequest{Room: "room:7"}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.chat.DeleteRoom(t.Context(), server, &chatv1.DeleteRoomRequest{Room: "room:7"}); err != nil {
		t.Fatal(err)
	}
	ann.say("hello?")
	ann.mustEnd(codePolicy)
	eventually(t, "the end of the session", func() bool { return n.gateway.counted() == 0 })
	_, r, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(n.rooms.URL, "http")+"/7", nil)
	if err == nil || r == nil || r.StatusCode != 404 {
		t.Fatalf("%v %+v", err, r)
	}
	eventually(t, "a place that is given back", func() bool { return n.gateway.counted() == 0 })
}

func TestAnApplicationHasAsManyConnectionsAsItMay(t *testing.T) {
	n := startNode(t, func(s *setup) { s.quotas = chat.Quotas{"games": {Connections: 2}} })
	n.enter(t, "/1")
	second := n.enter(t, "/2")
	_, r, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(n.rooms.URL, "http")+"/3", nil)
	if err == nil || r == nil || r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Fatalf("%v %+v", err, r)
	}
	_ = second.ws.Close()
	eventually(t, "a place", func() bool { return n.gateway.counted() == 1 })
	n.enter(t, "/3")
}

// gate is a link that can be held up, as by a client that does not read.
type gate struct {
	net.Conn
	hold sync.Mutex
}

func (g *gate) Read(p []byte) (int, error) {
	g.hold.Lock()
	g.hold.Unlock() //nolint:staticcheck // to pass is all
	return g.Conn.Read(p)
}

func TestAClientThatDoesNotReadGetsEverythingLater(t *testing.T) {
	n := startNode(t, func(s *setup) { s.conns.QueueBytes, s.sendBuffer = 32<<10, 16<<10 })
	g := &gate{}
	slow := n.enterThrough(t, "/7", &websocket.Dialer{HandshakeTimeout: patience, NetDial: func(network, address string) (net.Conn, error) {
		link, err := net.Dial(network, address)
		if err != nil {
			return nil, err
		}
		g.Conn = link
		return g, link.(*net.TCPConn).SetReadBuffer(64 << 10)
	}})
	g.hold.Lock()
	writer := n.enter(t, "/7")
	long := strings.Repeat("x", 8<<10)
	const messages = 100
	for i := range messages {
		writer.say(fmt.Sprint(i, long))
		writer.mustHear(fmt.Sprint(i, long))
	}
	g.hold.Unlock()
	for i := range messages {
		slow.mustHear(fmt.Sprint(i, long))
	}
}
