package comet

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/chatfleet/chatfleet/chatnode/people"
)

// startFleet starts nodes that share a log.
func startFleet(t *testing.T, nodes int) (all []*node) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("NATS did not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	for range nodes {
		all = append(all, startNode(t, func(o *setup) { o.natsURL = s.ClientURL() }))
	}
	eventually(t, "the meeting of the nodes", func() bool { return len(all[0].backbone.Nodes()) == nodes })
	return all
}

func TestEveryNodeServesTheWholeFleet(t *testing.T) {
	nodes := startFleet(t, 2)
	one, two := nodes[0].user(1), nodes[1].user(2)
	one.listen("web_chat", "user_status_3")
	two.listen("web_chat")
	for _, n := range nodes {
		eventually(t, "that the other node is heard of", func() bool {
			return n.must("SELECT users FROM pipes WHERE name = 'web_chat'").Rows[0][0] == "2"
		})
	}
	two.say("web_pipe2", "web_chat", "ev", "*", "over there")
	if h := one.nextIn("web_chat"); h.text() != "over there" || *h.UserID != 2 {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	if h := two.nextIn("_answer_to_web_chat"); string(h.Data) != `{"message":"over there","number_messages":1}` {
		t.Errorf("the report has %s", h.Data)
	}
	nodes[1].must("INSERT INTO pipes_messages (name, event, message) VALUES ('web_chat', 'ev', 'from a backend')")
	if h := one.nextIn("web_chat"); h.text() != "from a backend" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	nodes[0].private(2, "private")
	if h := two.nextIn("msg"); h.text() != "private" || h.FromQueue {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	if rows := nodes[0].must("SELECT time FROM users_time WHERE id = 2").Rows; rows[0][0] != "0" {
		t.Errorf("the first node says that the user was here at %s", rows[0][0])
	}
	two.listen("user_status_3")
	three := nodes[1].user(3)
	h := one.nextIn("user_status_3")
	if there := two.nextIn("user_status_3"); h.Event != "online" || h.UUID == "" || there.UUID != h.UUID {
		t.Errorf("got %+v with %s, and %+v on the other node", h, h.Data, there)
	}
	three.cut()
	if h := one.nextIn("user_status_3"); h.Event != "offline" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	nodes[0].must("DELETE FROM users_auth WHERE id = 2")
	_ = two.ended()
}

// Pages that list several nodes connect to all of them at once: no node may leave it to the others to tell that the user came.
func TestWhoComesToAllNodesAtOnceIsToldOf(t *testing.T) {
	nodes := startFleet(t, 2)
	watcher := nodes[0].user(1)
	users := []int{11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	var pipes []string
	for _, user := range users {
		pipes = append(pipes, fmt.Sprint("user_status_", user))
		nodes[0].must(fmt.Sprintf("INSERT INTO users_auth (id, hash) VALUES (%d, 'hash')", user))
	}
	watcher.listen(pipes...)
	for i, user := range users {
		for _, n := range nodes {
			n.open(path(user, "hash")) // which does not wait until the node knows who comes
		}
		if h := watcher.nextIn(pipes[i]); h.Event != "online" {
			t.Errorf("got %+v with %s", h, h.Data)
		}
	}
}

// A user whose connections are dropped in the middle of a stream of private messages goes on at the other node: nothing is missing, nothing
// comes in another order, and what comes twice has the same id.
func TestPrivateMessagesGoOnAtAnotherNode(t *testing.T) {
	nodes := startFleet(t, 2)
	const many, turns = 400, 8
	nodes[0].must("INSERT INTO users_auth (id, hash) VALUES (7, 'hash7')")
	sent := make(chan error, 1)
	go func() {
		for i := range many {
			_, err := nodes[i%2].query(fmt.Sprintf("INSERT INTO users_messages (id, event, message) VALUES (7, 'ev', '%d')", i))
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	next := 0
	ids := map[string]int{}
	take := func(h heard) {
		var number int
		if _, err := fmt.Sscan(h.text(), &number); err != nil || h.Pipe != "msg" {
			t.Fatalf("got %+v with %s", h, h.Data)
		}
		known, again := ids[h.UUID]
		if again && known != number || !again && number != next {
			t.Fatalf("got message %d after message %d, with the id of %d", number, next-1, known)
		}
		if !again {
			ids[h.UUID] = number
			next++
		}
	}
	for turn := 0; next < many; turn++ {
		node := nodes[turn%2]
		v := node.open(path(7, "hash7"))
		if h := v.next(); h.Authorized != true {
			t.Fatalf("greeted with %+v", h)
		}
		for enough := (turn + 1) * many / turns; next < min(many, enough); {
			take(v.next())
		}
		for _, s := range node.gateway.people.Of(people.Person{App: "default", User: "7"}) {
			s.drop("test")
		}
		for h := range v.messages {
			take(h)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// A log that is opened anew after a crash gives positions that are void.
func TestTheQueueOutlivesTheLogsPositions(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		n := startNode(t, func(s *setup) { s.dataDir = dir })
		v := n.user(7)
		n.private(7, "seen")
		if h := v.next(); h.text() != "seen" {
			t.Fatalf("got %+v with %s", h, h.Data)
		}
		n.delivered(7)
		v.cut()
		eventually(t, "the end of the connection", func() bool { return n.conns.Connections() == 0 })
		n.private(7, "unseen")
		_, err := change(t.Context(), n.gateway.rows, "default", aboutQueue, "7", func(row *queueRow) bool {
			row.Epoch = "another"
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	n := startNode(t, func(s *setup) { s.dataDir = dir })
	v := n.user(7)
	h := v.next()
	for h.text() == "seen" { // of the same millisecond
		h = v.next()
	}
	if h.text() != "unseen" || !h.FromQueue {
		t.Errorf("got %+v with %s", h, h.Data)
	}
}
