package chat

import (
	"fmt"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// withQuota gives a service whose application has those limits, and whose other applications have none.
func withQuota(t testing.TB, l AppLimits, nodes int) *Service {
	t.Helper()
	s, _ := startWith(t, Options{
		Limits: noLimits, ImplicitRooms: true, Nodes: func() int { return nodes },
		Quotas: func() Quotas { return Quotas{DefaultApp: l} },
	})
	return s
}

func TestAnApplicationHasNoMoreRoomsThanItMay(t *testing.T) {
	s := withQuota(t, AppLimits{Rooms: 3}, 1)
	create := func(room string) error {
		_, err := s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: room})
		return err
	}
	if err := create("room:1"); err != nil {
		t.Fatal(err)
	}
	enter(t, s, "room:2", "ann")
	say(t, s, ann, "dm:ann,bob", "hi")
	expect(t, Limit, create("room:4"))
	_, err := s.Join(t.Context(), ann, &chatv1.JoinRequest{Room: "room:5"})
	expect(t, Limit, err)
	text := "hi"
	_, err = s.Send(t.Context(), ann, &chatv1.SendRequest{Id: newID(), Room: "dm:ann,carl", Text: &text})
	expect(t, Limit, err)
	if err := create("room:1"); err != nil {
		t.Errorf("the room that is there: %v", err)
	}
	say(t, s, ann, "dm:ann,bob", "there already")
	other := Actor{App: "other", User: "ann", Client: "c"}
	for i := range 5 {
		if _, err := s.CreateRoom(t.Context(), other, &chatv1.CreateRoomRequest{Room: fmt.Sprint("room:", i)}); err != nil {
			t.Errorf("in another application: %v", err)
		}
	}
}

func TestARoomHasNoMoreMembersThanItsApplicationSays(t *testing.T) {
	s := withQuota(t, AppLimits{MembersPerRoom: 2}, 1)
	enter(t, s, "room:a", "ann", "bob")
	_, err := s.Join(t.Context(), someone("carl"), &chatv1.JoinRequest{Room: "room:a"})
	expect(t, Limit, err)
}

func TestAnApplicationSendsNoFasterThanItMayOverAllNodes(t *testing.T) {
	for nodes, burst := range map[int]int{1: 9, 4: 3} {
		s := withQuota(t, AppLimits{MessagesPerSecond: 4}, nodes)
		s.appRates.allow(DefaultApp, 4/float64(nodes)) // begins the rate
		took := 1
		for i := range 100 {
			_, err := s.Publish(someone(fmt.Sprint("user", i)), "room:a", []byte(`{"text":"x"}`)).Wait(t.Context())
			if err != nil {
				expect(t, TooMany, err)
				break
			}
			took++
		}
		if took < burst || took > burst+8 { // some more come free while they are sent
			t.Errorf("%d messages at once over %d nodes, and not %d", took, nodes, burst)
		}
		if _, err := s.Publish(Actor{App: "other", User: "ann"}, "room:a", []byte(`{"text":"x"}`)).Wait(t.Context()); err != nil {
			t.Errorf("in another application: %v", err)
		}
	}
}

func TestConnectionsAreSharedByTheNodes(t *testing.T) {
	for nodes, want := range map[int]int{0: 10, 1: 10, 3: 4, 20: 1} {
		s := withQuota(t, AppLimits{Connections: 10}, nodes)
		if got := s.Connections(DefaultApp); got != want || s.Connections("other") != 0 {
			t.Errorf("%d nodes have %d connections each", nodes, got)
		}
	}
}

func TestQuotasAreReadStrictly(t *testing.T) {
	q, err := ParseQuotas([]byte(`{"shop":{"rooms":1,"members_per_room":2,"messages_per_second":2.5,"connections":3},"*":{"rooms":9}}`))
	if err != nil || q.Of("shop") != (AppLimits{1, 2, 2.5, 3}) || q.Of("else") != (AppLimits{Rooms: 9}) {
		t.Fatalf("%v, %v", q, err)
	}
	for _, bad := range []string{``, `[]`, `{"a":{"room":1}}`, `{"a":{"rooms":-1}}`, `{"a":{"rooms":1.5}}`, `{"":{}}`, `{} {}`} {
		if q, err := ParseQuotas([]byte(bad)); err == nil {
			t.Errorf("%s gave %v", bad, q)
		}
	}
}

func FuzzParseQuotas(f *testing.F) {
	f.Add([]byte(`{"shop":{"rooms":1}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		q, err := ParseQuotas(content)
		if err != nil {
			return
		}
		for app, l := range q {
			if app == "" || l.Rooms < 0 || l.Connections < 0 || l.MembersPerRoom < 0 || l.MessagesPerSecond < 0 {
				t.Errorf("%q has %v", app, l)
			}
		}
	})
}
