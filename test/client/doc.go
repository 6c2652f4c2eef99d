// Package client is a small client of the native protocol over WebSocket, for tests and load.
//
// In go an address, options with callbacks, and calls; out come answers, and publications in the order of their channel: recovered ones
// first, none twice as long as the server keeps its word (the client does not hide what it is told).
//
// A connection costs one goroutine and no buffer while it is idle, so that one process can hold tens of thousands.
package client
