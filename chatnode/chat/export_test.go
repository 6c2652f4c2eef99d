package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// exported is all pages of an export in one.
func exported(t testing.TB, s *Service, a Actor, user string) (all *chatv1.ExportUserReply, pages int) {
	t.Helper()
	all = &chatv1.ExportUserReply{}
	for cursor := ""; ; pages++ {
		page := must(s.ExportUser(t.Context(), a, &chatv1.ExportUserRequest{User: user, Cursor: cursor}))(t)
		all.Rooms = append(all.Rooms, page.GetRooms()...)
		all.Messages = append(all.Messages, page.GetMessages()...)
		all.Blocks = append(all.Blocks, page.GetBlocks()...)
		if page.GetPresence() != nil {
			all.Presence = page.GetPresence()
		}
		if cursor = page.GetCursor(); cursor == "" {
			return all, pages + 1
		}
	}
}

func TestAnExportHasEverythingOfTheUserAndNothingOfOthers(t *testing.T) {
	s, _ := start(t, noLimits, "open*")
	want := lifeOfAnn(t, s)
	enter(t, s, "room:left", "ann") // who has come back
	must(s.Leave(t.Context(), someone("bob"), &chatv1.LeaveRequest{Room: "room:left"}))(t)
	must(s.SetStatus(t.Context(), ann, &chatv1.SetStatusRequest{Status: chatv1.Status_STATUS_AWAY}))(t)
	for _, a := range []Actor{theServer, ann} {
		all, _ := exported(t, s, a, "ann")
		offsets := map[string]bool{}
		for _, m := range all.GetMessages() {
			place := fmt.Sprint(m.GetRoom(), m.GetOffset())
			if m.GetSender() != "ann" || !strings.Contains(m.GetText(), secretWord) || offsets[place] {
				t.Errorf("message %v", m)
			}
			offsets[place] = true
		}
		if len(offsets) != want {
			t.Errorf("%d messages of %d", len(offsets), want)
		}
		var rooms []string
		for _, r := range all.GetRooms() {
			rooms = append(rooms, r.GetRoom().GetRoom())
			if r.GetRoom().GetRoom() == "room:his" && r.GetMarks().GetRead() != 10 {
				t.Errorf("marks %v", r.GetMarks())
			}
		}
		slices.Sort(rooms)
		if want := []string{"dm:ann,bob", "room:hers", "room:his", "room:left"}; !slices.Equal(rooms, want) {
			t.Errorf("rooms %q", rooms)
		}
		if got := all.GetPresence(); got.GetUser() != "ann" || got.GetStatus() != chatv1.Status_STATUS_AWAY {
			t.Errorf("presence %v", got)
		}
		if !slices.Equal(all.GetBlocks(), []string{"carl"}) {
			t.Errorf("blocks %q", all.GetBlocks())
		}
	}
	his, _ := exported(t, s, theServer, "bob")
	if len(his.GetMessages()) != 5 {
		t.Errorf("%d messages of bob", len(his.GetMessages()))
	}
	nobody, pages := exported(t, s, theServer, "nobody")
	if pages != 1 || len(nobody.GetMessages())+len(nobody.GetRooms())+len(nobody.GetBlocks()) > 0 {
		t.Errorf("of nobody there is %v", nobody)
	}
}

func TestAnExportComesInBoundedPages(t *testing.T) {
	s, _ := start(t, noLimits)
	const n = 1500
	var sendings []*Sending
	for i := range n {
		a := ann
		if i%3 > 0 {
			a = someone("bob")
		}
		if sendings = append(sendings, s.Publish(a, "room:a", []byte(`{"text":"x"}`))); len(sendings) < 100 {
			continue
		}
		for _, p := range sendings {
			must(p.Wait(t.Context()))(t)
		}
		sendings = nil
	}
	all, pages := exported(t, s, ann, "")
	if len(all.GetMessages()) != n/3 || pages < 2 {
		t.Fatalf("%d messages on %d pages", len(all.GetMessages()), pages)
	}
	_, err := s.ExportUser(t.Context(), ann, &chatv1.ExportUserRequest{User: "bob"})
	expect(t, Denied, err)
	_, err = s.ExportUser(t.Context(), ann, &chatv1.ExportUserRequest{Cursor: "what?"})
	expect(t, Invalid, err)
}
