// Package chatv1 is the vocabulary of chat: what is asked of a chat fleet and what it answers, generated from chat.proto. Backends speak it by
// the Connect handlers and clients in chatv1connect; openapi.json describes the same for everybody who speaks HTTP and JSON.
package chatv1

//go:generate go run -C ../../../hack/tools ./chatapi -root ../.. -file api/chat/v1/chat.proto
