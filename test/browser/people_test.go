package browser_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestBlockedPersonCantWriteUntilUnblocked(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	tell(t, node, "bob", "dm:ann,bob", "Buy this")
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	ann.openTitled("bob")
	ann.shows("Buy this", "sent")
	ann.do(chromedp.Click(byID("open-details")), chromedp.Click(byID("block")))
	ann.wait("that bob is blocked", shown(`[data-testid="blocked-banner"]`))

	bob.openTitled("ann")
	bob.say("And that")
	bob.shows("And that", "failed")
	bob.wait("the reason", `document.querySelector(".failure span").textContent === "Not sent: This user takes no messages from you."`)

	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("that bob is still blocked", shown(`[data-testid="blocked-banner"]`))
	ann.do(chromedp.Click(byID("you")))
	ann.wait("bob among the blocked", shown(`[data-testid="blocked"][data-user="bob"]`))
	ann.do(chromedp.Click(byID("unblock")))
	ann.wait("nobody to be blocked", gone(`[data-testid="blocked"]`))
	ann.do(chromedp.KeyEvent(kb.Escape))
	ann.wait("the banner to go", gone(`[data-testid="blocked-banner"]`))
	bob.do(chromedp.Click(byID("retry")))
	bob.shows("And that", "sent")
	ann.shows("And that", "sent")
}

func TestMemberIsBlockedFromTheListOfMembers(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann", "bob")
	bob := openAs(t, browser, node.URL(), "bob")
	bob.openTitled("Plans")
	bob.do(chromedp.Click(byID("open-details")))
	bob.change("ann", `[data-testid="member-block"]`)
	bob.do(chromedp.Click(byID("you")))
	bob.wait("ann among the blocked", shown(`[data-testid="blocked"][data-user="ann"]`))
	bob.do(chromedp.KeyEvent(kb.Escape))
	bob.wait("the dialog to close", gone("dialog"))
	bob.change("ann", `[data-testid="member-block"]`)
	bob.do(chromedp.Click(byID("you")))
	bob.wait("nobody to be blocked", gone(`[data-testid="blocked"]`))
}

func TestStatusIsSeenByOthersAndKept(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	tell(t, node, "ann", "dm:ann,bob", "Hello")
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	sees := func(status string) {
		t.Helper()
		bob.open("room:lobby") // opening the conversation asks again
		bob.open("dm:ann,bob")
		bob.wait("ann to be "+status, fmt.Sprintf(`document.querySelector('[data-testid="peer"]').dataset.status === %q`, status))
	}
	bob.wait("the conversation", shown(`[data-room="dm:ann,bob"]`))
	sees("online")
	ann.setStatus("away", "Away")
	sees("away")
	ann.setStatus("hidden", "Invisible")
	sees("")
	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("the status after a reload", connection("Invisible"))
	ann.setStatus("online", "Online")
	sees("online")
}

func TestAnnouncementReachesEverybody(t *testing.T) {
	browser := startBrowser(t)
	node, key := startNodeWithKey(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	const text = `Down at 22:00 <b>sharp</b>, see https://chatfleet.example/status.`
	for range 2 { // the second is a retry
		call(t, node, key, "Announce", fields{"id": "1", "text": text})
	}
	call(t, node, key, "Announce", fields{"id": "2", "text": "Up again"})
	for _, p := range []*page{ann, bob} {
		p.wait("both announcements, once", fmt.Sprintf(`[...document.querySelectorAll('[data-kind="announcement"] .text')].map((each) => each.textContent).join("|") === %q`, text+"|Up again"))
		links := value[[]string](p, `[...document.querySelectorAll('[data-testid="notice"] a')].map((link) => link.href)`)
		if !slices.Equal(links, []string{"https://chatfleet.example/status"}) {
			t.Errorf("links %q", links)
		}
	}
	ann.do(chromedp.Click(byID("put-away")))
	ann.wait("one announcement", `document.querySelectorAll('[data-testid="notice"]').length === 1`)
	ann.do(chromedp.Click(byID("put-away")))
	ann.wait("no announcement", gone(`[data-testid="notice"]`))
	bob.wait("both with bob", `document.querySelectorAll('[data-testid="notice"]').length === 2`)
}

func TestTwoWindowsOfOneUserAreInStep(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann", "bob")
	first := openAs(t, browser, node.URL(), "ann")
	second := first.openWindow(node.URL() + "/?user=ann")
	second.connected()
	tell(t, node, "bob", "room:plans", "One", "Two", "Three")
	unread := func(count int) string {
		return fmt.Sprintf(`document.querySelector('[data-room="room:plans"]')?.dataset.unread === "%d"`, count)
	}
	for _, p := range []*page{first, second} {
		p.wait("three unread", unread(3))
		p.wait("the title to say so", `document.title.startsWith("(3)")`)
	}
	first.openTitled("Plans")
	first.shows("Three", "sent")
	for _, p := range []*page{first, second} {
		p.wait("nothing unread", unread(0))
		p.wait("the title without a count", `!document.title.startsWith("(")`)
	}
	tell(t, node, "bob", "room:plans", "Four")
	second.openTitled("Plans")
	second.shows("Four", "sent")
	second.say("Five")
	first.shows("Five", "sent")
	first.choose("Five", "choose-delete")
	first.do(chromedp.Click(byID("choose-delete"))) // sure
	second.shows("Message deleted", "sent")
}

func TestStatusAndBlocksAreTheSameInAllWindowsOfAUser(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	tell(t, node, "bob", "dm:ann,bob", "Buy this")
	first := openAs(t, browser, node.URL(), "ann")
	second := first.openWindow(node.URL() + "/?user=ann")
	second.connected()
	first.setStatus("away", "Away")
	second.wait("the status of the first window", connection("Away"))
	second.setStatus("online", "Online")
	first.wait("the status of the second window", connection("Online"))

	for _, p := range []*page{first, second} {
		p.openTitled("bob")
		p.shows("Buy this", "sent")
	}
	first.do(chromedp.Click(byID("open-details")), chromedp.Click(byID("block")))
	second.wait("that bob is blocked", shown(`[data-testid="blocked-banner"]`))
	second.do(chromedp.Click(byID("open-details")), chromedp.Click(byID("unblock")))
	for _, p := range []*page{first, second} {
		p.wait("the banner to go", gone(`[data-testid="blocked-banner"]`))
	}
}

func connection(words string) string {
	return fmt.Sprintf(`document.querySelector('[data-testid="connection-state"]').textContent === %q`, words)
}

// setStatus says how others are to see the user.
func (p *page) setStatus(status, name string) {
	p.t.Helper()
	p.do(chromedp.Click(byID("you")), chromedp.Click(byID("status-"+status)))
	p.wait("the status "+name, connection(name))
	p.do(chromedp.KeyEvent(kb.Escape))
	p.wait("the dialog to close", gone("dialog"))
}
