// Package heimdallr plays heimdallr's clients, which are plain WebSockets of the npm package ws, against a fleet of real chat nodes one of which
// ends. In go the addresses of the rooms; out comes what each client heard, and judged is whether anything was lost or out of order.
package heimdallr
