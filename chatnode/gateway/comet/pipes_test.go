package comet

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestBackendsPublishToEverybodyInAPipe(t *testing.T) {
	n := startNode(t, nil)
	user, guest, old := n.user(7), n.guest(), n.open("//ws/sesion=&myid=&devid=0&v=3.25&api=js")
	if h := old.next(); h.Authorized != "false" || h.EventName != "serverInfo" || h.APIData != "for major_version < 4" {
		t.Errorf("an old client is greeted with %+v", h)
	}
	for _, v := range []*visitor{user, guest, old} {
		v.listen("p10")
	}
	n.must(`INSERT INTO pipes_messages (name, event, message)VALUES("p10", 'ev', '{\"a\":\"it\'s <b>\"}');'`)
	ids := map[string]bool{}
	for _, v := range []*visitor{user, guest, old} {
		h := v.nextIn("p10")
		if h.text() != `{"a":"it's <b>"}` || h.Event != "ev" || h.UserID != nil || h.Time == 0 || h.UUID == "" {
			t.Errorf("got %+v with %s", h, h.Data)
		}
		ids[h.UUID] = true
	}
	if len(ids) != 1 {
		t.Errorf("the message has the ids %v", ids)
	}
	if rows := n.must("SELECT * FROM pipes WHERE name IN ('p10', 'zzz')").Rows; rows[0][1] != "3" || rows[1][1] != "0" {
		t.Errorf("pipes are %v", rows)
	}
}

func TestBrowsersPublishToTheOthers(t *testing.T) {
	n := startNode(t, nil)
	writer, reader := n.user(7), n.guest()
	writer.listen("web_chat")
	reader.listen("web_chat")
	writer.say("web_pipe2", "web_chat", "ev", "*", `{"a":1}`)
	report := writer.next()
	if report.Pipe != "_answer_to_web_chat" || report.Event != "answer" || string(report.Data) != `{"message":"{\"a\":1}","number_messages":1}` {
		t.Errorf("the report is %+v with %s", report, report.Data)
	}
	h := reader.nextIn("web_chat")
	if h.text() != `{"a":1}` || h.Event != "ev" || h.UserID == nil || *h.UserID != 7 {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	reader.say("web_pipe2", "@web_chat", "ev", "*", "hidden\nlines")
	if h := writer.nextIn("web_chat"); h.text() != "hidden\nlines" || h.UserID == nil || *h.UserID != 0 {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	writer.say("web_pipe2", "@web_chat", "ev", "*", "of a user who hides")
	if h := reader.nextIn("web_chat"); h.text() != "of a user who hides" || h.UserID == nil || *h.UserID != 0 {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	// What a browser says never comes back to it.
	for i := range 20 {
		writer.say("web_pipe2", "web_chat", "ev", "*", fmt.Sprint(i))
		if h := reader.nextIn("web_chat"); h.text() != fmt.Sprint(i) {
			t.Fatalf("got %+v with %s", h, h.Data)
		}
	}
	n.must("INSERT INTO pipes_messages (name, event, message) VALUES ('web_chat', 'last', '')")
	for h := writer.next(); h.Event != "last"; h = writer.next() {
		if h.Pipe == "web_chat" {
			t.Fatalf("the writer got %+v with %s", h, h.Data)
		}
	}
}

func TestWhatABrowserMayNotIsRefusedInWords(t *testing.T) {
	n := startNode(t, nil)
	guest := n.guest()
	for _, command := range [][]string{
		{"web_pipe2", "p10", "ev", "*", "x"},
		{"web_pipe2", "webauth_chat", "ev", "*", "x"},
		{"web_pipe2", "web_chat with space", "ev", "*", "x"},
		{"web_pipe2", "web_chat", "ev"},
		{"pipe_count", "p10", "m"},
		{"pipe_count", "web_chat", "bad marker"},
		{"track_pipe_users", "web_chat", "m"},
		{"user_status", "x"},
		{"user_data", "m", "-1"},
	} {
		guest.say(command...)
		if h := guest.next(); h.Pipe != "sys" || h.Event != "error" {
			t.Errorf("%q is answered with %+v", command, h)
		}
	}
	many := []string{"subscription"}
	for i := range maxPipes + 1 {
		many = append(many, fmt.Sprintf("pipe%d", i))
	}
	guest.say(many...)
	if h := guest.next(); h.Event != "error" {
		t.Errorf("%d pipes are answered with %+v", maxPipes+1, h)
	}
	guest.say("subscription", "first", "with space", "last") // of which the others are listened to
	if h := guest.next(); h.Pipe != "sys" || h.Event != "error" {
		t.Errorf("a pipe with a space is answered with %+v", h)
	}
	if rows := n.must("select users from pipes where name in ('first', 'last')").Rows; rows[0][0] != "1" || rows[1][0] != "1" {
		t.Errorf("beside a pipe with a space, users of pipes are %v", rows)
	}
	guest.sync() // and it is still there
}

func TestAnonymousBrowsersDoNotListenToPrivatePipes(t *testing.T) {
	n := startNode(t, nil)
	user, guest := n.user(7), n.guest()
	user.listen("private_room")
	guest.listen("private_room")
	if rows := n.must("select * from pipes where name = 'private_room'").Rows; rows[0][1] != "1" {
		t.Errorf("pipes are %v", rows)
	}
}

func TestTrackPipesTellWhoComesAndGoes(t *testing.T) {
	n := startNode(t, nil)
	watcher := n.user(1)
	watcher.listen("track_room")
	other := n.user(2)
	other.listen("track_room")
	var who tracked
	for _, event := range []string{"subscription", "unsubscription"} {
		h := watcher.nextIn("track_room")
		if err := json.Unmarshal(h.Data, &who); err != nil || h.Event != event || who.UserID != 2 {
			t.Errorf("got %+v with %s", h, h.Data)
		}
		if event == "subscription" {
			watcher.say("track_pipe_users", "track_room", "mark")
			var users []tracked
			if h := watcher.nextIn("_answer"); json.Unmarshal(h.Data, &users) != nil || len(users) != 2 || h.Marker != "mark" {
				t.Errorf("got %+v with %s", h, h.Data)
			}
			watcher.say("pipe_count", "track_room", "mark")
			if h := watcher.nextIn("_answer_pipe_count"); string(h.Data) != `{"user_in_pipe":2}` || h.Event != "user_in_pipe" || h.Marker != "mark" {
				t.Errorf("got %+v with %s", h, h.Data)
			}
			rows := n.must("SELECT user_id, user_uuid FROM users_in_pipes WHERE name = 'track_room' AND user_id = 2").Rows
			if len(rows) != 1 || rows[0][0] != "2" || len(rows[0][1]) != 32 {
				t.Errorf("users_in_pipes are %v", rows)
			}
			other.say("subscription", "elsewhere")
		}
	}
}

func TestHistoryIsAsLongAsItsSetting(t *testing.T) {
	n := startNode(t, nil)
	for i := range 5 {
		n.must(fmt.Sprintf("INSERT INTO pipes_messages (name, event, message) VALUES ('p10', 'e', 'm%d')", i))
	}
	if rows := n.must("SELECT * FROM pipes_messages WHERE name = 'p10'").Rows; len(rows) != 0 {
		t.Errorf("without a setting the history is %v", rows)
	}
	n.must(`INSERT INTO pipes_settings ("name", "length") VALUES ('p10', 3)`)
	guest := n.guest()
	guest.say("pipe_log", "p10", "mark", "")
	for i := 2; i < 5; i++ {
		h := guest.next()
		if h.text() != fmt.Sprintf("m%d", i) || h.Pipe != "p10" || !h.FromQueue || !h.History || h.Marker != "mark" || *h.UserID != 0 {
			t.Errorf("got %+v with %s", h, h.Data)
		}
	}
	rows := n.must("SELECT id, message FROM pipes_messages WHERE name = 'p10'").Rows
	if len(rows) != 3 || rows[0][1] != "m2" {
		t.Fatalf("the history is %v", rows)
	}
	n.must("DELETE FROM pipes_messages WHERE id = ?", rows[2][0])
	if rows := n.must("SELECT message FROM pipes_messages WHERE name = 'p10' LIMIT 1, 5").Rows; len(rows) != 2 || rows[1][0] != "m3" {
		t.Errorf("without the last the history is %v", rows)
	}
	n.must("DELETE FROM pipes_messages WHERE name = 'p10'")
	n.must("INSERT INTO pipes_messages (name, event, message) VALUES ('p10', 'e', 'new')")
	if rows := n.must("SELECT message FROM pipes_messages WHERE name = 'p10'").Rows; len(rows) != 1 || rows[0][0] != "new" {
		t.Errorf("the cleared history is %v", rows)
	}
	n.must("DELETE FROM pipes_settings WHERE name = 'p10'")
	if rows := n.must("SELECT * FROM pipes_settings WHERE name = 'p10'").Rows; len(rows) != 0 {
		t.Errorf("the settings are %v", rows)
	}
}

func TestAMessageOfSeveralSocketsIsOne(t *testing.T) {
	n := startNode(t, nil)
	n.must("INSERT INTO pipes_settings (name, length) VALUES ('web_chat', 10)")
	for i, v := range []*visitor{n.user(7), n.user(7), n.guest(), n.guest()} {
		v.say("web_pipe2", "web_chat", "ev", "*", `{"_cometApi_uuid":"same","a":1}`)
		v.nextIn("_answer_to_web_chat")
		if rows := n.must("SELECT * FROM pipes_messages WHERE name = 'web_chat'").Rows; len(rows) != i/2+1 {
			t.Errorf("the history is %v", rows)
		}
	}
}
