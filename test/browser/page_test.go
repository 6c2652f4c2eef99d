package browser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	patience     = 30 * time.Second
	pollInterval = 50 * time.Millisecond
)

// page is one window, with a storage of its own as if on another computer.
type page struct {
	t   *testing.T
	ctx context.Context
}

func openPage(t *testing.T, browser context.Context, url string) *page {
	t.Helper()
	return openIn(t, browser, url, chromedp.WithNewBrowserContext())
}

// openWindow opens another window on the same computer: it has the same storage.
func (p *page) openWindow(url string) *page {
	p.t.Helper()
	return openIn(p.t, p.ctx, url, chromedp.WithNewWindow(true))
}

func openIn(t *testing.T, parent context.Context, url string, options ...chromedp.ContextOption) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	p := &page{t: t, ctx: ctx}
	p.watchConsole()
	p.do(chromedp.Navigate(url))
	return p
}

// openAs opens the chat page as a user and returns when it is connected.
func openAs(t *testing.T, browser context.Context, node, user string) *page {
	t.Helper()
	p := openPage(t, browser, node+"/?user="+user)
	p.connected()
	return p
}

// watchConsole fails the test on a script error. A lost connection is logged
// by the browser itself and is none.
func (p *page) watchConsole() {
	ctx, cancel := context.WithCancel(p.ctx)
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for message, err := range messages {
			if err != nil {
				return
			}
			if message.Type == chromedp.ConsoleException {
				p.t.Errorf("script error in the page: %s", message.Text)
			}
		}
	}()
	p.t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("drive the page: %v", err)
	}
}

// wait returns when a JavaScript condition is true.
func (p *page) wait(what, condition string) {
	p.t.Helper()
	poll := chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingInterval(pollInterval), chromedp.WithPollingTimeout(patience))
	if _, err := chromedp.Run(p.ctx, poll); err != nil {
		p.t.Fatalf("wait for %s: %v\nshown: %s\nsaid: %s", what, err, strings.Join(p.texts(), " | "), strings.Join(p.alerts(), " | "))
	}
}

// value evaluates a JavaScript expression.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	result, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return result
}

func byID(testid string) chromedp.CSS {
	return chromedp.CSS(fmt.Sprintf("[data-testid=%q]", testid))
}

func (p *page) connected() {
	p.t.Helper()
	p.wait("the connection", `document.querySelector('[data-testid="connection-state"][data-state="connected"]') !== null`)
}

// say types a message and sends it with the Enter key.
func (p *page) say(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(byID("composer"), text+kb.Enter))
}

// shows waits until a message stands in the list exactly once, in this state.
func (p *page) shows(text, state string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%q %s", text, state), fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll('[data-testid="message"]')].filter((message) => message.querySelector('[data-testid="message-text"]').textContent === %q);
		return found.length === 1 && found[0].dataset.state === %q;
	})()`, text, state))
}

// join joins or creates a room by its name and waits until it is open.
func (p *page) join(room string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(byID("new-room-input"), room+kb.Enter))
	p.wait("room "+room, fmt.Sprintf(`document.querySelector('[data-testid="room-item"][aria-current]').dataset.room === %q`, "room:"+room))
}

// open opens a room on the list.
func (p *page) open(channel string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(fmt.Sprintf("[data-room=%q]", channel))))
}

// texts are the messages on the screen, oldest first.
func (p *page) texts() []string {
	p.t.Helper()
	return value[[]string](p, `[...document.querySelectorAll('[data-testid="message-text"]')].map((text) => text.textContent)`)
}

// alerts are what the page complains of.
func (p *page) alerts() []string {
	p.t.Helper()
	return value[[]string](p, `[...document.querySelectorAll('[role="alert"], [role="status"]')].map((alert) => alert.textContent).filter(Boolean)`)
}
