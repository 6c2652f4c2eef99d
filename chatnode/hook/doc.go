// Package hook tells the operator's own programs of what happens in rooms, and asks them before it happens.
//
// Events takes stored messages from a tap of the log and posts them to a webhook: after the fact, at least once, in order within a
// room, until the receiver takes them or they become dead letters. A Gate posts an event that is about to be stored, and says what the
// receiver's verdict is, or what stands in for one that doesn't come.
//
// Every request is signed; see Sign and Verify. README.md is the contract for receivers.
package hook
