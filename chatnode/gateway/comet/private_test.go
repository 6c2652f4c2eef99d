package comet

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// private sends a private message.
func (n *node) private(user int, text string) {
	n.t.Helper()
	n.must(fmt.Sprintf("INSERT INTO users_messages (id, event, message) VALUES (%d, 'ev', '%s')", user, text))
}

// delivered waits until nothing is waiting for a user.
func (n *node) delivered(user int) {
	n.t.Helper()
	eventually(n.t, "the delivery", func() bool {
		return len(n.must(fmt.Sprintf("SELECT * FROM users_messages WHERE id = %d", user)).Rows) == 0
	})
}

func TestPrivateMessagesReachAllConnectionsOfTheUser(t *testing.T) {
	n := startNode(t, nil)
	one, two, other := n.user(7), n.user(7), n.user(8)
	// Whoever has just signed in may still find it in the queue; the next one is live.
	n.private(7, "first")
	for _, v := range []*visitor{one, two} {
		if h := v.next(); h.text() != "first" {
			t.Errorf("got %+v with %s", h, h.Data)
		}
	}
	n.private(7, "hello")
	for _, v := range []*visitor{one, two} {
		h := v.next()
		if h.Pipe != "msg" || h.text() != "hello" || h.Event != "ev" || h.Time != 0 || h.FromQueue || h.UUID == "" {
			t.Errorf("got %+v with %s", h, h.Data)
		}
	}
	n.private(8, "for the other")
	if h := other.next(); h.text() != "for the other" {
		t.Errorf("the other got %+v with %s", h, h.Data)
	}
	n.delivered(7)
}

func TestTheWholeQueueIsDeliveredOnce(t *testing.T) {
	n := startNode(t, nil)
	const many = 300
	for i := range many {
		n.private(7, fmt.Sprint(i))
	}
	rows := n.must("SELECT * FROM users_messages WHERE id = 7").Rows
	if len(rows) != many || rows[0][3] != "0" || rows[0][2] != "ev" {
		t.Fatalf("%d messages wait, the first is %v", len(rows), rows[0])
	}
	v := n.user(7)
	for i := range many {
		if h := v.next(); h.text() != fmt.Sprint(i) || !h.FromQueue || h.Time == 0 || h.Pipe != "msg" {
			t.Fatalf("message %d is %+v with %s", i, h, h.Data)
		}
	}
	n.private(7, "live")
	if h := v.next(); h.text() != "live" || h.FromQueue {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	n.delivered(7)
	v.cut()
	again := n.user(7)
	n.private(7, "next")
	if h := again.next(); h.text() != "next" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}

// What lies in the system's hands when a connection breaks waits for the next one, however long it lay there.
func TestWhatTheBrowsersSideHasNotTakenIsNotDelivered(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what the other side has taken")
	}
	n := startNode(t, nil)
	v := n.user(7)
	s := n.gateway.people.Of(people.Person{App: "default", User: "7"})[0]
	v.hold.Lock()
	defer v.hold.Unlock()
	v.say("user_data", "one", "1") // whose answer ends the read that is under way
	const enough = 300 << 10       // more than the system takes for a browser that does not read
	filling := conn.WSText.Append(nil, []byte(`{"data":"`+strings.Repeat("x", 10<<10)+`"}`))
	eventually(t, "that the browser's side takes no more", func() bool {
		s.conn.Write(filling)
		return s.conn.Unsent() > enough && s.conn.Backlog() == 0
	})
	n.private(7, "unread")
	eventually(t, "the writing", func() bool {
		s.private.mu.Lock()
		defer s.private.mu.Unlock()
		return s.private.armed
	})
	for range 20 {
		s.private.note()
	}
	v.cut()
	if h := n.user(7).next(); h.text() != "unread" || !h.FromQueue {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}

// A personal feed has other events as well, which are not read anew each time that the user comes.
func TestWhatIsNoPrivateMessageIsPassedOnce(t *testing.T) {
	n := startNode(t, nil)
	feed := personal("default", "7")
	n.private(7, "first")
	for i := range 2 * queuePage {
		draft := backbone.Draft{ID: fmt.Sprint(i), Data: []byte(`{"type":"mark"}`)}
		if _, err := n.backbone.Enqueue(feed, draft).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	v := n.user(7)
	if h := v.next(); h.text() != "first" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	eventually(t, "that the other events are passed", func() bool {
		row, _, err := load[queueRow](t.Context(), n.gateway.rows, "default", aboutQueue, "7")
		return err == nil && row.Offset == 2*queuePage+1
	})
	n.private(7, "second")
	if h := v.next(); h.text() != "second" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}

func TestDeletingTheQueueEmptiesIt(t *testing.T) {
	n := startNode(t, nil)
	n.private(7, "old")
	n.must("DELETE FROM users_messages WHERE id = 7")
	n.private(7, "new")
	if h := n.user(7).next(); h.text() != "new" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}

func TestAUserIsShownOnlineAndThenWhenLastSeen(t *testing.T) {
	n := startNode(t, nil)
	watcher := n.user(1)
	watcher.listen("user_status_7")
	v := n.user(7)
	if h := watcher.nextIn("user_status_7"); h.Event != "online" || h.text() != "online" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	if rows := n.must("SELECT * FROM users_time WHERE id IN (7, 9)").Rows; rows[0][1] != "0" || rows[1][1] != "-1" {
		t.Errorf("users_time are %v", rows)
	}
	v.cut()
	if h := watcher.nextIn("user_status_7"); h.Event != "offline" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	eventually(t, "that the user was seen", func() bool {
		return len(n.must("SELECT * FROM users_time WHERE id = 7").Rows[0][1]) > 2
	})
	watcher.say("user_status", "7")
	if h := watcher.nextIn("_answer_user_status"); h.Event != "user_status_7" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}

func TestTheServerEndsConnectionsWithoutAWord(t *testing.T) {
	n := startNode(t, nil)
	v := n.user(7)
	n.must("DELETE FROM users_auth WHERE id = 7")
	if err := v.ended(); websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.ClosePolicyViolation) {
		t.Errorf("the end is %v", err)
	}
	if h := n.open(path(7, "hash7")).next(); h.Authorized != false {
		t.Errorf("greeted with %+v", h)
	}
	unknown := n.guest()
	unknown.say("no such command")
	if err := unknown.ended(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("the end is %v", err)
	}
}
