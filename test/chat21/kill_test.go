package chat21

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// outcome is what play.js saw.
type outcome struct {
	Listener string `json:"listener"`
	Talkers  []struct {
		User         string   `json:"user"`
		Acknowledged []string `json:"acknowledged"`
	} `json:"talkers"`
	Heard      []string `json:"heard"`
	Unexpected []string `json:"unexpected"`
}

// What was acknowledged with QoS 1 is stored once, in order, and was heard once on the node that lives.
func TestNothingAcknowledgedIsLostWhenANodeIsKilled(t *testing.T) {
	install(t)
	nats := process.StartNATS(t, 1)
	var nodes []*node
	for _, name := range []string{"node-1", "node-2"} {
		nodes = append(nodes, start(t, process.ChatnodeOptions{Name: name, NATSURL: nats.URL()}))
	}
	played := play(t, nodes, nodes[0].Kill)
	slices.Sort(played.Heard)
	for i := 1; i < len(played.Heard); i++ {
		if played.Heard[i] == played.Heard[i-1] {
			t.Errorf("%q was heard twice", played.Heard[i])
		}
	}
	if len(played.Unexpected) > 0 {
		t.Errorf("heard besides: %q", played.Unexpected)
	}
	for _, talker := range played.Talkers {
		stored := history(t, nodes[1], played.Listener, talker.User)
		if !slices.Equal(stored, talker.Acknowledged) {
			t.Errorf("%s: stored %q, acknowledged %q", talker.User, stored, talker.Acknowledged)
		}
	}
}

// play runs play.js, and calls end while everybody talks.
func play(t *testing.T, nodes []*node, end func()) (played outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	command := exec.CommandContext(ctx, "node", "play.js")
	command.Env = append(os.Environ(), environment(nodes)...)
	var complaints strings.Builder
	command.Stderr = &complaints
	in, err := command.StdinPipe()
	must(t, err)
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err == nil && line == "playing\n" {
		end()
		_, err = io.WriteString(in, "ended\n")
		must(t, err)
		line, err = lines.ReadString('\n')
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v after %.200q\n%s", err, line, complaints.String())
	}
	must(t, err)
	must(t, json.Unmarshal([]byte(line), &played))
	return played
}

// history is what a user finds of a conversation over HTTP, oldest first.
func history(t *testing.T, n *node, user, with string) (texts []string) {
	t.Helper()
	address := fmt.Sprintf("http://%s/api/tilechat/%s/conversations/%s/messages", n.web, url.PathEscape(user), url.PathEscape(with))
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	q.Header.Set("Authorization", tokenOf(user))
	response, err := http.DefaultClient.Do(q)
	must(t, err)
	defer response.Body.Close()
	var answer struct {
		Result []struct{ Text string }
	}
	must(t, json.NewDecoder(response.Body).Decode(&answer))
	for _, m := range answer.Result {
		texts = append(texts, m.Text)
	}
	slices.Reverse(texts)
	return texts
}

// tokenOf is a user's token for the HTTP API.
func tokenOf(user string) string {
	e := base64.RawURLEncoding
	claims := fmt.Sprintf(`{"sub":%q,"app_id":"tilechat","exp":%d}`, user, time.Now().Add(time.Hour).Unix())
	text := e.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + e.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(tokenKey))
	_, _ = mac.Write([]byte(text))
	return text + "." + e.EncodeToString(mac.Sum(nil))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
