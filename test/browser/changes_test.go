package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestEditsDeletionsAndReactionsReachEverybody(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	for _, text := range []string{"The plan", "Nonsense", "Stays"} {
		ann.say(text)
	}
	bob.shows("Stays", "sent")

	ann.choose("The plan", "choose-edit")
	ann.wait("the words to edit", `document.getElementById("composer").value === "The plan"`)
	ann.do(chromedp.SendKeys(byID("composer"), " B"+kb.Enter))
	ann.choose("Nonsense", "choose-delete")
	ann.do(chromedp.Click(byID("choose-delete"))) // sure
	bob.shows("The plan B", "sent")
	bob.shows("Message deleted", "sent")

	bob.choose("The plan B", "react")
	ann.wait("bob's reaction", reaction("The plan B", 1, false))
	ann.do(chromedp.Click(byID("reaction")))
	bob.wait("both reactions", reaction("The plan B", 2, true))
	bob.do(chromedp.Click(byID("reaction")))
	ann.wait("ann's reaction alone", reaction("The plan B", 1, true))

	for _, p := range []*page{ann, bob} {
		p.do(chromedp.Reload())
		p.connected()
		p.shows("Stays", "sent")
		p.shows("The plan B", "sent")
		p.shows("Message deleted", "sent")
		p.wait("the reaction after a reload", reaction("The plan B", 1, p == ann))
	}
}

func TestChangesArriveAfterAnOutage(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	network := startWire(t, node.URL())
	bob := openAs(t, browser, network.url(), "bob")
	ann.say("First")
	ann.say("Second")
	bob.shows("Second", "sent")

	network.cut(true)
	bob.wait("the page to notice", `document.querySelector('[data-testid="connection-state"]').dataset.state === "reconnecting"`)
	ann.say("Third")
	ann.shows("Third", "sent")
	ann.choose("First", "choose-edit")
	ann.do(chromedp.SendKeys(byID("composer"), "!"+kb.Enter))
	ann.shows("First!", "sent")
	ann.choose("Third", "choose-edit")
	ann.do(chromedp.SendKeys(byID("composer"), "!"+kb.Enter))
	ann.shows("Third!", "sent")
	network.cut(false)
	bob.connected()
	bob.shows("First!", "sent")
	bob.shows("Third!", "sent")
}

func TestAnswersQuoteAndLeadBack(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	ann.say("When?")
	bob.shows("When?", "sent")
	bob.choose("When?", "choose-reply")
	bob.say("At ten")
	ann.shows("At ten", "sent")
	ann.wait("the quotation", `document.querySelector('[data-testid="quotation"]').textContent === "ann When?"`)
	ann.do(chromedp.Click(byID("quotation")))
	ann.wait("the way back", `document.querySelector('.sought [data-testid="message-text"]').textContent === "When?"`)
}

func TestThreadsStandBesideTheConversation(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	ann.say("Lunch?")
	ann.choose("Lunch?", "choose-thread")
	ann.do(chromedp.SendKeys(byID("thread-composer"), "Soup"+kb.Enter))
	replies := func(words string) string {
		return fmt.Sprintf(`document.querySelector('.conversation-main [data-testid="thread-link"]')?.textContent === %q`, words)
	}
	bob.wait("the number of answers", replies("1 reply"))
	bob.do(chromedp.Click(byID("thread-link")))
	bob.wait("the thread", thread("Lunch?", "Soup"))
	bob.do(chromedp.SendKeys(byID("thread-composer"), "Bread"+kb.Enter))
	for _, p := range []*page{ann, bob} {
		p.wait("both answers", thread("Lunch?", "Soup", "Bread"))
	}
	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("the number of answers after a reload", replies("2 replies"))
}

// thread says that the open thread has these messages.
func thread(texts ...string) string {
	return fmt.Sprintf(`[...document.querySelectorAll('[data-testid="thread"] [data-testid="message"][data-state="sent"] [data-testid="message-text"]')].map((text) => text.textContent).join("|") === %q`, strings.Join(texts, "|"))
}

// choose opens the menu of a message and presses a button of it.
func (p *page) choose(text, button string) {
	p.t.Helper()
	p.shows(text, "sent")
	p.wait(fmt.Sprintf("the menu of %q", text), fmt.Sprintf(`(() => {
		const message = [...document.querySelectorAll('[data-testid="message"]')].find((each) => each.querySelector('[data-testid="message-text"]').textContent === %q);
		const found = message.querySelector('[data-testid=%q]');
		if (!found) message.querySelector('[data-testid="message-menu"][aria-expanded="false"]')?.click();
		found?.click();
		return Boolean(found);
	})()`, text, button))
}

// openMenu opens the menu of a message.
func (p *page) openMenu(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("the menu of %q", text), fmt.Sprintf(`(() => {
		const message = [...document.querySelectorAll('[data-testid="message"]')].find((each) => each.querySelector('[data-testid="message-text"]').textContent === %q);
		message?.querySelector('[data-testid="message-menu"][aria-expanded="false"]')?.click();
		return message?.querySelector('[aria-expanded="true"]') != null;
	})()`, text))
}

func reaction(text string, count int, mine bool) string {
	return fmt.Sprintf(`(() => {
		const message = [...document.querySelectorAll('[data-testid="message"]')].find((each) => each.querySelector('[data-testid="message-text"]').textContent === %q);
		const found = message?.querySelectorAll('[data-testid="reaction"]') ?? [];
		return found.length === 1 && found[0].dataset.count === "%d" && found[0].getAttribute("aria-pressed") === "%t";
	})()`, text, count, mine)
}
