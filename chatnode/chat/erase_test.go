package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

// secretWord is in everything that the user says who is erased, and in nothing else.
const secretWord = "xyzzy"

// startIn gives a service on an embedded log in a directory.
func startIn(t testing.TB, dir string, o Options) (*Service, *backbone.Backbone) {
	t.Helper()
	b, err := backbone.Open(t.Context(), backbone.Options{
		DataDir: dir, Prefix: "test", Shards: 1, Create: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if o.Log == nil {
		o.Log = b
	}
	if weak, ok := o.Log.(*weakLog); ok {
		weak.Log = b
	}
	o.Tables, o.Signals, o.ImplicitRooms, o.OpenChannels = b, b, true, []string{"open*"}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, b
}

// weakLog fails after some erasures and appends.
type weakLog struct {
	Log
	left atomic.Int64
}

var errWeak = errors.New("the log is tired")

func (w *weakLog) Erase(ctx context.Context, feed backbone.Feed, offset uint64) error {
	if w.left.Add(-1) < 0 {
		return fmt.Errorf("%w: %w", errWeak, backbone.ErrUnavailable)
	}
	return w.Log.Erase(ctx, feed, offset)
}

// lifeOfAnn makes a life: of ann, who is to be erased, and bob, who is not. It gives how many messages of hers there are.
func lifeOfAnn(t testing.TB, s *Service) int {
	t.Helper()
	bob := someone("bob")
	messages := 0
	tell := func(room, text string) uint64 {
		messages++
		return say(t, s, ann, room, secretWord+" "+text)
	}
	must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:hers", Members: []string{"bob"}}))(t)
	must(s.CreateRoom(t.Context(), bob, &chatv1.CreateRoomRequest{Room: "room:his", Members: []string{"ann"}}))(t)
	enter(t, s, "room:left", "ann", "bob")
	for _, room := range []string{"room:hers", "room:his", "room:left", "room:guest", "dm:ann,bob"} {
		first := tell(room, "first")
		for i := range 20 {
			tell(room, fmt.Sprint(i))
		}
		his := say(t, s, bob, room, "from bob", "ann")
		must(s.Edit(t.Context(), ann, &chatv1.EditRequest{Room: room, Offset: first, Id: newID(), Text: proto.String(secretWord + " edited")}))(t)
		must(s.React(t.Context(), ann, &chatv1.ReactRequest{Room: room, Offset: his, Id: newID(), Reaction: secretWord}))(t)
		must(s.React(t.Context(), bob, &chatv1.ReactRequest{Room: room, Offset: his, Id: newID(), Reaction: "+1"}))(t)
		must(s.React(t.Context(), bob, &chatv1.ReactRequest{Room: room, Offset: first, Id: newID(), Reaction: "+1"}))(t)
		gone := tell(room, "deleted")
		messages--
		must(s.Delete(t.Context(), ann, &chatv1.DeleteRequest{Room: room, Offset: gone, Id: newID()}))(t)
	}
	must(s.Leave(t.Context(), ann, &chatv1.LeaveRequest{Room: "room:left"}))(t)
	must(s.Publish(ann, "open", []byte(`{"a":"`+secretWord+`"}`)).Wait(t.Context()))(t)
	must(s.Publish(bob, "open", []byte(`{"a":"from bob"}`)).Wait(t.Context()))(t)
	must(s.Block(t.Context(), ann, &chatv1.BlockRequest{User: "carl"}))(t)
	must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "room:his", Offset: 10}))(t)
	return messages
}

// whatIsLeft says what is wrong after the erasure of ann.
func whatIsLeft(t testing.TB, s *Service, b *backbone.Backbone) error {
	t.Helper()
	for _, room := range []string{"room:hers", "room:his", "room:left", "room:guest", "dm:ann,bob", "open"} {
		feed := testFeed(room)
		page := must(b.After(t.Context(), feed, 0, 1000))(t)
		for _, m := range page.Messages {
			if bytes.Contains(m.Data, []byte(secretWord)) {
				return fmt.Errorf("in the log of %s: %s", room, m.Data)
			}
		}
		if room == "open" {
			if len(page.Messages) != 1 {
				return fmt.Errorf("%d messages in the open channel", len(page.Messages))
			}
			continue
		}
		alive := 0
		for _, m := range history(t, s, theServer, room) {
			switch {
			case m.GetDeleted():
			case m.GetSender() != "bob" || len(m.GetReactions()) != 1 || m.GetReactions()[0].GetReaction() != "+1":
				return fmt.Errorf("in the history of %s: %v", room, m)
			default:
				alive++
			}
		}
		if alive != 1 {
			return fmt.Errorf("%d messages are left in %s", alive, room)
		}
		for _, table := range []string{layout.Members, layout.Inbox} {
			for _, key := range []string{memberKey(feed, "ann"), inboxKey(feed, "ann"), trailKey(feed, "ann")} {
				if row := must(b.Get(t.Context(), table, key))(t); row.Revision > 0 {
					return fmt.Errorf("%s has %s of %s", table, row.Data, room)
				}
			}
		}
	}
	personal := backbone.Feed{Kind: layout.User, App: DefaultApp, Name: "ann"}
	if page := must(b.After(t.Context(), personal, 0, 100))(t); len(page.Messages) > 0 {
		return fmt.Errorf("the personal feed has %d events", len(page.Messages))
	}
	if row := must(b.Get(t.Context(), layout.People, personKey(DefaultApp, "ann")))(t); row.Revision > 0 {
		return fmt.Errorf("the person is left: %s", row.Data)
	}
	room := must(s.GetRoom(t.Context(), theServer, &chatv1.GetRoomRequest{Room: "room:hers"}))(t)
	if room.GetCreatedBy() != "" || room.GetMembers() != 1 {
		return fmt.Errorf("the room is %v", room)
	}
	for _, r := range must(s.Rooms(t.Context(), someone("bob"), &chatv1.RoomsRequest{}))(t).GetRooms() {
		if r.GetMarks().GetUnread() != 0 {
			return fmt.Errorf("bob has unread %v", r)
		}
	}
	return nil
}

// filesWith lists the files below a directory in which a word stands.
func filesWith(t testing.TB, dir, word string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		var content []byte
		if err == nil && !d.IsDir() {
			content, err = os.ReadFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server took it away meanwhile
		}
		if bytes.Contains(content, []byte(word)) {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNothingOfAnErasedUserIsLeftAnywhere(t *testing.T) {
	dir := t.TempDir()
	s, b := startIn(t, dir, Options{Limits: noLimits, Linger: func() time.Duration { return time.Minute }})
	want := lifeOfAnn(t, s)
	if len(filesWith(t, dir, secretWord)) == 0 {
		t.Fatal("the words are not on the disk at all")
	}
	start := time.Now()
	receipt := must(s.EraseUser(t.Context(), theServer, &chatv1.EraseUserRequest{User: "ann"}))(t)
	t.Logf("erased %v in %v", receipt, time.Since(start))
	if int(receipt.GetMessages()) != want || receipt.GetRooms() != 6 || receipt.GetGoneBy() < time.Now().UnixMilli() {
		t.Errorf("the receipt is %v, and there were %d messages", receipt, want)
	}
	if err := whatIsLeft(t, s, b); err != nil {
		t.Fatal(err)
	}
	wait.For(t, time.Minute, "the disk to be clean", func(context.Context) error {
		if files := filesWith(t, dir, secretWord); len(files) > 0 {
			return fmt.Errorf("in %q", files)
		}
		return nil
	})
	if err := s.Admit(DefaultApp, "ann", time.Now().Add(-time.Minute)); !errors.Is(err, ErrRevoked) {
		t.Errorf("old tokens: %v", err)
	}
	again := must(s.EraseUser(t.Context(), theServer, &chatv1.EraseUserRequest{User: "ann"}))(t)
	if again.GetMessages() != 0 || again.GetRooms() != 0 {
		t.Errorf("a second time there was %v", again)
	}
}

func TestAnErasureThatWasInterruptedGoesOn(t *testing.T) {
	weak := &weakLog{}
	weak.left.Store(1 << 60)
	s, b := startIn(t, t.TempDir(), Options{Limits: noLimits, Log: weak})
	want := lifeOfAnn(t, s)
	q := &chatv1.EraseUserRequest{User: "ann"}
	calls, receipt := 0, (*chatv1.EraseUserReply)(nil)
	for receipt == nil {
		weak.left.Store(7)
		r, err := s.EraseUser(t.Context(), theServer, q)
		if calls++; err != nil {
			expect(t, Unavailable, err)
		} else {
			receipt = r
		}
	}
	if calls < 5 {
		t.Fatalf("done after %d calls", calls)
	}
	t.Logf("done after %d calls: %v", calls, receipt)
	if int(receipt.GetMessages()) != want || receipt.GetRooms() != 6 {
		t.Errorf("all calls together erased %v, and there were %d messages", receipt, want)
	}
	if err := whatIsLeft(t, s, b); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyServersErase(t *testing.T) {
	s, _ := start(t, noLimits)
	_, err := s.EraseUser(t.Context(), ann, &chatv1.EraseUserRequest{User: "ann"})
	expect(t, Denied, err)
	_, err = s.EraseUser(t.Context(), theServer, &chatv1.EraseUserRequest{})
	expect(t, Invalid, err)
}
