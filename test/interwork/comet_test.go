package interwork

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

// browser is one of CppComet.
type browser struct {
	stage  *stage
	ws     *websocket.Conn
	frames heard[frame]
	end    chan error
}

// frame is what a browser is told.
type frame struct {
	Authorized bool            `json:"authorized"`
	Data       json.RawMessage `json:"data"`
	Event      string          `json:"event"`
	FromQueue  bool            `json:"fromQueue"`
	Marker     string          `json:"marker"`
	Pipe       string          `json:"pipe"`
}

// text is the data, if that is a text.
func (f frame) text() (words string) {
	_ = json.Unmarshal(f.Data, &words)
	return words
}

// browser signs a user in, and subscribes to pipes.
func (s *stage) browser(user string, pipes ...string) *browser {
	s.t.Helper()
	s.must(s.sql(s.ctx, "insert into users_auth (id, hash) values ("+user+", 'hash"+user+"')"))
	b := s.browserWith(user, "hash"+user)
	if greeting := b.await("a greeting", func(f frame) bool { return f.Event == "serverInfo" }); !greeting.Authorized {
		s.t.Fatalf("the browser of %s is greeted with %+v", user, greeting)
	}
	if len(pipes) > 0 {
		b.say(append([]string{"subscription"}, pipes...)...)
		b.done()
	}
	return b
}

// browserWith connects as a user with a key.
func (s *stage) browserWith(user, key string) *browser {
	s.t.Helper()
	b := &browser{stage: s, end: make(chan error, 1)}
	url := "ws://" + s.browsers + "/ws/sesion=" + key + "&myid=" + user + "&devid=0&v=4.08&uuid=" + strings.Repeat("u", 32-len(user)) + user + "&api=js"
	b.ws = s.open(url, nil, b.end, func(message []byte) {
		for line := range strings.SplitSeq(string(message), "\n") {
			var f frame
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				s.t.Errorf("%q is no JSON: %v", line, err)
			}
			b.frames.add(f)
		}
	})
	return b
}

// say gives a command.
func (b *browser) say(lines ...string) {
	b.stage.t.Helper()
	b.stage.must(b.ws.WriteMessage(websocket.TextMessage, []byte(strings.Join(lines, "\n"))))
}

func (b *browser) await(what string, right func(f frame) bool) frame {
	b.stage.t.Helper()
	return b.frames.await(b.stage.t, what, right)
}

// answer waits for what comes in a pipe.
func (b *browser) answer(pipe string) frame {
	b.stage.t.Helper()
	return b.await("something in "+pipe, func(f frame) bool { return f.Pipe == pipe })
}

// done waits until all commands were carried out: one is after the other.
func (b *browser) done() {
	b.stage.t.Helper()
	marker := "done" + fresh()
	b.say("user_data", marker, "1")
	b.await("commands to be carried out", func(f frame) bool { return f.Marker == marker })
}

// publish publishes to a pipe and waits for the report.
func (b *browser) publish(pipe, words string) {
	b.stage.t.Helper()
	b.say("web_pipe2", pipe, "said", "*", words)
	b.await("a report", func(f frame) bool {
		return f.Pipe == "_answer_to_"+pipe && strings.Contains(string(f.Data), strconv.Quote(words))
	})
}

// textsIn gives what was said in a pipe since the browser listens.
func (b *browser) textsIn(pipe string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) (texts []string, err error) {
		frames, err := b.frames.all(ctx)
		for _, f := range frames {
			if f.Pipe == pipe && !f.FromQueue {
				texts = append(texts, f.text())
			}
		}
		return texts, err
	}
}

// past asks for the history of a pipe.
func (b *browser) past(pipe string) (texts []string) {
	b.stage.t.Helper()
	marker := "past" + fresh()
	b.say("pipe_log", pipe, marker, "")
	b.done()
	frames, _ := b.frames.all(b.stage.ctx)
	for _, f := range frames {
		if f.Pipe == pipe && f.FromQueue && f.Marker == marker {
			texts = append(texts, f.text())
		}
	}
	return texts
}

// sql runs a statement of CometQL.
func (n *node) sql(ctx context.Context, statement string) error {
	_, err := n.rows(ctx, statement)
	return err
}

// rows runs a statement of CometQL and gives the rows, their values parted by tabs.
func (n *node) rows(ctx context.Context, statement string) ([]string, error) {
	command := exec.CommandContext(ctx, "mariadb", "--defaults-file="+n.login, "--skip-ssl", "--host=127.0.0.1", "--port="+strconv.Itoa(n.backends),
		"--user=root", "--batch", "--skip-column-names", "--execute="+statement, "CometQL_v1")
	out, err := command.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", statement, err, out)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\n"), func(row string) bool { return row == "" }), nil
}

// insert is the statement by which a backend says something in a pipe.
func insert(pipe, words string) string {
	return "insert into pipes_messages (name, event, message) values ('" + pipe + "', 'said', '" + words + "')"
}
