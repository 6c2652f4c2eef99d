// Package crowd is users who talk, read and reconnect, and write down what they saw; for tests of whole fleets.
//
// In go the fleet as a function that connects a user; out come the users' ledgers, and verdicts that are drawn from the ledgers and the
// log alone: nothing acknowledged is lost, nothing is shown twice, and everybody sees the same order.
package crowd
