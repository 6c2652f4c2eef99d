package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	erasedWord = "xyzzyplugh"
	// The user who is erased has left that many messages in each of that many rooms.
	erasedRooms, erasedMessages = 4, 40
)

// backend is an application's server that calls the nodes.
type backend struct {
	*fleet
	key  string
	http *http.Client
}

func startBackend(t *testing.T) *backend {
	b := &backend{key: "chaos-0123456789abcdef0123456789abcdef", http: &http.Client{Timeout: patience}}
	keys := filepath.Join(t.TempDir(), "server-keys")
	if err := os.WriteFile(keys, []byte("default "+b.key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.fleet = startFleet(t, 1, "--server-keys-file", keys)
	t.Cleanup(b.http.CloseIdleConnections)
	return b
}

// of gives a client of a node that calls for a user, or for nobody.
func (b *backend) of(node *process.Chatnode, user string) chatv1connect.ChatServiceClient {
	return chatv1connect.NewChatServiceClient(b.http, node.URL(), connect.WithInterceptors(connect.UnaryInterceptorFunc(
		func(next connect.UnaryFunc) connect.UnaryFunc {
			return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
				r.Header().Set("Authorization", "Bearer "+b.key)
				if user != "" {
					r.Header().Set("Chatfleet-User", user)
				}
				return next(ctx, r)
			}
		})))
}

func (b *backend) say(user, room, id, text string) {
	b.t.Helper()
	if _, err := b.of(b.nodes[0], user).Send(b.t.Context(), &chatv1.SendRequest{Room: room, Id: id, Text: proto.String(text)}); err != nil {
		b.t.Fatalf("say in %s: %v", room, err)
	}
}

func erasedRoom(i int) string { return fmt.Sprint("room:erased-", i) }

// left counts what a node still shows of the erased user, and of bob, in all rooms.
func (b *backend) left(ctx context.Context, node *process.Chatnode) (ofAnn, ofBob int, err error) {
	for i := range erasedRooms {
		page, err := b.of(node, "bob").Messages(ctx, &chatv1.MessagesRequest{Room: erasedRoom(i), Limit: 2 * erasedMessages})
		if err != nil {
			return 0, 0, err
		}
		for _, m := range page.GetMessages() {
			switch {
			case strings.Contains(m.GetText(), erasedWord):
				ofAnn++
			case m.GetText() == "from bob":
				ofBob++
			}
		}
	}
	return ofAnn, ofBob, nil
}

// words counts how often the erased word stands on the disks of the log's servers.
func (b *backend) words() (count int, err error) {
	for _, server := range b.nats.Servers() {
		err = errors.Join(err, filepath.WalkDir(server.DataDir(), func(path string, d fs.DirEntry, err error) error {
			var content []byte
			if err == nil && !d.IsDir() {
				content, err = os.ReadFile(path)
			}
			count += bytes.Count(content, []byte(erasedWord))
			if errors.Is(err, fs.ErrNotExist) {
				return nil // the server took it away meanwhile
			}
			return err
		}))
	}
	return count, err
}

// eraseFault is what is killed in the middle of an erasure, and what comes back.
type eraseFault struct {
	name   string
	strike func(b *backend)
	// stays is how many messages may stay on the disk: a server that is killed may have written down that one is deleted, and not have
	// come to overwriting it; of each stream it overwrites one at a time.
	stays int
}

var eraseFaults = []eraseFault{
	{"a node for good", func(b *backend) { b.nodes[0].Kill() }, 0},
	{"all nodes", func(b *backend) {
		for _, node := range b.nodes {
			node.Kill()
		}
		b.nodes[1].Start()
	}, 0},
	{"the NATS server", func(b *backend) {
		b.nats.Server(0).Kill()
		b.nats.Server(0).Start()
	}, erasedRooms},
}

func TestChaosAnErasureGoesOnByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("kills real processes; make test runs it")
	}
	for _, fault := range eraseFaults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			b := startBackend(t)
			for i := range erasedRooms {
				for n := range erasedMessages {
					b.say("ann", erasedRoom(i), fmt.Sprint("a", n), fmt.Sprint(erasedWord, " ", n))
				}
				b.say("bob", erasedRoom(i), "b", "from bob")
			}
			if words, err := b.words(); err != nil || words < erasedRooms*erasedMessages {
				t.Fatalf("the words are %d times on the disk, %v", words, err)
			}
			receipt := b.eraseUntil(func() { fault.strike(b) })
			b.verifyErased(receipt, fault.stays)
		})
	}
}

// eraseUntil has ann erased by the first node, and strikes when that has begun. If the call outlives that, there is a receipt.
func (b *backend) eraseUntil(strike func()) *chatv1.EraseUserReply {
	b.t.Helper()
	erased := make(chan *chatv1.EraseUserReply, 1)
	go func() {
		receipt, err := b.of(b.nodes[0], "").EraseUser(b.t.Context(), &chatv1.EraseUserRequest{User: "ann"})
		b.t.Logf("the call that began it: %v, %v", receipt, err)
		if err != nil {
			receipt = nil
		}
		erased <- receipt
	}()
	wait.For(b.t, patience, "the erasure to begin", func(ctx context.Context) error {
		ofAnn, _, err := b.left(ctx, b.nodes[1])
		if err == nil && ofAnn == erasedRooms*erasedMessages {
			err = errors.New("nothing is erased")
		}
		return err
	})
	strike()
	select {
	case receipt := <-erased:
		return receipt
	case <-time.After(patience):
		b.t.Fatal("the call does not end")
		return nil
	}
}

// verifyErased waits until nothing of ann is left, without asking for it, and then for the disks, where that many messages may stay.
func (b *backend) verifyErased(receipt *chatv1.EraseUserReply, stays int) {
	t, node, start := b.t, b.nodes[1], time.Now()
	t.Helper()
	wait.For(t, patience, "the erasure to end by itself", func(ctx context.Context) error {
		ofAnn, ofBob, err := b.left(ctx, node)
		switch {
		case err != nil:
			return err
		case ofAnn > 0:
			return fmt.Errorf("%d messages are left", ofAnn)
		case ofBob != erasedRooms:
			t.Fatalf("%d messages of bob are left of %d", ofBob, erasedRooms)
		}
		return nil
	})
	t.Logf("the history was clean %v after the fault", time.Since(start))
	if receipt == nil {
		wait.For(t, patience, "the receipt", func(ctx context.Context) (err error) {
			receipt, err = b.of(node, "").EraseUser(ctx, &chatv1.EraseUserRequest{User: "ann"})
			return err
		})
	}
	if got, want := receipt.GetMessages(), uint32(erasedRooms*erasedMessages); got != want {
		t.Errorf("the receipt is of %d messages, want %d", got, want)
	}
	words := 0
	wait.For(t, time.Until(time.UnixMilli(receipt.GetGoneBy())), "the disks to be clean", func(context.Context) (err error) {
		if words, err = b.words(); err == nil && words > stays {
			err = fmt.Errorf("%d words are there", words)
		}
		return err
	})
	t.Logf("%d words were on the disks %v after the fault", words, time.Since(start))
}
