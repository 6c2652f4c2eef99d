// Package chaos proves what the fleet promises while its parts die: nothing acknowledged is lost, nothing is shown twice, and everybody
// sees the same order.
//
// In go real NATS servers and chat nodes, which the tests kill, stop and start again, and clients that talk, read and reconnect; out
// come the clients' ledgers, and verdicts that are drawn from the ledgers alone.
//
// The size of TestChaosLosesNothing is set by CHAOS_ROUNDS, CHAOS_CLIENTS and CHAOS_ROOMS; CHAOS_FAULT chooses its faults by a part of
// their names, and CHAOS_REST is how long each sender rests between two messages. The slow readers of TestSlowReader don't read for
// CHAOS_PAUSE. `make chaos` sets the first three and the last. With CHAOS_RACE the nodes are built with the race detector.
package chaos
