package bench

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Some members of a measured room send, the others only listen.
const (
	senderCount    = 32
	latencySenders = 10
)

// sizes are how much is measured. Each is a variable of the environment.
type sizes struct {
	Connections int `json:"connections"` // BENCH_CONNS: idle connections
	Members     int `json:"members"`     // BENCH_MEMBERS: of the room that is fanned out to
	Latency     int `json:"latency"`     // BENCH_LATENCY_MEMBERS: of the room whose latency is measured
	Rate        int `json:"rate"`        // BENCH_RATE: messages a second there
	Senders     int `json:"senders"`     // BENCH_SENDERS: closed-loop senders, each with a room of its own
	Seconds     int `json:"seconds"`     // BENCH_SECONDS: how long each measurement takes
	Users       int `json:"users"`       // BENCH_USERS: with two devices each
	Changes     int `json:"changes"`     // BENCH_CHANGES: a second, of all of them
	Text        int `json:"text"`        // BENCH_TEXT: bytes of a message's text
}

// size is how much is measured.
var size sizes

func readSizes() (sizes, error) {
	var s sizes
	for _, v := range []struct {
		name  string
		value *int
		usual int
		least int
	}{
		{"BENCH_CONNS", &s.Connections, 5000, 1},
		{"BENCH_MEMBERS", &s.Members, 1000, senderCount},
		{"BENCH_LATENCY_MEMBERS", &s.Latency, 100, latencySenders},
		{"BENCH_RATE", &s.Rate, 100, 1},
		{"BENCH_SENDERS", &s.Senders, 64, 1},
		{"BENCH_SECONDS", &s.Seconds, 5, 1},
		{"BENCH_USERS", &s.Users, 200, roomMembers},
		{"BENCH_CHANGES", &s.Changes, 1000, 1},
		{"BENCH_TEXT", &s.Text, 100, markBytes},
	} {
		*v.value = v.usual
		text, given := os.LookupEnv(v.name)
		if !given {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < v.least {
			return s, fmt.Errorf("%s is a number of at least %d, not %q", v.name, v.least, text)
		}
		*v.value = n
	}
	return s, nil
}

func (s sizes) duration() time.Duration { return time.Duration(s.Seconds) * time.Second }
