package bench

import (
	"sync"
	"testing"
)

// row is one line of the table.
type row struct {
	key   string // as a unit of Go's benchmark lines, and in the JSON
	title string
}

// rows are all lines, in their order. What each means stands in README.md.
var rows = []row{
	{"KB/user", "memory per idle connection of a signed-in user, KB"},
	{"KB/anonymous", "memory per idle connection without a user, KB"},
	{"waiting-µs/delivery", "CPU per delivery, messages waiting, µs"},
	{"waiting-deliveries/s", "deliveries a second, messages waiting"},
	{"steady-µs/delivery", "CPU per delivery, 20 messages/s, µs"},
	{"ack-p50-ms", "send → ack, p50, ms"},
	{"ack-p99-ms", "send → ack, p99, ms"},
	{"last-p50-ms", "send → last reader, p50, ms"},
	{"last-p99-ms", "send → last reader, p99, ms"},
	{"room-µs/message", "CPU per message in that room, µs"},
	{"messages/s", "acknowledged messages a second"},
	{"µs/message", "CPU per acknowledged message, µs"},
	{"device-p50-ms", "change → the user's other device, p50, ms"},
	{"device-p99-ms", "change → the user's other device, p99, ms"},
	{"device-changes/s", "changes a second then"},
	{"device-node-µs/change", "CPU of three chat nodes per change, µs"},
	{"device-nats-µs/change", "CPU of three NATS servers per change, µs"},
	{"device-append-p50-ms", "a bare append to three NATS servers, p50, ms"},
	{"device-append-p99-ms", "a bare append to three NATS servers, p99, ms"},
	{"device-nats-µs/append", "CPU of three NATS servers per append, µs"},
	{"heimdallr-10/1-mean-ms", "heimdallr, 10 members, 1 sends: mean, ms"},
	{"heimdallr-10/1-p50-ms", "the same, p50, ms"},
	{"heimdallr-10/1-p99-ms", "the same, p99, ms"},
	{"heimdallr-10/1-µs/delivery", "CPU per delivery then, µs"},
	{"heimdallr-100/5-mean-ms", "heimdallr, 100 members, 5 send: mean, ms"},
	{"heimdallr-100/5-p50-ms", "the same, p50, ms"},
	{"heimdallr-100/5-p99-ms", "the same, p99, ms"},
	{"heimdallr-100/5-µs/delivery", "CPU per delivery then, µs"},
	{"heimdallr-1000/10-mean-ms", "heimdallr, 1,000 members, 10 send: mean, ms"},
	{"heimdallr-1000/10-p50-ms", "the same, p50, ms"},
	{"heimdallr-1000/10-p99-ms", "the same, p99, ms"},
	{"heimdallr-1000/10-µs/delivery", "CPU per delivery then, µs"},
	{"heimdallr-1000/50-mean-ms", "heimdallr, 1,000 members, 50 send: mean, ms"},
	{"heimdallr-1000/50-p50-ms", "the same, p50, ms"},
	{"heimdallr-1000/50-p99-ms", "the same, p99, ms"},
	{"heimdallr-1000/50-µs/delivery", "CPU per delivery then, µs"},
	{"heimdallr-1000/100-mean-ms", "heimdallr, 1,000 members, 100 send: mean, ms"},
	{"heimdallr-1000/100-p50-ms", "the same, p50, ms"},
	{"heimdallr-1000/100-p99-ms", "the same, p99, ms"},
	{"heimdallr-1000/100-µs/delivery", "CPU per delivery then, µs"},
	{"pull-ping-µs", "distributed-chat, ping: CPU per request, µs"},
	{"pull-ping/s", "pings a second"},
	{"pull-20-send-µs", "send into a chat of 20: CPU per request, µs"},
	{"pull-20-send/s", "sends a second then"},
	{"pull-20-pull-µs", "pull its oldest 10: CPU per request, µs"},
	{"pull-20-pull/s", "pulls a second then"},
	{"pull-20-newest-µs", "pull its newest 10: CPU per request, µs"},
	{"pull-20-newest/s", "pulls a second then"},
	{"pull-200-send-µs", "send into a chat of 200: CPU per request, µs"},
	{"pull-200-send/s", "sends a second then"},
	{"pull-200-pull-µs", "pull its oldest 10: CPU per request, µs"},
	{"pull-200-pull/s", "pulls a second then"},
	{"pull-200-newest-µs", "pull its newest 10: CPU per request, µs"},
	{"pull-200-newest/s", "pulls a second then"},
	{"pull-2000-send-µs", "send into a chat of 2,000: CPU per request, µs"},
	{"pull-2000-send/s", "sends a second then"},
	{"pull-2000-pull-µs", "pull its oldest 10: CPU per request, µs"},
	{"pull-2000-pull/s", "pulls a second then"},
	{"pull-2000-newest-µs", "pull its newest 10: CPU per request, µs"},
	{"pull-2000-newest/s", "pulls a second then"},
	{"pull-20000-send-µs", "send into a chat of 20,000: CPU per request, µs"},
	{"pull-20000-send/s", "sends a second then"},
	{"pull-20000-pull-µs", "pull its oldest 10: CPU per request, µs"},
	{"pull-20000-pull/s", "pulls a second then"},
	{"pull-20000-newest-µs", "pull its newest 10: CPU per request, µs"},
	{"pull-20000-newest/s", "pulls a second then"},
	{"pull-20000-once-µs", "pull pages nobody pulled before: CPU, µs"},
	{"push-isonline/s", "cHaTTP, isonline: requests a second"},
	{"push-isonline-µs", "CPU per request then, µs"},
	{"push-saved/s", "cHaTTP, send to who is away: requests a second"},
	{"push-saved-µs", "CPU per request then, µs"},
	{"push-send/s", "cHaTTP, send to who polls: requests a second"},
	{"push-send-µs", "CPU per request then, µs"},
	{"comet-deliveries/s", "CometQL INSERT: deliveries a second, waiting"},
	{"comet-µs/delivery", "CometQL INSERT: CPU per delivery then, µs"},
	{"comet-ack-p50-ms", "CometQL INSERT → OK, 20 messages/s, p50, ms"},
	{"comet-ack-p99-ms", "CometQL INSERT → OK, 20 messages/s, p99, ms"},
	{"comet-answer-p50-ms", "the node's part: until OK is written, p50, ms"},
	{"comet-answer-p99-ms", "the node's part: until OK is written, p99, ms"},
	{"chat21-tcp-KB/user", "idle connection of chat21 over TCP, KB"},
	{"chat21-ws-KB/user", "idle connection of chat21 over WebSocket, KB"},
	{"chat21-direct-mean-ms", "chat21 direct message, 200/s, mean, ms"},
	{"chat21-direct-p99-ms", "chat21 direct message, 200/s, p99, ms"},
	{"chat21-group-mean-ms", "chat21 in a group of 20 → last, 200/s, mean, ms"},
	{"chat21-group-p99-ms", "chat21 in a group of 20 → last, 200/s, p99, ms"},
	{"idle-ms/s", "CPU of a server with nobody connected, ms/s"},
	{"start-ms", "start → ready, nothing stored, ms"},
	{"restart-ms", "start → ready, restarted, ms"},
}

// figures are what was measured, by row and system.
type figures struct {
	mu     sync.Mutex
	values map[string]map[string]float64
}

var measured = figures{values: map[string]map[string]float64{}}

// record keeps a figure for the table, and reports it as one of b's own.
func record(b *testing.B, system, key string, value float64) {
	b.Helper()
	b.ReportMetric(value, key)
	measured.mu.Lock()
	defer measured.mu.Unlock()
	if measured.values[key] == nil {
		measured.values[key] = map[string]float64{}
	}
	measured.values[key][system] = value
}
