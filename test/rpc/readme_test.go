package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const readme = "../../chatnode/gateway/rpc/README.md"

func readSteps(t *testing.T) []step {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return steps(string(text))
}

func TestEveryMethodHasALineAndAnAnswer(t *testing.T) {
	shown := map[string]bool{}
	for _, s := range readSteps(t) {
		for _, match := range called.FindAllStringSubmatch(s.command, -1) {
			if s.answer != "" {
				shown[match[1]] = true
			}
		}
	}
	methods := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	for i := range methods.Len() {
		if name := string(methods.Get(i).Name()); !shown[name] {
			t.Errorf("%s has no line that calls %s and shows the answer", readme, name)
		}
	}
}

func TestLinesAreAnsweredAsTheDocumentationSays(t *testing.T) {
	key := "readme-0123456789abcdef0123456789abcdef"
	keys := filepath.Join(t.TempDir(), "server-keys")
	if err := os.WriteFile(keys, []byte("default "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev", "--server-keys-file", keys}})
	list := readSteps(t)
	answers := run(t, list, "NODE="+node.URL(), "KEY="+key)
	for i, s := range list {
		if s.answer == "" {
			continue
		}
		var want, got any
		if err := json.Unmarshal([]byte(s.answer), &want); err != nil {
			t.Fatalf("%s\nis said to answer %s: %v", s.command, s.answer, err)
		}
		if err := json.Unmarshal([]byte(answers[i]), &got); err != nil {
			t.Errorf("%s\nanswered %q: %v", s.command, answers[i], err)
			continue
		}
		if d := difference("the answer", want, got); d != "" {
			t.Errorf("%s\nanswered %s\nis said to answer %s\n%s", s.command, answers[i], s.answer, d)
		}
	}
}

// run executes the commands one after the other in one shell, as a reader does, and gives what each has written.
func run(t *testing.T, list []step, env ...string) []string {
	t.Helper()
	dir := t.TempDir()
	script := &strings.Builder{}
	fmt.Fprintln(script, "set -euo pipefail\ncurl() { command curl --silent --show-error --max-time 20 \"$@\"; }")
	for i, s := range list {
		command := fmt.Sprintf("{ %s\n} >%d", s.command, i)
		if strings.Contains(s.command, "$CHAT/Search") { // which finds messages a moment after they were sent
			command = fmt.Sprintf("for try in {1..100}; do %s; [ \"$(cat %d)\" != {} ] && break; sleep 0.1; done", command, i)
		}
		fmt.Fprintln(script, command)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the lines ended with %v: %s", err, out)
	}
	answers := make([]string, len(list))
	for i := range list {
		content, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = strings.TrimSpace(string(content))
	}
	return answers
}

func TestDifferencesAreSeen(t *testing.T) {
	for _, c := range []struct{ want, got, difference string }{
		{`{"a":1,"epoch":"x"}`, `{"a":2,"epoch":"y"}`, ""},
		{`{"a":1}`, `{"a":1,"b":2}`, "the answer has [a b], not [a]"},
		{`{"a":"x"}`, `{"a":"y"}`, "the answer.a is y, not x"},
		{`{"a":1}`, `{"a":"1"}`, "the answer.a is 1, not a number"},
		{`{"a":[1,{"b":true}]}`, `{"a":[1,{"b":false}]}`, "the answer.a[1].b is false, not true"},
		{`{"a":[1]}`, `{"a":[]}`, "the answer.a is [], not 1 of them"},
		{`{}`, `[]`, "the answer is [], not an object"},
	} {
		var want, got any
		if json.Unmarshal([]byte(c.want), &want) != nil || json.Unmarshal([]byte(c.got), &got) != nil {
			t.Fatal(c)
		}
		if d := difference("the answer", want, got); d != c.difference {
			t.Errorf("%s and %s: %q, want %q", c.want, c.got, d, c.difference)
		}
	}
}
