package browser_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/chatfleet/chatfleet/test/process"
)

func TestApplicationOpensThePageWithAToken(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	token := developmentToken(t, node, "carla")
	carla := openPage(t, browser, node.URL()+"/?token="+url.QueryEscape(token))
	carla.connected()
	if address := value[string](carla, `location.href`); address != node.URL()+"/#room%3Alobby" {
		t.Errorf("the token stays in the address: %s", address)
	}
	carla.say("Hello")
	carla.shows("Hello", "sent")
	carla.do(chromedp.Reload())
	carla.connected()
	carla.wait("carla's name", `document.querySelector('.me strong').textContent === "carla"`)
}

func TestPageSaysWhatNeedsDev(t *testing.T) {
	browser := startBrowser(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte("s"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--jwt-hmac-secret-file", secret}})
	ann := openPage(t, browser, node.URL())
	ann.do(chromedp.SendKeys(byID("name-input"), "ann"), chromedp.Click(byID("sign-in")))
	ann.wait("the reason", `document.querySelector('[role="alert"]').textContent.includes("--dev")`)
	ann.do(chromedp.Navigate(node.URL() + "/fleet"))
	ann.wait("the reason", `document.querySelector('[data-testid="fleet-absent"]') !== null`)
}

func developmentToken(t *testing.T, node *process.Chatnode, user string) string {
	t.Helper()
	response, err := http.Get(node.URL() + "/dev/token?user=" + user)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("read the token: %v", err)
	}
	return answer.Token
}
