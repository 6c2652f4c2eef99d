// Package pull plays a client of distributed-chat, curl, against a fleet of real chat nodes of which one is killed: what was answered is there.
package pull
