package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/chatfleet/chatfleet/test/process"
)

func TestTwoPeopleChat(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openPage(t, browser, node.URL())
	ann.do(chromedp.SendKeys(byID("name-input"), "ann"), chromedp.Click(byID("sign-in")))
	ann.connected()
	bob := openAs(t, browser, node.URL(), "bob")

	both := `document.querySelector('[data-testid="who"]').dataset.users === "ann bob"`
	ann.wait("ann to see both", both)
	bob.wait("bob to see both", both)

	ann.say("Hello Bob")
	ann.shows("Hello Bob", "sent")
	bob.shows("Hello Bob", "sent")

	bob.do(chromedp.SendKeys(byID("composer"), "Hel"))
	ann.wait("the typing line", `document.querySelector('[data-testid="typing"]').textContent.includes("bob is typing")`)
	bob.say("lo Ann")
	ann.shows("Hello Ann", "sent")
	ann.wait("the typing line to go", `document.querySelector('[data-testid="typing"]').textContent === ""`)

	ann.do(chromedp.Reload())
	ann.connected()
	ann.shows("Hello Ann", "sent")
	if got := ann.texts(); !slices.Equal(got, []string{"Hello Bob", "Hello Ann"}) {
		t.Errorf("after a reload ann reads %q", got)
	}
}

func TestUnreadMessagesAreCountedInTheOtherRoom(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	bob := openAs(t, browser, node.URL(), "bob")
	ann.join("plans")
	ann.open("room:lobby")
	bob.join("plans")
	bob.say("First")
	bob.say("Second")
	bob.shows("Second", "sent")

	unread := func(count int) string {
		return fmt.Sprintf(`document.querySelector('[data-room="room:plans"]').dataset.unread === "%d"`, count)
	}
	ann.wait("two unread", unread(2))
	ann.wait("the title to say so", `document.title.startsWith("(2)")`)
	ann.do(chromedp.Reload())
	ann.connected()
	ann.wait("two unread after a reload", unread(2))

	ann.open("room:plans")
	ann.shows("Second", "sent")
	ann.wait("nothing unread", unread(0))
	ann.wait("the title without a count", `!document.title.startsWith("(")`)
}

func TestMarkupInMessagesStaysText(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t)
	ann := openAs(t, browser, node.URL(), "ann")
	attack := `<img src=x onerror="document.title='owned'"> javascript:alert(1) https://chatfleet.example/?a=1&b=<b>`
	ann.say(attack)
	ann.shows(attack, "sent")
	links := value[[]string](ann, `[...document.querySelectorAll('[data-testid="message-text"] a')].map((link) => link.href)`)
	if !slices.Equal(links, []string{"https://chatfleet.example/?a=1&b="}) {
		t.Errorf("links %q", links)
	}
	if images := value[int](ann, `document.querySelectorAll('[data-testid="message-text"] img').length`); images != 0 {
		t.Error("markup of a message became an image")
	}
}

func TestOlderMessagesLoadWhileScrolling(t *testing.T) {
	browser := startBrowser(t)
	node := startNode(t, "--messages-per-second=0")
	const messages = 130
	lines := make([]string, messages)
	for i := range lines {
		lines[i] = fmt.Sprintf("Line %d", i)
	}
	tell(t, node, "ann", "room:lobby", lines...)

	reader := openAs(t, browser, node.URL(), "bob")
	reader.shows(fmt.Sprintf("Line %d", messages-1), "sent")
	if loaded := len(reader.texts()); loaded >= messages {
		t.Errorf("the page loaded all %d messages at once", loaded)
	}
	reader.wait("the first message", `(() => {
		const list = document.querySelector('[data-testid="message-list"]');
		if (document.querySelector('[data-testid="message-text"]').textContent === "Line 0") return true;
		list.scrollTop = 0;
		return false;
	})()`)
	for i, text := range reader.texts() {
		if want := fmt.Sprintf("Line %d", i); text != want {
			t.Fatalf("message %d is %q, want %q", i, text, want)
		}
	}
}

func startNode(t *testing.T, flags ...string) *process.Chatnode {
	t.Helper()
	return process.StartChatnode(t, process.ChatnodeOptions{Flags: append([]string{"--dev"}, flags...)})
}

// numbered gives texts like "ann 0", "ann 1".
func numbered(who string, from, to int) []string {
	texts := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		texts = append(texts, fmt.Sprintf("%s %d", who, i))
	}
	return texts
}

// of gives the texts that one sender numbered, in the order shown.
func of(who string, texts []string) []string {
	var own []string
	for _, text := range texts {
		if strings.HasPrefix(text, who+" ") {
			own = append(own, text)
		}
	}
	return own
}
