package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

// Everything that a node keeps lies in its data folder: the log, the tables, the index, and what searching needs.
func TestNothingInTheDataFolderTellsOfAnErasedUser(t *testing.T) {
	const word = "xyzzyplugh"
	dir := t.TempDir()
	n := startTestNode(t, "--dev", "--messages-per-second=0", "--data-dir="+dir)
	ann, server := chat.Actor{App: chat.DefaultApp, User: "ann", Client: "c"}, chat.Actor{App: chat.DefaultApp, Server: true}
	bob := chat.Actor{App: chat.DefaultApp, User: "bob", Client: "d"}
	for i := range 50 {
		q := &chatv1.SendRequest{Id: fmt.Sprint("m", i), Room: "room:a", Text: proto.String(fmt.Sprint(word, " number ", i))}
		sent, err := n.chat.Send(t.Context(), ann, q)
		if err != nil {
			t.Fatal(err)
		}
		if i%5 > 0 {
			continue
		}
		edit := &chatv1.EditRequest{Id: fmt.Sprint("e", i), Room: "room:a", Offset: sent.GetOffset(), Text: proto.String(word + " edited")}
		if _, err := n.chat.Edit(t.Context(), ann, edit); err != nil {
			t.Fatal(err)
		}
	}
	found := func(ctx context.Context) (int, error) {
		reply, err := n.chat.Search(ctx, bob, &chatv1.SearchRequest{Query: word, Room: "room:a"})
		return len(reply.GetMessages()), err
	}
	wait.For(t, time.Minute, "the words to be found", func(ctx context.Context) error {
		count, err := found(ctx)
		if err == nil && count == 0 {
			err = errors.New("nothing is found")
		}
		return err
	})
	receipt, err := n.chat.EraseUser(t.Context(), server, &chatv1.EraseUserRequest{User: "ann"})
	if err != nil || receipt.GetMessages() != 50 {
		t.Fatalf("%v, %v", receipt, err)
	}
	start := time.Now()
	wait.For(t, time.Until(time.UnixMilli(receipt.GetGoneBy())), "the folder to be clean", func(ctx context.Context) error {
		switch count, err := found(ctx); {
		case err != nil:
			return err
		case count > 0:
			return fmt.Errorf("%d are found", count)
		}
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err == nil && bytes.Contains(content, []byte(word)) {
				err = fmt.Errorf("%s has it", path)
			}
			return err
		})
	})
	t.Logf("the folder was clean after %v", time.Since(start))
}
