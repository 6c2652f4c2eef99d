package interwork

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen, on a machine that stalls now and then.
const patience = 2 * time.Minute

const (
	tokenKey  = "a key for tokens of the tests"
	password  = "a password of the tests"
	serverKey = "interwork-0123456789abcdef0123456789abcdef"
)

// node is a chat node that speaks all protocols, in one application.
type node struct {
	*process.Chatnode
	t *testing.T
	// heimdallr, pull, push, browsers and chat21 are host:port of these; backends is the port of CometQL.
	heimdallr, pull, push, browsers, chat21 string
	// admin is heimdallr's admin port.
	admin    string
	backends int
	// login has the password of CometQL for the mariadb command.
	login string
	// tokens signs those of native users.
	tokens *auth.Development
	// server is the application's own server.
	server chatv1connect.ChatServiceClient
}

// start runs a node that speaks all protocols, with a log of its own.
func start(t *testing.T) *node { return startOn(t, "") }

// startOn runs such a node on a NATS, if one is given, with flags besides.
func startOn(t *testing.T, nats string, flags ...string) *node {
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
		t: t, heimdallr: free(), pull: free(), push: free(), browsers: free(), chat21: free(), admin: free(), backends: process.ReservePort(t),
		login: write("my.cnf", "[client]\npassword=\""+password+"\"\n"),
	}
	n.Chatnode = process.StartChatnode(t, process.ChatnodeOptions{NATSURL: nats, Flags: append([]string{
		"--dev", "--messages-per-second=0", "--commands-per-second=100000", "--server-keys-file", write("keys", "default "+serverKey+"\n"),
		"--heimdallr-listen", n.heimdallr, "--heimdallr-admin-listen", n.admin, "--pull-listen", n.pull, "--pull-dialect=a", "--push-listen", n.push,
		"--comet-listen", n.browsers, "--comet-sql-listen", process.Address(n.backends), "--comet-password-file", write("password", password+"\n"),
		"--mqtt-http-listen", n.chat21, "--mqtt-jwt-secret-file", write("key", tokenKey+"\n"),
	}, flags...)})
	t.Cleanup(web.CloseIdleConnections)
	var err error
	if n.tokens, err = auth.NewDevelopment(auth.DevelopmentOptions{DataDir: n.DataDir()}); err != nil {
		t.Fatal(err)
	}
	n.server = n.serverFor("")
	return n
}

// web keeps its connections until the node is to end.
var web = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * atOnce}}

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
	a, err := web.Do(q)
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
func (n *node) native(ctx context.Context, user string, options ...client.Options) *client.Client {
	n.t.Helper()
	token, err := n.tokens.Token(user, time.Hour)
	if err != nil {
		n.t.Fatal(err)
	}
	o := client.Options{}
	if len(options) > 0 {
		o = options[0]
	}
	o.Token = token
	c, err := client.Dial(ctx, n.URL(), o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(c.Close)
	return c
}
