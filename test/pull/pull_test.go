package pull

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen, on a machine that stalls now and then.
const patience = 2 * time.Minute

// node is a chat node with its address for clients of distributed-chat.
type node struct {
	*process.Chatnode
	url string
}

func start(t *testing.T, nats *process.NATSCluster, name, dialect string) node {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(t))
	flags := []string{"--dev", "--drain-period=1s", "--pull-listen=" + address, "--pull-dialect=" + dialect}
	options := process.ChatnodeOptions{Name: name, Flags: flags}
	if nats != nil {
		options.NATSURL = nats.URL()
	}
	return node{process.StartChatnode(t, options), "http://" + address}
}

// curl runs it, and gives what it wrote: the body, and the status in a line of its own.
func curl(ctx context.Context, args ...string) (body, status string, err error) {
	command := exec.CommandContext(ctx, "curl", append([]string{"--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"}, args...)...)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		return "", "", fmt.Errorf("%w: %s", err, complaints.String())
	}
	at := strings.LastIndexByte(out.String(), '\n')
	return out.String()[:at], out.String()[at+1:], nil
}

func needCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is missing; make tools-of-tests installs it")
	}
}

func send(ctx context.Context, n node, text string) (status string, err error) {
	body := fmt.Sprintf(`{"chat":"ann:bob","sender":"ann","text":%q}`, text)
	_, status, err = curl(ctx, "--json", body, n.url+"/api/send")
	return status, err
}

// all reads a chat from its beginning, page by page.
func all(ctx context.Context, n node, chat string) (texts []string, err error) {
	for cursor := int64(0); ; {
		body, status, err := curl(ctx, "--get", "--data-urlencode", "chat="+chat, "--data", fmt.Sprint("limit=50&cursor=", cursor), n.url+"/api/pull")
		if err != nil {
			return nil, err
		}
		var page struct {
			Messages   []struct{ Text string }
			NextCursor int64 `json:"next_cursor"`
		}
		if status != "200" {
			return nil, fmt.Errorf("pull is answered %s: %s", status, body)
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			return nil, err
		}
		for _, m := range page.Messages {
			texts = append(texts, m.Text)
		}
		if cursor = page.NextCursor; cursor == 0 {
			return texts, nil
		}
	}
}

func TestCurlIsAnsweredInEveryDialect(t *testing.T) {
	needCurl(t)
	for dialect, want := range map[string][2]string{"default": {"", "200"}, "a": {"ok", "201"}, "b": {"", "200"}, "c": {"", "200"}} {
		n := start(t, nil, "node-"+dialect, dialect)
		body, status, err := curl(t.Context(), n.url+"/ping")
		if err != nil || body != `{"message":"pong"}` || status != "200" {
			t.Errorf("dialect %s: ping is answered %s %q, %v", dialect, status, body, err)
		}
		body, status, err = curl(t.Context(), "--json", `{"chat":"ann:bob","sender":"ann","text":"hi"}`, n.url+"/api/send")
		if err != nil || body != want[0] || status != want[1] {
			t.Errorf("dialect %s: send is answered %s %q, %v", dialect, status, body, err)
		}
		body, status, err = curl(t.Context(), "--request", "GET", "--json", `{"chat":"ann:bob","limit":10}`, n.url+"/api/pull")
		if err != nil || status != "200" || !strings.HasPrefix(body, `{"messages":[{"chat":"ann:bob","text":"hi","sender":"ann","send_time":`) {
			t.Errorf("dialect %s: pull is answered %s %q, %v", dialect, status, body, err)
		}
	}
}

// TestNothingThatWasAnsweredIsLostWhenANodeIsKilled has senders at both nodes, which go on at the other one when theirs is gone.
func TestNothingThatWasAnsweredIsLostWhenANodeIsKilled(t *testing.T) {
	needCurl(t)
	nats := process.StartNATS(t, 1)
	nodes := []node{start(t, nats, "node-1", "default"), start(t, nats, "node-2", "default")}
	const senders, each = 4, 20
	var mu sync.Mutex
	stored, killed := map[string]bool{}, make(chan struct{})
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			at := s % len(nodes)
			for i := range each {
				if i == each/2 { // half of what is sent is sent after the death of a node
					<-killed
				}
				for attempt := 0; attempt < 50; attempt++ {
					text := fmt.Sprintf("%d.%d.%d", s, i, attempt)
					if status, err := send(t.Context(), nodes[at], text); err == nil && status == "200" {
						mu.Lock()
						stored[text] = true
						mu.Unlock()
						break
					}
					at = (at + 1) % len(nodes)
				}
			}
		})
	}
	wait.Eventually(t, patience, "messages to be stored", func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(stored) < senders {
			return fmt.Sprint("only ", len(stored))
		}
		return ""
	})
	nodes[0].Kill()
	close(killed)
	sending.Wait()
	if len(stored) != senders*each {
		t.Errorf("%d messages were answered, want %d", len(stored), senders*each)
	}
	wait.For(t, patience, "what is stored", func(ctx context.Context) error {
		texts, err := all(ctx, nodes[1], "bob:ann")
		if err != nil {
			return err
		}
		times := map[string]int{}
		for _, text := range texts {
			times[text]++
		}
		for text := range stored {
			if times[text] == 0 {
				return fmt.Errorf("%s was answered and isn't there, of %d", text, len(texts))
			}
		}
		for text, n := range times {
			if n > 1 {
				t.Errorf("%s is there %d times", text, n)
			}
		}
		return nil
	})
}
