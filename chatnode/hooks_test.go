package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/hook"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestHookOptionsSayWhatWouldBeRight(t *testing.T) {
	for args, want := range map[string]string{
		"--webhook-url=http://127.0.0.1/":                             "--webhook-url needs --webhook-secret-file",
		"--moderation-url=http://127.0.0.1/":                          "--moderation-url needs --webhook-secret-file",
		"--webhook-secret-file=x --webhook-url=127.0.0.1":             "--webhook-url: it must be an absolute",
		"--webhook-secret-file=x --webhook-url=http://a:b@127.0.0.1/": "no password",
		"--webhook-events=message,typing":                             `not "typing"`,
		"--webhook-events=,":                                          "names no event",
		"--webhook-form=xml":                                          `--webhook-form is chatfleet or chat21, not "xml"`,
		"--webhook-form=chat21":                                       "--webhook-form=chat21 needs clients of chat21",
		"--webhook-timeout=0s":                                        "--webhook-timeout is more than nothing",
		"--webhook-give-up=-1s":                                       "--webhook-give-up is more than nothing",
		"--moderation-timeout=0s":                                     "--moderation-timeout is more than nothing",
		"--moderation-failure=maybe":                                  "--moderation-failure is accept or refuse",
		"--webhook-secret-file=x --webhook-url=http://h/ --moderation-url=ftp://h": "--moderation-url: it must be an absolute",
	} {
		if _, err := parseOptions(strings.Fields(args), environment(nil), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

const hookSecret = "a secret of more than thirty-two bytes"

func secretFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestANodeDoesNotStartWithoutItsSecrets(t *testing.T) {
	for name, file := range map[string]string{"missing": filepath.Join(t.TempDir(), "none"), "short": secretFile(t, "short")} {
		o, err := parseOptions([]string{
			"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--shards=1", "--data-dir=" + t.TempDir(),
			"--webhook-url=http://127.0.0.1:1/", "--webhook-secret-file=" + file,
		}, environment(nil), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := startNode(t.Context(), o, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "secrets of webhooks") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// speaker is a signed-in user of a node.
func speaker(t *testing.T, n *node) *client.Client {
	t.Helper()
	_, body := get(t, "http://"+n.clients.Addr().String()+"/dev/token?user=ann")
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), "http://"+n.clients.Addr().String(), client.Options{Token: answer.Token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestANodeTellsItsWebhook(t *testing.T) {
	wantTold(t, `"room":"room:a"`)
}

func TestANodeTellsItsWebhookInTheFormOfChat21(t *testing.T) {
	wantTold(t, `"event_type":"message-sent"`, "--webhook-form=chat21", "--mqtt-listen=127.0.0.1:0", "--mqtt-jwt-secret-file="+secretFile(t, "tokenKey"))
}

// wantTold makes sure that a node with these arguments tells its webhook of a message, with those words.
func wantTold(t *testing.T, want string, args ...string) {
	t.Helper()
	told := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = hook.Verify([]byte(hookSecret), r.Header.Get(hook.SignatureHeader), time.Now(), time.Minute, body)
		}
		if err != nil {
			t.Error(err)
		}
		told <- string(body)
	}))
	defer receiver.Close()
	n := startTestNode(t, append(args, "--dev", "--webhook-url="+receiver.URL, "--webhook-secret-file="+secretFile(t, hookSecret+"\n"))...)
	wait.For(t, 30*time.Second, "the tap to begin", func(ctx context.Context) error {
		count, err := n.messages.Count(ctx, layout.Cursors, layout.RowKey("webhook"))
		if err == nil && count == 0 {
			err = errors.New("no cursor")
		}
		return err
	})
	if _, err := speaker(t, n).Send(t.Context(), "room:a", "1", "hello"); err != nil {
		t.Fatal(err)
	}
	select {
	case body := <-told:
		if !strings.Contains(body, want) || !strings.Contains(body, `"text":"hello"`) {
			t.Error(body)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the webhook was not told")
	}
}

func TestANodeAsksModerationBeforeItStores(t *testing.T) {
	answers := map[string]string{
		"fine": `{"accept":true}`, "darn": `{"accept":false,"reason":"mind your language"}`, "my number": `{"accept":true,"text":"***"}`, "what": `?`,
	}
	moderation := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct{ Event struct{ Text string } }
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, answers[question.Event.Text])
	}))
	defer moderation.Close()
	n := startTestNode(t, "--dev", "--moderation-url="+moderation.URL, "--webhook-secret-file="+secretFile(t, hookSecret))
	c := speaker(t, n)
	for text, want := range map[string]string{"fine": "", "my number": "", "darn": "mind your language", "what": "retry with the same id"} {
		if _, err := c.Send(t.Context(), "room:a", text, text); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	page, err := n.messages.After(t.Context(), backbone.Feed{Kind: layout.Room, App: "default", Name: "room:a"}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var stored []string
	for _, m := range page.Messages {
		var event struct{ Text string }
		if err := json.Unmarshal(m.Data, &event); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, event.Text)
	}
	if slices.Sort(stored); !slices.Equal(stored, []string{"***", "fine"}) {
		t.Errorf("stored %q", stored)
	}
}
