package heimdallr

import (
	"strconv"
	"strings"
)

// roomOf reads the number of the room from a path: /7, /7/ and /7/anything are all room 7. Numbers are decimal, without a sign, and fit 31
// bits; 007 is 7.
func roomOf(path string) (room string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return "", false
	}
	digits, _, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(digits, "+") { // which ParseUint refuses today
		return "", false
	}
	number, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return "", false
	}
	return strconv.FormatUint(number, 10), true
}

// channelOf is the channel that a room's number stands for.
func channelOf(room string) string { return "room:" + room }
