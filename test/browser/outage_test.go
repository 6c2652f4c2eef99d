package browser_test

import (
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestMessageIsPendingUntilTheNodeAnswers(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	ann.say("Before")
	ann.shows("Before", "sent")
	node.Pause()
	ann.say("Meanwhile")
	ann.shows("Meanwhile", "pending")
	node.Resume()
	ann.shows("Meanwhile", "sent")
}

func TestEveryMessageIsThereOnceAfterKill(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	const before, meanwhile = 10, 5
	for i := range before {
		ann.say(numbered("ann", 0, before)[i])
		bob.say(numbered("bob", 0, before)[i])
	}
	for _, p := range []*page{ann, bob} {
		p.shows(numbered("ann", 0, before)[before-1], "sent")
		p.shows(numbered("bob", 0, before)[before-1], "sent")
	}

	node.Kill()
	for _, p := range []*page{ann, bob} {
		p.wait("the page to notice", `document.querySelector('[data-testid="connection-state"]').dataset.state === "reconnecting"`)
	}
	for _, text := range numbered("ann", before, before+meanwhile) {
		ann.say(text)
		ann.shows(text, "pending")
	}
	node.Start()
	node.WaitReady()

	for _, p := range []*page{ann, bob} {
		p.connected()
		p.shows(numbered("ann", before, before+meanwhile)[meanwhile-1], "sent")
		holdsAll(p, before+meanwhile, before)
	}
	ann.do(chromedp.Reload())
	ann.connected()
	ann.shows(numbered("bob", 0, before)[before-1], "sent")
	holdsAll(ann, before+meanwhile, before)
}

// holdsAll checks that the page shows every message of both, once and in the
// order of its sender.
func holdsAll(p *page, fromAnn, fromBob int) {
	p.t.Helper()
	texts := p.texts()
	if want := numbered("ann", 0, fromAnn); !slices.Equal(of("ann", texts), want) {
		p.t.Errorf("of ann %q, want %q", of("ann", texts), want)
	}
	if want := numbered("bob", 0, fromBob); !slices.Equal(of("bob", texts), want) {
		p.t.Errorf("of bob %q, want %q", of("bob", texts), want)
	}
}

// Another secret, another epoch and offsets that begin again: the page must
// come back by itself and show what the log holds, not what it held.
func TestPageFollowsANodeThatLostItsData(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	ann.say("Lost")
	ann.shows("Lost", "sent")
	node.Stop()
	if err := os.RemoveAll(node.DataDir()); err != nil {
		t.Fatal(err)
	}
	node.Start()
	node.WaitReady()
	ann.connected()
	ann.say("New")
	ann.shows("New", "sent")
	ann.wait("what is gone to disappear", `document.querySelectorAll('[data-testid="message"]').length === 1`)
}
