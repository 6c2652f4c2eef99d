// Package sdk runs the npm package centrifuge, the native protocol's own
// JavaScript client, unchanged in Node against real chat nodes, on every
// transport and encoding that it offers. In go the addresses of the nodes, in
// CHATNODE_URLS; out comes what `node --test` says of each *.test.js here.
package sdk
