package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestLimitsOfApplicationsAreReadAgainWhenTheyChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "limits.json")
	limit := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limit(`{"default":{"rooms":1}}`)
	n := startTestNode(t, "--app-limits-file="+file)
	ann := chat.Actor{App: chat.DefaultApp, User: "ann", Client: "c"}
	create := func() error {
		_, err := n.chat.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:" + uuid.NewString()})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	var refused *chat.Error
	if err := create(); !errors.As(err, &refused) || refused.Kind != chat.Limit {
		t.Fatalf("the second room: %v", err)
	}
	limit(`{"default":{"rooms":2}}`)
	wait.For(t, 30*time.Second, "the new limits", func(context.Context) error { return create() })
	limit(`{"default":{"rooms":`)
	if err := create(); !errors.As(err, &refused) || refused.Kind != chat.Limit {
		t.Errorf("with a broken file: %v", err)
	}
}

func TestANodeWithoutTheLimitsThatItWasToldDoesNotStart(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "limits.json")
	if err := os.WriteFile(broken, []byte(`{"default":{"romms":1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, broken + ".not"} {
		o, err := parseOptions([]string{
			"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--data-dir=" + t.TempDir(), "--app-limits-file=" + file,
		}, environment(nil), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := startNode(t.Context(), o, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--app-limits-file") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
