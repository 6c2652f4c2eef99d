package browser_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// openPlans opens the page of ann, who has made a room called Plans, and that of bob, who is a member of it.
func openPlans(t *testing.T) (ann, bob *page) {
	t.Helper()
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann", "bob")
	return openAs(t, browser, node.URL(), "ann"), openAs(t, browser, node.URL(), "bob")
}

func TestBannedMemberIsGoneUntilLetBack(t *testing.T) {
	ann, bob := openPlans(t)
	bob.openTitled("Plans")
	ann.openTitled("Plans")
	ann.do(chromedp.Click(byID("open-details")))
	ann.wait("bob among the members", member("bob", "joined", "member"))

	ann.change("bob", `[data-testid="member-ban"]`)
	ann.wait("bob among the banned", shown(`[data-testid="member"][data-user="bob"][data-membership="banned"]`))
	bob.wait("why the room went", notice("You are banned from Plans."))
	bob.wait("the room to go", gone(`[data-room="room:plans"]`))
	bob.do(chromedp.Click(byID("put-away")))
	bob.wait("the notice to go", gone(`[data-testid="notice"]`))

	ann.change("bob", `[data-testid="member-unban"]`)
	ann.wait("nobody to be banned", gone(`[data-testid="member"][data-user="bob"]`))
	ann.do(chromedp.SendKeys(byID("invite-input"), "bob"), chromedp.Click(byID("add")))
	ann.wait("bob among the members", member("bob", "joined", "member"))
	bob.openTitled("Plans")
	bob.say("Back again")
	ann.shows("Back again", "sent")
}

func TestMutedMemberReadsUntilLetSpeak(t *testing.T) {
	ann, bob := openPlans(t)
	bob.openTitled("Plans")
	bob.say("Can I speak?")
	ann.openTitled("Plans")
	ann.do(chromedp.Click(byID("open-details")))

	ann.change("bob", `[data-testid="member-mute"]`)
	ann.wait("until when bob is muted", shown(`[data-testid="member"][data-user="bob"][data-muted="true"]`))
	bob.wait("until when bob is muted", `document.querySelector('[data-testid="silent"]')?.textContent.startsWith("You are muted here until ")`)
	bob.wait("the composer to go", gone(`#composer`))
	ann.say("Listen")
	bob.shows("Listen", "sent")

	ann.change("bob", `[data-testid="member-mute"]`)
	bob.wait("the composer", shown(`#composer`))
	bob.say("Thanks")
	ann.shows("Thanks", "sent")
}

func TestOwnerDeletesAMessageOfAnotherAndTheRoom(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann", "bob")
	tell(t, node, "bob", "room:plans", "Nonsense", "Sense")
	tell(t, node, "ann", "room:plans", "Mine")
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	for _, p := range []*page{ann, bob} {
		p.openTitled("Plans")
		p.shows("Mine", "sent")
	}
	bob.openMenu("Mine")
	bob.wait("that bob can't delete it", gone(`[data-testid="choose-delete"]`))
	ann.choose("Nonsense", "choose-delete")
	ann.do(chromedp.Click(byID("choose-delete"))) // sure
	for _, p := range []*page{ann, bob} {
		p.shows("Message deleted", "sent")
		p.shows("Sense", "sent")
	}

	ann.do(chromedp.Click(byID("open-details")), chromedp.Click(byID("delete-room")), chromedp.Click(byID("delete-room")))
	for _, p := range []*page{ann, bob} {
		p.wait("what became of the room", notice("Plans was deleted."))
		p.wait("the room to go", gone(`[data-room="room:plans"]`))
	}
}

func TestWhoIsKeptOutReadsWhy(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	makeRoom(t, node, "room:plans", "Plans", "ann")
	carla := openPage(t, browser, node.URL()+"/?user=carla#room:plans")
	carla.connected()
	carla.wait("the reason as a sentence", `[...document.querySelectorAll('[role="alert"]')].some((alert) => alert.textContent.includes("#plans is for its members; ask one for an invitation."))`)
	carla.wait("nothing to write with", gone("#composer"))
}

func shown(selector string) string {
	return fmt.Sprintf(`document.querySelector(%q) !== null`, selector)
}

func gone(selector string) string {
	return fmt.Sprintf(`document.querySelector(%q) === null`, selector)
}

func notice(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('[data-testid="notice"] .text')].some((notice) => notice.textContent === %q)`, text)
}
