package fanout

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func infoOf(user, client string) []byte {
	return fmt.Appendf(nil, `{"user":%q,"client":%q,"conn_info":{"name":"x"}}`, user, client)
}

// enter subscribes and starts somebody who is shown in the room.
func enter(t *testing.T, h *Hub, feed backbone.Feed, user, client string) *testMember {
	m := &testMember{limit: unlimited}
	subscribe(t, h, feed, Request{Info: infoOf(user, client), JoinLeave: true}, m)
	m.sub.Start()
	return m
}

func wantHere(t *testing.T, h *Hub, clients, users int) Here {
	t.Helper()
	here, err := h.Presence(context.Background(), lobby)
	if err != nil {
		t.Fatal(err)
	}
	if here.NumClients != clients || here.NumUsers != users {
		t.Errorf("%d clients of %d users are here, want %d of %d", here.NumClients, here.NumUsers, clients, users)
	}
	return here
}

func TestPresenceMergesTheNodes(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, a *Hub) {
		b := New(testNode{log, "b"}, Options{})
		defer b.Close()
		enter(t, a, lobby, "ann", "1")
		enter(t, a, lobby, "bob", "2")
		gone := enter(t, b, lobby, "ann", "3")
		subscribe(t, b, lobby, Request{}, &testMember{})
		wantHere(t, a, 2, 2) // b's summary is not written yet, our own view is live
		pass(time.Second)
		here := wantHere(t, a, 3, 2)
		if string(here.Clients["3"]) != string(infoOf("ann", "3")) || len(here.Clients) != 3 {
			t.Errorf("got %s", here.Clients)
		}
		wantHere(t, b, 3, 2)
		gone.sub.Close()
		pass(2 * time.Second)
		wantHere(t, a, 2, 2)
		if _, left := log.presence[lobby]["b"]; left {
			t.Error("the summary of a node that nobody is on is still there")
		}
	})
}

func TestSummaryIsWrittenOnlyWhenChangedAndOnceASecond(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		for i := range 50 {
			enter(t, h, lobby, "ann", fmt.Sprint(i))
			pass(100 * time.Millisecond)
		}
		if got := log.presenceWrites.Load(); got > 6 {
			t.Errorf("%d writes in 5 s", got)
		}
		pass(3 * time.Second)
		writes := log.presenceWrites.Load()
		enter(t, h, lobby, "bob", "back at once").sub.Close()
		pass(time.Minute)
		if got := log.presenceWrites.Load(); got != writes {
			t.Errorf("%d writes although nothing changed", got-writes)
		}
	})
}

func TestSummaryThatCanNotBeWrittenIsWrittenLater(t *testing.T) {
	inBubble(t, Options{Linger: time.Second}, func(t *testing.T, log *testLog, h *Hub) {
		m := enter(t, h, lobby, "ann", "1")
		pass(2 * time.Second)
		log.set(&log.failing, true)
		m.sub.Close()
		pass(time.Minute)
		log.set(&log.failing, false)
		pass(2 * time.Second)
		if len(log.presence[lobby]) > 0 {
			t.Error("the summary is still there")
		}
		pass(3 * time.Second)
		if h.Rooms() != 0 {
			t.Error("the room is still there")
		}
	})
}

func TestCloseWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newTestLog()
		h := New(testNode{log, "a"}, Options{})
		m := enter(t, h, lobby, "ann", "1")
		pass(2 * time.Second)
		m.sub.Close()
		h.Close()
		if len(log.presence[lobby]) > 0 {
			t.Error("the summary is still there")
		}
	})
}

func TestLargeRoomIsCountedBeyondItsList(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, a *Hub) {
		b := New(testNode{log, "b"}, Options{})
		defer b.Close()
		for i := range 3000 {
			m := &testMember{limit: unlimited}
			subscribe(t, a, lobby, Request{Info: infoOf(fmt.Sprint("user", i/2), fmt.Sprint(i))}, m)
		}
		pass(2 * time.Second)
		for _, h := range []*Hub{a, b} {
			if here := wantHere(t, h, 3000, 1500); len(here.Clients) != maxListed {
				t.Errorf("%d listed", len(here.Clients))
			}
		}
		if size := len(log.presence[lobby]["a"]); size > maxListedBytes+2000 {
			t.Errorf("summary of %d bytes", size)
		}
	})
}

func TestPersonalFeedsHaveNoPresence(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		feed := backbone.Feed{Kind: layout.User, App: "default", Name: "ann"}
		m := enter(t, h, feed, "ann", "1")
		pass(2 * time.Second)
		here, err := h.Presence(context.Background(), feed)
		if err != nil || here.NumClients != 0 || log.presenceWrites.Load() != 0 || len(m.lines()) > 0 {
			t.Errorf("got %+v, %v", here, err)
		}
	})
}

func TestJoinAndLeaveAreToldToThoseWhoAsk(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, a *Hub) {
		b := New(testNode{log, "b"}, Options{})
		defer b.Close()
		asks, asksNot := &testMember{limit: unlimited}, &testMember{limit: unlimited}
		subscribe(t, a, lobby, Request{JoinLeave: true}, asks)
		subscribe(t, a, lobby, Request{}, asksNot)
		asks.sub.Start()
		asksNot.sub.Start()
		held := &testMember{limit: unlimited}
		subscribe(t, b, lobby, Request{Info: infoOf("eve", "9")}, held)
		held.sub.Close()
		for _, client := range []string{"1", "2"} {
			m := enter(t, b, lobby, "ann", client)
			synctest.Wait()
			m.sub.Close()
			synctest.Wait()
		}
		want := []string{"J - " + string(infoOf("ann", "1")), "L - " + string(infoOf("ann", "1")), "J - " + string(infoOf("ann", "2")), "L - " + string(infoOf("ann", "2"))}
		if got := asks.lines(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
		if got := asksNot.lines(); len(got) > 0 {
			t.Errorf("got %q without asking", got)
		}
	})
}

// lateJoin is a node whose joins take their time.
type lateJoin struct {
	testNode
	meanwhile func()
}

func (n *lateJoin) Signal(feed backbone.Feed, data []byte) error {
	if data[0] == byte(join) {
		n.meanwhile()
	}
	return n.testNode.Signal(feed, data)
}

func TestTheLeaveOfAHastyMemberFollowsItsJoin(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, a *Hub) {
		asks, hasty := &testMember{limit: unlimited}, &testMember{limit: unlimited}
		subscribe(t, a, lobby, Request{JoinLeave: true}, asks)
		asks.sub.Start()
		b := New(&lateJoin{testNode{log, "b"}, func() { hasty.sub.Close() }}, Options{})
		defer b.Close()
		subscribe(t, b, lobby, Request{Info: infoOf("ann", "1")}, hasty)
		hasty.sub.Start()
		synctest.Wait()
		want := []string{"J - " + string(infoOf("ann", "1")), "L - " + string(infoOf("ann", "1"))}
		if got := asks.lines(); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestBrokenInfoIsRefused(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, _ *testLog, h *Hub) {
		for _, info := range []string{"", "null", "[]", `{"user":"ann"}`, `{"user":1,"client":"x"}`} {
			if _, _, err := h.Subscribe(context.Background(), lobby, Request{Info: []byte(info)}, &testMember{}); err == nil {
				t.Errorf("info %q was taken", info)
			}
		}
	})
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte(nil))
	for _, kind := range []signalKind{application, join, leave, 'x'} {
		f.Add(seal(kind, []byte(`{"typing":true}`)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if kind, payload, ok := unseal(data); ok && string(seal(kind, payload)) != string(data) {
			t.Errorf("%q came back as another signal", data)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"num_clients":2,"num_users":1,"clients":[{"user":"a","client":"1"},{"user":"a","client":"2"}]}`))
	f.Add([]byte(`{"num_clients":-5,"num_users":-1,"clients":[null,7]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var sum summary
		if json.Unmarshal(data, &sum) != nil {
			return
		}
		here := Here{Clients: map[string][]byte{}}
		here.merge(sum, map[string]struct{}{})
		if here.NumUsers < 0 || here.NumClients < len(here.Clients) {
			t.Errorf("%s gave %+v", data, here)
		}
	})
}

func FuzzClientInfo(f *testing.F) {
	f.Add(infoOf("ann", "1"))
	f.Add([]byte(`{"user":{},"client":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if who, err := parseInfo(data); err == nil && (who.Client == "" || !json.Valid(data)) {
			t.Errorf("%q was taken", strings.ToValidUTF8(string(data), "?"))
		}
	})
}
