// Package rpc runs what the documentation of the chat service for backends shows: every line of it on a real chatnode, by a real curl.
package rpc
