// Package bench measures whole servers from outside: chatnode with its embedded
// log, socket.io on Node as the peer that everybody knows, and floor, which does
// the least that a chat server can do. Each runs as a process of its own; this
// package is the load, the same for all of them, and reads their CPU time and
// memory from /proc.
//
// In go sizes from BENCH_ variables; out come Go benchmark lines, one table that
// sets the systems side by side, and the same figures as JSON. Nothing is
// asserted about times: what fails is a wrong answer or a lost message.
//
// The load doesn't use package client, but for that of BenchmarkDevices: at a
// million deliveries a second decoding would take more of the machine than the
// server under test.
package bench
