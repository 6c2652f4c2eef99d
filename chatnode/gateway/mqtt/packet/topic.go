package packet

import (
	"math"
	"strings"
)

// ValidTopic says whether a message may be published there (section 4.7).
func ValidTopic(topic string) bool {
	return topic != "" && len(topic) <= math.MaxUint16 && !strings.ContainsAny(topic, "#+\x00")
}

// ValidFilter says whether a topic filter is one: wildcards take a whole level, and # only the last.
func ValidFilter(filter string) bool {
	if filter == "" || len(filter) > math.MaxUint16 {
		return false
	}
	for rest, more := filter, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if level == "#" && more || level != "#" && level != "+" && strings.ContainsAny(level, "#+\x00") {
			return false
		}
	}
	return true
}

// Match says whether a topic is one of a filter's.
func Match(filter, topic string) bool {
	for {
		want, filters, moreWanted := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		level, levels, more := strings.Cut(topic, "/")
		switch {
		case want != "+" && want != level:
			return false
		case !more:
			return !moreWanted || filters == "#" // # is the level above it too
		case !moreWanted:
			return false
		}
		filter, topic = filters, levels
	}
}
