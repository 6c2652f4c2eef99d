package rpc

import (
	"mime"
	"net/http"
	"strings"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
)

// servicePath is what the paths of methods begin with.
const servicePath = "/" + chatv1connect.ChatServiceName + "/"

// methodNames are the methods that there are.
var methodNames = func() map[string]bool {
	names := map[string]bool{}
	methods := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	for i := range methods.Len() {
		names[string(methods.Get(i).Name())] = true
	}
	return names
}()

// methodOf gives the name of the method that is called at a path. Those that are not there have one name together.
func methodOf(path string) (name string, known bool) {
	if name = strings.TrimPrefix(path, servicePath); methodNames[name] {
		return name, true
	}
	return "unknown", false
}

// isCall says whether a request is one of a protocol that is spoken here.
func isCall(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Method != http.MethodPost {
		return false
	}
	protocol, _, _ := strings.Cut(kind, "+")
	switch protocol {
	case "application/json", "application/proto", "application/grpc", "application/grpc-web":
		return true
	}
	return false
}
