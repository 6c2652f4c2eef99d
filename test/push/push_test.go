package push

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// deadline bounds a play.
const deadline = 4 * time.Minute

// messages are sent, and after so many of them a node is killed.
const messages, killAfter = 60, 20

// fleet is where clients come in.
type fleet struct {
	t    *testing.T
	urls []string
}

// answer is what curl printed.
type answer struct {
	status int
	header textproto.MIMEHeader
	body   string
}

// curl makes a request, and gives what was answered.
func curl(ctx context.Context, args ...string) (a answer, err error) {
	var complaints strings.Builder
	command := exec.CommandContext(ctx, "curl", append([]string{"--silent", "--show-error", "--dump-header", "-"}, args...)...)
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return a, fmt.Errorf("%w: %s", err, complaints.String())
	}
	head, body, _ := strings.Cut(string(out), "\r\n\r\n")
	line, fields, _ := strings.Cut(head, "\r\n")
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &a.status); err != nil {
		return a, fmt.Errorf("%q: %w", line, err)
	}
	a.header, err = textproto.NewReader(bufio.NewReader(strings.NewReader(fields + "\r\n\r\n"))).ReadMIMEHeader()
	a.body = body
	return a, err
}

// start gives a fleet of two nodes, of which kill kills the first.
func start(t *testing.T, flags ...string) (f *fleet, kill func()) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	nats := process.StartNATS(t, 1)
	f = &fleet{t: t}
	data := t.TempDir() // of the secret of tokens
	var nodes []*process.Chatnode
	for _, name := range []string{"node-1", "node-2"} {
		at := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(t))
		nodes = append(nodes, process.StartChatnode(t, process.ChatnodeOptions{
			Name: name, NATSURL: nats.URL(), DataDir: data,
			Flags: append([]string{"--dev", "--messages-per-second=1000", "--push-listen=" + at}, flags...),
		}))
		f.urls = append(f.urls, "http://"+at)
	}
	return f, nodes[0].Kill
}

// command gives one to a node.
func (f *fleet) command(ctx context.Context, node int, name, query, body string) (status bool, channel string, err error) {
	args := []string{"--max-time", "30", f.urls[node] + "/chattp_request/" + name + "?" + query}
	if body != "" {
		args = append([]string{"--data-binary", body}, args...)
	}
	a, err := curl(ctx, args...)
	if err != nil {
		return false, "", err
	}
	var said struct {
		Status  bool   `json:"status"`
		Error   string `json:"error"`
		Channel string `json:"channel_id"`
	}
	if err := json.Unmarshal([]byte(a.body), &said); err != nil {
		return false, "", fmt.Errorf("%d %q: %w", a.status, a.body, err)
	}
	if !said.Status {
		err = errors.New(said.Error)
	}
	return said.Status, said.Channel, err
}

// login registers a user at one node and logs in at the other, until that is done: on a busy machine a password may take too long.
func (f *fleet) login(ctx context.Context, user string) (channel string) {
	f.t.Helper()
	wait.For(f.t, deadline, user+" to log in", func(context.Context) error {
		_, _, refused := f.command(ctx, 0, "register", "user_name="+user+"&password=pw", "")
		var err error
		if _, channel, err = f.command(ctx, 1, "login", "user_name="+user+"&password=pw", ""); err != nil {
			return errors.Join(refused, err)
		}
		return nil
	})
	return channel
}

// send says numbers to bob, each until a node accepts it, and gives those that more than one node was told.
func (f *fleet) send(ctx context.Context, channel string, kill func()) (again map[string]bool, err error) {
	again = map[string]bool{}
	for i := range messages {
		if i == killAfter {
			kill()
		}
		text := fmt.Sprint(i)
		for node := i; ; node++ {
			_, _, err := f.command(ctx, node%2, "send", "user_name=ann&dest_user=bob&channel_id="+channel, text)
			if err == nil {
				break
			}
			if again[text] = true; ctx.Err() != nil {
				return again, fmt.Errorf("send %s: %w", text, err)
			}
		}
	}
	return again, nil
}

// receive polls both nodes in turn, until the last number has come.
func (f *fleet) receive(ctx context.Context, channel string) (got []string, err error) {
	modified, tag := "", ""
	for node := 0; ; node++ {
		args := []string{"--max-time", "120", f.urls[node%2] + "/sub?channel_id=" + channel}
		if tag != "" {
			args = append([]string{"--header", "If-Modified-Since: " + modified, "--header", "If-None-Match: " + tag}, args...)
		}
		a, err := curl(ctx, args...)
		switch {
		case ctx.Err() != nil:
			return got, fmt.Errorf("after %v: %w", got, ctx.Err())
		case err != nil || a.status == http.StatusNotModified:
			continue // the node is dead, or has nothing
		case a.status != http.StatusOK:
			return got, fmt.Errorf("%d %q", a.status, a.body)
		}
		modified, tag = a.header.Get("Last-Modified"), a.header.Get("Etag")
		var m struct {
			Ignore  bool   `json:"ignore"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(a.body), &m); err != nil {
			return got, fmt.Errorf("%q: %w", a.body, err)
		}
		if m.Ignore {
			continue
		}
		got = append(got, m.Message)
		if m.Message == fmt.Sprint(messages-1) {
			return got, nil
		}
	}
}

func TestNothingAcceptedIsLostWhenANodeIsKilled(t *testing.T) {
	f, kill := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	ann, bob := f.login(ctx, "ann"), f.login(ctx, "bob")
	type sent struct {
		again map[string]bool
		err   error
	}
	sending := make(chan sent, 1)
	go func() {
		again, err := f.send(ctx, ann, kill)
		sending <- sent{again, err}
	}()
	got, err := f.receive(ctx, bob)
	if err != nil {
		cancel()
		<-sending
		t.Fatal(err)
	}
	s := <-sending
	if s.err != nil {
		t.Fatal(s.err)
	}
	// What was sent again since nobody answered may be there twice: the protocol has no id that would tell.
	next := 0
	for i, text := range got {
		switch {
		case text == fmt.Sprint(next):
			next++
		case s.again[text] && slices.Contains(got[:i], text):
		default:
			t.Fatalf("%s instead of %d in %v", text, next, got)
		}
	}
	if next != messages {
		t.Fatalf("%d of %d came", next, messages)
	}
	if status, _, err := f.command(ctx, 1, "logout", "user_name=bob&channel_id="+bob, ""); err != nil || !status {
		t.Fatal(err)
	}
	if a, err := curl(ctx, f.urls[1]+"/sub?channel_id="+bob); err != nil || a.status != http.StatusForbidden {
		t.Fatal(a, err)
	}
}

func TestHeadersWithoutEndAreRefused(t *testing.T) {
	f, _ := start(t, "--push-shape=haskell", "--push-closed")
	args := []string{}
	for i := range 40 {
		args = append(args, "--header", fmt.Sprintf("X-%d: %s", i, strings.Repeat("x", 4000)))
	}
	if a, err := curl(t.Context(), append(args, f.urls[0]+"/chattp_request/isonline?user_name=ann")...); err != nil || a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Error(a, err)
	}
	a, err := curl(t.Context(), f.urls[0]+"/chattp_request/isonline?user_name=ann")
	if err != nil || a.body != `{"status":false,"error":"User doesn't exist (or Persistence failed otherwise)","error-code":15,"online":false,"type":"isonline"}`+"\n" {
		t.Error(a, err)
	}
}
