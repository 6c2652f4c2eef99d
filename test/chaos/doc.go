// Package chaos proves what the fleet promises while its parts die: nothing acknowledged is lost, nothing is shown twice, everybody sees the
// same order, counts are exact, and a user's devices show the same.
//
// In go real NATS servers and chat nodes, which the tests kill, stop and start again, and clients that talk, read and reconnect; out
// come the clients' ledgers, and verdicts that are drawn from the ledgers alone.
//
// The size of the tests TestChaos... is set by CHAOS_ROUNDS, and that of TestChaosLosesNothing by CHAOS_CLIENTS and CHAOS_ROOMS too;
// CHAOS_FAULT chooses faults by a part of their names, CHAOS_REST is how long each sender rests between two messages, and CHAOS_SEED
// repeats what users did at random. The slow readers of TestSlowReader don't read for CHAOS_PAUSE. `make chaos` sets the rounds, clients,
// rooms and the pause. With CHAOS_RACE the nodes are built with the race detector.
package chaos
