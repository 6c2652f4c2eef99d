// Package pull plays clients of distributed-chat that are not ours. With curl, against a fleet of real chat nodes of which one is killed: what was
// answered is there. With wrk, on many connections at once: every answer is right, and every message is there once. (k6 could do that too, but is under the AGPL.)
package pull
