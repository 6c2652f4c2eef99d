package rpc

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/test/process"
)

// withHeaders puts headers into every request of a client: name, value, ...
func withHeaders(headers ...string) connect.ClientOption {
	return connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			for i := 0; i < len(headers); i += 2 {
				r.Header().Set(headers[i], headers[i+1])
			}
			return next(ctx, r)
		}
	}))
}

func TestANodeSpeaksGRPCWithoutTLS(t *testing.T) {
	key := "grpc-0123456789abcdef0123456789abcdef"
	keys := filepath.Join(t.TempDir(), "server-keys")
	if err := os.WriteFile(keys, []byte("shop "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev", "--server-keys-file", keys}})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	client := chatv1connect.NewChatServiceClient(&http.Client{Transport: transport}, node.URL(), connect.WithGRPC(),
		withHeaders("Authorization", "Bearer "+key, "Chatfleet-User", "ann"))

	if _, err := client.CreateRoom(t.Context(), &chatv1.CreateRoomRequest{Room: "room:a"}); err != nil {
		t.Fatal(err)
	}
	sent, err := client.Send(t.Context(), &chatv1.SendRequest{Id: "1", Room: "room:a", Text: proto.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.Send(t.Context(), &chatv1.SendRequest{Id: "1", Room: "room:a", Text: proto.String("hello")})
	if err != nil || !proto.Equal(again, sent) {
		t.Errorf("a retry is answered %v, %v; want %v", again, err, sent)
	}
	reply, err := client.Messages(t.Context(), &chatv1.MessagesRequest{Room: "room:a"})
	if err != nil || len(reply.GetMessages()) != 1 || reply.GetMessages()[0].GetText() != "hello" || reply.GetMessages()[0].GetSender() != "ann" {
		t.Errorf("the room has %v, %v", reply.GetMessages(), err)
	}
	_, err = client.Announce(t.Context(), &chatv1.AnnounceRequest{Id: "1", Text: "for servers"})
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a user announces: %v", err)
	}
}
