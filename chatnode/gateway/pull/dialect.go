package pull

import (
	"fmt"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Dialect is one of the ways in which servers of this interface differ. All have the same paths and fields.
type Dialect string

// The dialects.
const (
	// Default reads what every client of the others sends, and is right where they are not: cursors and send_time are microseconds, no two
	// messages of a chat have the same one, and what is refused has a status that says so.
	Default Dialect = "default"
	// DialectA is that of distributed-chat itself: a sent message is answered 201 ok, send_time is in seconds, and any chat and sender is taken.
	DialectA Dialect = "a"
	// DialectB is the most common other one: chats are pairs of names in lower case, cursors are ranks, and what is refused is answered 500.
	DialectB Dialect = "b"
	// DialectC takes its parameters from the query; chats are pairs of names as they are written.
	DialectC Dialect = "c"
)

// ParseDialect reads the name of a dialect.
func ParseDialect(name string) (Dialect, error) {
	if _, ok := manners[Dialect(name)]; !ok {
		return "", fmt.Errorf("the dialect is default, a, b or c, not %q", name)
	}
	return Dialect(name), nil
}

// manner is what a dialect does.
type manner struct {
	// server is the header Server, sent the status of a stored message and okay its body.
	server string
	sent   int
	okay   string
	// lower says that names mean the same in any letter case, and loose that chats which are no pairs, and senders who aren't in theirs, are taken.
	lower, loose bool
	// by is what a cursor is, seconds that send_time is one of seconds.
	by      backbone.SeekBy
	seconds bool
	// span reads what is asked for from a request.
	span func(*request) span
	// remote says that failures look like those of a server behind the server.
	remote bool
}

var manners = map[Dialect]*manner{
	Default:  {sent: 200, lower: true, by: backbone.SeekTime, span: byTime},
	DialectA: {sent: 201, okay: "ok", server: "hertz", loose: true, by: backbone.SeekTime, seconds: true, span: bySeconds, remote: true},
	DialectB: {sent: 200, server: "hertz", lower: true, by: backbone.SeekRank, span: byRank, remote: true},
	DialectC: {sent: 200, by: backbone.SeekTime, span: byTime},
}

// Bounds of an answer.
const (
	usualLimit = 10
	mostLimit  = 1000
	// pageBytes is about how much the messages of one answer take, though there is at least one.
	pageBytes = 1 << 20
)

// span is a part of a chat.
type span struct {
	// by says what from is: a time in microseconds since 1970, or a rank. The span begins with the message that has it, or the next one.
	by   backbone.SeekBy
	from int64
	// back is from there to older messages instead of to newer ones. Then a rank counts from the newest message, and a time of 0 is the end.
	back  bool
	limit int
}

func limited(limit int32) int {
	if limit <= 0 {
		return usualLimit
	}
	return min(int(limit), mostLimit)
}

func byTime(r *request) span {
	return span{by: backbone.SeekTime, from: max(r.Cursor, 0), back: r.Reverse, limit: limited(r.Limit)}
}

func byRank(r *request) span {
	return span{by: backbone.SeekRank, from: max(r.Cursor, 0), back: r.Reverse, limit: limited(r.Limit)}
}

// secondsEnd is what a cursor in seconds is less than, and one in microseconds greater: the year 5138, and one day in 1970.
const secondsEnd = 100_000_000_000

// bySeconds: an answer in reverse is the same page, turned round. Everything is given if the limit or the cursor is negative.
func bySeconds(r *request) span {
	from := max(r.Cursor, 0)
	if from < secondsEnd {
		from *= 1_000_000
	}
	if r.everything() {
		return span{by: backbone.SeekTime, from: from, limit: mostLimit}
	}
	return span{by: backbone.SeekTime, from: from, limit: min(max(int(r.Limit), 1), mostLimit)}
}

// everything says that a request of dialect A asks for no page.
func (r *request) everything() bool { return r.Limit < 0 || r.Cursor < 0 }

// pair splits the name of a chat into its two members; ok is false if it hasn't two.
func pair(chat string) (one, two string, ok bool) {
	one, two, ok = strings.Cut(chat, ":")
	return one, two, ok && one != "" && two != "" && !strings.Contains(two, ":")
}
