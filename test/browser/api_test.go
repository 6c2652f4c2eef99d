package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// fields is the request or the reply of a call.
type fields map[string]any

// callAs calls a method of the chat service as a user.
func callAs(t *testing.T, node *process.Chatnode, user, method string, request fields) fields {
	t.Helper()
	return call(t, node, developmentToken(t, node, user), method, request)
}

// call calls a method of the chat service with a token or a server key, and again if it comes too soon or the node is busy.
func call(t *testing.T, node *process.Chatnode, token, method string, request fields) fields {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var reply fields
	wait.For(t, patience, "an answer to "+method, func(ctx context.Context) error {
		status, content, err := post(ctx, node.URL()+"/chatfleet.chat.v1.ChatService/"+method, token, body)
		switch {
		case err != nil:
			return err
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			return fmt.Errorf("status %d: %s", status, content)
		case status != http.StatusOK:
			t.Fatalf("%s answers %d %s", method, status, content)
		}
		return json.Unmarshal(content, &reply)
	})
	return reply
}

func post(ctx context.Context, address, token string, body []byte) (status int, content []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	content, err = io.ReadAll(answer.Body)
	return answer.StatusCode, content, err
}

// makeRoom makes a group of users, the first of them its owner.
func makeRoom(t *testing.T, node *process.Chatnode, room, title, owner string, others ...string) {
	t.Helper()
	callAs(t, node, owner, "CreateRoom", fields{"room": room, "title": title, "kind": "group", "members": others})
}

// tell sends messages as a user, one after the other.
func tell(t *testing.T, node *process.Chatnode, user, room string, texts ...string) {
	t.Helper()
	token := developmentToken(t, node, user)
	for i, text := range texts {
		call(t, node, token, "Send", fields{"id": user + " " + strconv.Itoa(i) + " " + text, "room": room, "text": text})
	}
}

// startNodeWithKey runs a node that takes calls of an application's server.
func startNodeWithKey(t *testing.T) (node *process.Chatnode, key string) {
	t.Helper()
	key = "page-0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "server-keys")
	if err := os.WriteFile(file, []byte("default "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startNode(t, "--server-keys-file", file), key
}
