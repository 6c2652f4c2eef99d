package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestSearchLeadsToThePlace(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t, "--messages-per-second=0")
	const hay = 70 // more than one page
	texts := []string{"The needle lies here"}
	for i := range hay {
		texts = append(texts, fmt.Sprintf("Hay %d", i))
	}
	tell(t, node, "ann", "room:lobby", texts...)

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

func TestSearchGoesThroughOnesRooms(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann", "bob")
	makeRoom(t, node, "room:secret", "Secret", "carla")
	tell(t, node, "bob", "room:plans", "A needle and thread", "A thread")
	tell(t, node, "bob", "dm:ann,bob", "Bring the needle")
	tell(t, node, "carla", "room:secret", "Hide the needle")
	ann := openAs(t, browser, node.URL(), "ann")
	ann.openTitled("Plans")
	ann.do(chromedp.Click(byID("search")), chromedp.SendKeys(byID("search-input"), "needle"))
	found := func(texts string) string {
		return fmt.Sprintf(`[...document.querySelectorAll('[data-testid="found-text"]')].map((each) => each.textContent).sort().join("|") === %q`, texts)
	}
	ann.wait("what both rooms have", found("A needle and thread|Bring the needle"))
	ann.do(chromedp.Click(byID("search-here")))
	ann.wait("what this room has", found("A needle and thread"))
	ann.do(chromedp.SendKeys(byID("search-input"), "less"))
	ann.wait("that nothing is found", `document.querySelector('[data-testid="search-note"]').textContent === "Nothing found."`)
}

func TestSearchIsHiddenWhereItIsSwitchedOff(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t, "--search=off")
	ann := openAs(t, browser, node.URL(), "ann")
	ann.say("Anything")
	ann.shows("Anything", "sent")
	ann.wait("no search", `document.querySelector('[data-testid="search"]') === null`)
}
