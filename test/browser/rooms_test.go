package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestGroupFromInvitationToKick(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")

	ann.do(chromedp.Click(byID("new-room")))
	ann.do(chromedp.SendKeys(byID("create-title"), "Secret plans"+kb.Enter))
	ann.wait("the new room", titled("Secret plans"))
	ann.say("Welcome")
	ann.shows("Welcome", "sent")
	ann.do(chromedp.Click(byID("open-details")))
	ann.do(chromedp.SendKeys(byID("invite-input"), "bob"+kb.Enter))
	ann.wait("bob among the invited", member("bob", "invited", "member"))

	bob.openTitled("Secret plans")
	bob.do(chromedp.Click(byID("accept")))
	bob.shows("Welcome", "sent")
	ann.wait("bob among the members", member("bob", "joined", "member"))
	bob.say("Thanks")
	ann.shows("Thanks", "sent")
	ann.openMenu("Welcome")
	ann.wait("who has read it", `document.querySelector('[data-testid="read-by"]')?.textContent === "Read by bob"`)
	ann.do(chromedp.KeyEvent(kb.Escape))

	ann.change("bob", `[data-role="moderator"]`)
	ann.wait("bob's new role", member("bob", "joined", "moderator"))
	bob.do(chromedp.Click(byID("open-details")))
	bob.wait("ann's role", member("ann", "joined", "owner"))
	bob.do(chromedp.Click(chromedp.CSS(`[data-testid="member"][data-user="ann"] [data-testid="member-menu"]`)))
	bob.wait("that ann is not to be changed", `document.querySelector('[data-testid="member-block"]') !== null &&
		document.querySelector('[data-testid="member-kick"], [data-testid="member-set_role"]') === null`)

	ann.change("bob", `[data-testid="member-kick"]`)
	bob.wait("the room to go", `document.querySelector('[data-testid="notice"]')?.textContent.includes("Secret plans") &&
		![...document.querySelectorAll(".room-title")].some((title) => title.textContent === "Secret plans")`)
	bob.do(chromedp.Reload())
	bob.connected()
	bob.wait("the list", `document.querySelector('[data-room="room:lobby"]') !== null`)
	ann.wait("ann alone", `document.querySelectorAll('[data-testid="member"]').length === 1`)
}

func TestSettingsAreShownToEverybody(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	ann.do(chromedp.Click(byID("new-room")), chromedp.Click(byID("kind-channel")))
	ann.do(chromedp.SendKeys(byID("create-title"), "News"), chromedp.SendKeys(byID("create-members"), "bob"+kb.Enter))
	ann.wait("the new channel", titled("News"))
	ann.say("Headline")

	bob.openTitled("News")
	bob.shows("Headline", "sent")
	bob.wait("that bob only reads", `document.querySelector(".silent") !== null && document.getElementById("composer") === null`)

	ann.do(chromedp.Click(byID("open-details")))
	ann.do(chromedp.SendKeys(byID("title-input"), " of today"+kb.Enter))
	bob.wait("the new title", titled("News of today"))
	ann.do(chromedp.Click(byID("archive")))
	ann.wait("that nobody writes", `document.querySelector(".silent")?.textContent.includes("archived")`)
}

func TestDirectConversationComesByItselfAndIsTicked(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	ticked := func(tick string) string {
		return fmt.Sprintf(`document.querySelector('[data-testid="tick"]')?.dataset.tick === %q`, tick)
	}
	ann.do(chromedp.SendKeys(byID("new-room-input"), "@bob"+kb.Enter))
	ann.say("Psst")
	ann.shows("Psst", "sent")
	ann.wait("one tick", ticked("sent"))
	bob := openAs(t, browser, node.URL(), "bob")
	bob.wait("the conversation with its message", `document.querySelector('[data-room="dm:ann,bob"]')?.dataset.unread === "1"`)
	ann.wait("that it has come to bob", ticked("delivered"))
	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("that it has come to bob, after a reload", ticked("delivered"))
	ann.wait("bob online", `document.querySelector('[data-testid="peer"]').dataset.status === "online"`)
	bob.open("dm:ann,bob")
	bob.shows("Psst", "sent")
	ann.wait("that bob has read it", ticked("read"))
	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("that bob has read it, after a reload", ticked("read"))
}

func TestUnreadIsInStepOnTwoDevices(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	desk := openAs(t, browser, node.URL(), "bob")
	phone := openAs(t, browser, node.URL(), "bob")
	ann.do(chromedp.SendKeys(byID("new-room-input"), "@bob"+kb.Enter))
	ann.wait("the chat with bob", titled("bob"))
	for _, text := range []string{"One", "Two", "Three"} {
		ann.say(text)
	}
	unread := func(count int) string {
		return fmt.Sprintf(`document.querySelector('[data-room="dm:ann,bob"]')?.dataset.unread === "%d"`, count)
	}
	desk.wait("three unread", unread(3))
	phone.wait("three unread", unread(3))
	desk.open("dm:ann,bob")
	desk.wait("nothing unread", unread(0))
	phone.wait("nothing unread on the other device", unread(0))
	phone.do(chromedp.Reload())
	phone.connected()
	phone.wait("nothing unread after a reload", unread(0))
}

func TestOpenRoomIsJoinedAndLeft(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	desk := openAs(t, browser, node.URL(), "ann")
	phone := openAs(t, browser, node.URL(), "ann")
	desk.join("garden")
	desk.say("Anybody?")
	desk.do(chromedp.Click(byID("join")))
	phone.openTitled("garden")
	phone.shows("Anybody?", "sent")
	phone.do(chromedp.Click(byID("open-details")))
	phone.wait("ann among the members", `document.querySelector('[data-testid="member"][data-user="ann"]') !== null`)
	bob := openAs(t, browser, node.URL(), "bob")
	bob.join("garden")
	bob.do(chromedp.Click(byID("join")), chromedp.Click(byID("open-details")), chromedp.Click(byID("leave")))
	bob.wait("the room to go", `document.querySelector('[data-room="room:garden"]') === null`)
}

func titled(title string) string {
	return fmt.Sprintf(`document.querySelector('[data-testid="room-item"][aria-current] .room-title')?.textContent === %q`, title)
}

func member(user, membership, role string) string {
	return fmt.Sprintf(`document.querySelector('[data-testid="member"][data-user=%q][data-membership=%q][data-role=%q]') !== null`, user, membership, role)
}

// openTitled opens a room as soon as it is on the list.
func (p *page) openTitled(title string) {
	p.t.Helper()
	p.wait("room "+title, fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll('[data-testid="room-item"]')].find((item) => item.querySelector(".room-title").textContent === %q);
		found?.click();
		return Boolean(found);
	})()`, title))
}

// change presses a button of a member's menu.
func (p *page) change(user, button string) {
	p.t.Helper()
	row := fmt.Sprintf(`[data-testid="member"][data-user=%q]`, user)
	p.do(chromedp.Click(chromedp.CSS(row + ` [data-testid="member-menu"]`)))
	p.do(chromedp.Click(chromedp.CSS(row + " .choice" + button)))
}
