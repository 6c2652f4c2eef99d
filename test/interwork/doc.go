// Package interwork has clients of all protocols on one chat node: what any of them says reaches the members on every other, once and in the one
// order of the room; each can do what the documentation says of its protocol; and none may do what chat's table of rights denies.
package interwork
