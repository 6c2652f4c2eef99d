package fanout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

const ofAnn, ofBob = `{"sender":"ann"}`, `{"sender":"bob"}`

// erase takes messages with that text from the log, without a word.
func (l *testLog) erase(feed backbone.Feed, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feed(feed)
	f.messages = slices.DeleteFunc(slices.Clone(f.messages), func(m *backbone.Message) bool { return string(m.Data) == text })
}

func (f *forgetting) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.users)
}

// recovered are the texts that somebody gets who was there before the first message.
func recovered(t *testing.T, h *Hub, feed backbone.Feed) string {
	t.Helper()
	m := &testMember{limit: unlimited}
	result := subscribe(t, h, feed, Request{Since: at(0)}, m)
	if !result.Recovered {
		t.Fatal("nothing was recovered")
	}
	var texts []string
	for _, m := range result.Messages {
		texts = append(texts, string(m.Data))
	}
	m.sub.Close()
	return strings.Join(texts, " ")
}

func TestWhatIsForgottenIsNotRecoveredFromMemory(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		quiet := backbone.Feed{Kind: lobby.Kind, App: lobby.App, Name: "quiet"}
		foreign := backbone.Feed{Kind: lobby.Kind, App: "other", Name: lobby.Name}
		for _, feed := range []backbone.Feed{lobby, quiet, foreign} {
			subscribe(t, h, feed, Request{}, &testMember{limit: unlimited})
			log.append(feed, 1, ofBob)
		}
		log.append(lobby, 1, ofAnn)
		log.append(foreign, 1, ofAnn)
		log.append(lobby, 1, ofBob)
		synctest.Wait()
		log.erase(lobby, ofAnn)
		if got, want := recovered(t, h, lobby), fmt.Sprint(ofBob, " ", ofAnn, " ", ofBob); got != want {
			t.Fatalf("%s before anything is forgotten", got)
		}
		h.Forget(lobby.App, "ann")
		pass(2 * housekeeping)
		before := log.reads.Load()
		if got, want := recovered(t, h, lobby), fmt.Sprint(ofBob, " ", ofBob); got != want || log.reads.Load() == before {
			t.Errorf("recovered %s with %d reads", got, log.reads.Load()-before)
		}
		before = log.reads.Load()
		if recovered(t, h, quiet); log.reads.Load() != before {
			t.Error("a room without anything of the user was forgotten")
		}
		if recovered(t, h, foreign); log.reads.Load() != before {
			t.Error("a room of another application was forgotten")
		}
	})
}

func TestAReadThatWasUnderWayDoesNotRemindOfWhatIsForgotten(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		log.append(lobby, 1, ofAnn)
		log.append(lobby, 1, ofBob)
		subscribe(t, h, lobby, Request{}, &testMember{limit: unlimited})
		goOn := make(chan struct{})
		log.gate = func() { <-goOn }
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			subscribe(t, h, lobby, Request{Since: at(0)}, &testMember{limit: unlimited})
		}()
		synctest.Wait()
		h.Forget(lobby.App, "ann")
		pass(2 * housekeeping)
		close(goOn)
		<-reading
		log.erase(lobby, ofAnn)
		if got := recovered(t, h, lobby); got != ofBob {
			t.Errorf("recovered %s", got)
		}
	})
}

func TestWhatAReplicaThatWasBehindRemindedOfIsForgottenAgain(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		log.append(lobby, 1, ofAnn)
		log.append(lobby, 1, ofBob)
		subscribe(t, h, lobby, Request{}, &testMember{limit: unlimited})
		h.Forget(lobby.App, "ann")
		pass(2 * housekeeping)
		recovered(t, h, lobby) // which still finds it
		log.erase(lobby, ofAnn)
		pass(forgetAgain + time.Second)
		if got := recovered(t, h, lobby); got != ofBob {
			t.Errorf("recovered %s", got)
		}
		if left := h.forgetting.waiting(); left != 0 {
			t.Errorf("%d users are still to be forgotten", left)
		}
	})
}

func TestWhenTooManyAreToBeForgottenEverybodyIs(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		subscribe(t, h, lobby, Request{}, &testMember{limit: unlimited})
		log.append(lobby, 1, ofBob)
		synctest.Wait()
		for i := range 2 * maxForgotten {
			h.Forget("other", fmt.Sprint(i))
		}
		if waiting := h.forgetting.waiting(); waiting > maxForgotten+1 {
			t.Errorf("%d users wait", waiting)
		}
		pass(2 * housekeeping)
		if held := h.rings.total.Load(); held != 0 {
			t.Errorf("%d bytes are remembered", held)
		}
	})
}
