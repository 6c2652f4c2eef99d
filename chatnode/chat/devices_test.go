package chat

import (
	"context"
	"fmt"
	"slices"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// What a user changes on one device reaches the others, also if the node that did it dies in the middle: then the repeated request tells it.
func TestDevicesAreToldOfEveryChangeOnceWhateverWriteANodeDiesAt(t *testing.T) {
	s, m, _ := mortals(t)
	bob := someone("bob")
	status := chatv1.Status_STATUS_AWAY
	changes := map[string]func(ctx context.Context, room string, at uint64) error{
		"mark": func(ctx context.Context, room string, at uint64) error {
			_, err := s.Read(ctx, bob, &chatv1.ReadRequest{Room: room, Offset: at})
			return err
		},
		"status": func(ctx context.Context, _ string, _ uint64) error {
			_, err := s.SetStatus(ctx, bob, &chatv1.SetStatusRequest{Status: status})
			return err
		},
		"block": func(ctx context.Context, room string, _ uint64) error {
			_, err := s.Block(ctx, bob, &chatv1.BlockRequest{User: room[len("room:"):]})
			return err
		},
	}
	for what, change := range changes {
		for number, died := 1, true; died; number++ {
			room := fmt.Sprintf("room:%s-%d", what, number)
			enter(t, s, room, "bob")
			at := say(t, s, ann, room, "hi")
			if status = chatv1.Status_STATUS_AWAY; number%2 == 0 {
				status = chatv1.Status_STATUS_ONLINE
			}
			ctx, cancel := context.WithCancel(t.Context())
			heal := m.arm(number, cancel)
			_ = change(ctx, room, at)
			died = heal()
			cancel()
			for range 2 {
				if err := change(t.Context(), room, at); err != nil {
					t.Fatalf("%s again after write %d: %v", what, number, err)
				}
			}
			if told := toldOf(t, s, what); len(told) != number {
				t.Errorf("after death at write %d of %s the devices have been told %v", number, what, told)
			}
		}
	}
	if told, want := toldOf(t, s, "status"), []string{"away", "online", "away"}; !slices.Equal(told, want) {
		t.Errorf("the devices are told %v, want %v", told, want)
	}
}

// toldOf is what bob's devices have been told of that type.
func toldOf(t *testing.T, s *Service, kind string) (told []string) {
	t.Helper()
	for _, e := range events(t, s, backbone.Feed{Kind: layout.User, App: DefaultApp, Name: "bob"}) {
		if e["type"] == kind {
			told = append(told, fmt.Sprint(e[map[string]string{"mark": "room", "status": "status", "block": "user"}[kind]]))
		}
	}
	return told
}
