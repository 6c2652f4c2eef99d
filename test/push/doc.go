// Package push plays clients of cHaTTP, which are curl, against a fleet of real chat nodes one of which is killed. In go commands and polls; out
// comes what a client received, and judged is whether anything was lost, doubled or out of order.
package push
