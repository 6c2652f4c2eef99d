package interwork

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen, on a machine that stalls now and then.
const patience = 2 * time.Minute

const (
	tokenKey = "a key for tokens of the tests"
	password = "a password of the tests"
)

// node is a chat node that speaks all protocols, in one application.
type node struct {
	*process.Chatnode
	t *testing.T
	// heimdallr, pull, push, browsers and chat21 are host:port of these; backends is the port of CometQL.
	heimdallr, pull, push, browsers, chat21 string
	backends                                int
	// login has the password of CometQL for the mariadb command.
	login string
}

func start(t *testing.T) *node {
	t.Helper()
	if _, err := exec.LookPath("mariadb"); err != nil {
		t.Skip("mariadb is missing; make tools-of-tests installs it")
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	free := func() string { return process.Address(process.ReservePort(t)) }
	n := &node{
		t: t, heimdallr: free(), pull: free(), push: free(), browsers: free(), chat21: free(), backends: process.ReservePort(t),
		login: write("my.cnf", "[client]\npassword=\""+password+"\"\n"),
	}
	n.Chatnode = process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{
		"--dev", "--messages-per-second=0", "--heimdallr-listen", n.heimdallr, "--pull-listen", n.pull, "--pull-dialect=a", "--push-listen", n.push,
		"--comet-listen", n.browsers, "--comet-sql-listen", process.Address(n.backends), "--comet-password-file", write("password", password+"\n"),
		"--mqtt-http-listen", n.chat21, "--mqtt-jwt-secret-file", write("key", tokenKey+"\n"),
	}})
	return n
}

// request makes one and gives the answer, which must have a status of success.
func request(ctx context.Context, method, url string, body any, header ...string) (string, http.Header, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return "", nil, err
		}
		content = bytes.NewReader(raw)
	}
	q, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return "", nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	q.Close = true
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = a.Body.Close() }()
	answer, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s is answered %d: %s", method, url, a.StatusCode, answer)
	}
	return string(answer), a.Header, err
}

// native connects a user of chatfleet's own protocol.
func (n *node) native(ctx context.Context, user string) *client.Client {
	n.t.Helper()
	body, _, err := request(ctx, http.MethodGet, n.URL()+"/dev/token?user="+user, nil)
	var answer struct{ Token string }
	if err != nil || json.Unmarshal([]byte(body), &answer) != nil {
		n.t.Fatalf("token: %v, %s", err, body)
	}
	c, err := client.Dial(ctx, n.URL(), client.Options{Token: answer.Token})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(c.Close)
	return c
}

// sql runs a statement of CometQL.
func (n *node) sql(ctx context.Context, statement string) error {
	command := exec.CommandContext(ctx, "mariadb", "--defaults-file="+n.login, "--skip-ssl", "--host=127.0.0.1", "--port="+strconv.Itoa(n.backends),
		"--user=root", "--batch", "--execute="+statement, "CometQL_v1")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", statement, err, out)
	}
	return nil
}

// api calls the HTTP API of chat21 as a user.
func (n *node) api(ctx context.Context, user, method, path string, body any) (string, error) {
	answer, _, err := request(ctx, method, "http://"+n.chat21+"/api/default"+path, body, "Authorization", tokenOf(user))
	return answer, err
}

// tokenOf is a user's token as chat21 has them.
func tokenOf(user string) string {
	claims, _ := json.Marshal(map[string]any{ // texts and numbers always have a form in JSON
		"sub": user, "app_id": "default", "aud": []string{"rabbitmq"}, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"scope": []string{"rabbitmq.read:*/*/apps.default.users." + user + ".*", "rabbitmq.write:*/*/apps.default.outgoing.users." + user + ".*"},
	})
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(tokenKey))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// chattp gives a command of cHaTTP, and the channel in the answer.
func (n *node) chattp(ctx context.Context, command string, parameters ...string) (channel string, err error) {
	body, _, err := request(ctx, http.MethodGet, "http://"+n.push+"/chattp_request/"+command+"?"+strings.Join(parameters, "&"), nil)
	if err != nil {
		return "", err
	}
	var said struct {
		Status  bool   `json:"status"`
		Error   string `json:"error"`
		Channel string `json:"channel_id"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || !said.Status {
		return "", fmt.Errorf("%s is answered %s (%w)", command, body, err)
	}
	return said.Channel, nil
}
