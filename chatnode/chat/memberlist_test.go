package chat

import (
	"fmt"
	"slices"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestMembersComePageByPageAndNobodyIsMissing(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	var all []string
	for i := range 57 {
		all = append(all, fmt.Sprintf("u%02d", i))
	}
	made(t, s, "room:a", group, all...)
	must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"i1", "i2", "i3"}}))(t)
	got, q := []string{}, &chatv1.MembersRequest{Room: "room:a", Limit: 10}
	for pages := 0; ; pages++ {
		reply := must(s.Members(ctx, ann, q))(t)
		for _, m := range reply.GetMembers() {
			got = append(got, m.GetUser())
		}
		if pages == 2 { // who changes comes again at the end
			give(t, s, "room:a", got[1], asReader)
		}
		if q.Cursor = reply.GetCursor(); q.Cursor == "" {
			break
		}
	}
	if last := got[len(got)-1]; last != got[1] {
		t.Fatalf("%s changed last, %s comes last", got[1], last)
	}
	want := append(all, "ann")
	slices.Sort(want)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Fatalf("members are %v", got)
	}
	if got := names(t, s, ann, "room:a", invitedTo); len(got) != 3 {
		t.Fatalf("invited are %v", got)
	}
}

func TestHistoryBeginsWithJoiningWhereTheRoomSaysSo(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	must(s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: "room:a", History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED}))(t)
	say(t, s, ann, "room:a", "before")
	must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}, Add: true}))(t)
	say(t, s, ann, "room:a", "after")
	if got := history(t, s, bob, "room:a"); len(got) != 1 || got[0].GetText() != "after" {
		t.Fatalf("bob reads %v", got)
	}
	if got := history(t, s, ann, "room:a"); len(got) != 2 {
		t.Fatalf("ann reads %v", got)
	}
}
