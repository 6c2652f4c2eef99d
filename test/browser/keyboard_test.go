package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestEverythingIsReachedByKeyboard(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	open := func(channel string) string {
		return fmt.Sprintf(`document.querySelector('[aria-current="page"]').dataset.room === %q`, channel)
	}

	ann.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	ann.do(chromedp.SendKeys(byID("switcher-input"), "@bob"+kb.Enter))
	ann.wait("the chat with bob", open("dm:ann,bob"))
	ann.do(chromedp.SendKeys(byID("composer"), "one"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.KeyEvent("two"+kb.Enter))
	ann.shows("one\ntwo", "sent")

	ann.do(chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierAlt)))
	ann.wait("the room below", open("room:lobby"))
	ann.do(chromedp.KeyEvent(kb.ArrowUp, chromedp.KeyModifiers(chromedp.ModifierAlt)))
	ann.wait("the room above", open("dm:ann,bob"))

	ann.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	ann.wait("the switcher", `document.querySelector('dialog[open]') !== null`)
	ann.do(chromedp.KeyEvent(kb.Escape))
	ann.wait("the switcher to close", `document.querySelector('dialog') === null`)
}
