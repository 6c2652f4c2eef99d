// Package interwork has clients of all protocols meet on one chat node: what any of them says reaches the members on every other, once and in
// the one order of the room.
package interwork
