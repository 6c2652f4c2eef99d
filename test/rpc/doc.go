// Package rpc tries the chat service on a real chatnode: every line of its documentation, by a real curl; gRPC; and the whole table of who may call
// what, over the API and over the socket.
package rpc
