package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestSearchLeadsToThePlace(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	ann.say("The needle lies here")
	const hay = 70 // more than one page
	for i := range hay {
		ann.say(fmt.Sprintf("Hay %d", i))
	}
	ann.shows(fmt.Sprintf("Hay %d", hay-1), "sent")

	bob := openAs(t, browser, node.URL(), "bob")
	bob.shows(fmt.Sprintf("Hay %d", hay-1), "sent")
	bob.join("elsewhere")
	bob.open("room:lobby")
	bob.do(chromedp.Click(byID("search")))
	bob.do(chromedp.SendKeys(byID("search-input"), "needle"))
	bob.wait("what was found", `document.querySelectorAll('[data-testid="found"]').length === 1`)
	bob.do(chromedp.SendKeys(byID("search-input"), kb.Enter))
	bob.wait("the place", `(() => {
		const sought = document.querySelector('.sought');
		const list = document.querySelector('[data-testid="message-list"]').getBoundingClientRect();
		const place = sought?.getBoundingClientRect();
		return place?.top >= list.top && place.bottom <= list.bottom && sought.textContent.includes("needle");
	})()`)
}

func TestSearchIsHiddenWhereItIsSwitchedOff(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t, "--search=off")
	ann := openAs(t, browser, node.URL(), "ann")
	ann.say("Anything")
	ann.shows("Anything", "sent")
	ann.wait("no search", `document.querySelector('[data-testid="search"]') === null`)
}
