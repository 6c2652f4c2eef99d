// Package rpc tries the chat service on a real chatnode: every line of its documentation, by a real curl, and gRPC.
package rpc
