package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// The reader's numbers; live-feed measurements chose them.
const (
	readBatch     = 1000
	readHeartbeat = 500 * time.Millisecond
	// aloneHeartbeat is that of a log inside this process, of which there is no network to lose anything.
	aloneHeartbeat = 2 * time.Second
	readExpiry     = 5 * time.Second
	// readSilence is how many heartbeats may be missing before the consumer is taken for gone.
	readSilence = 3
	// apiWait bounds one request to the JetStream API of a reader: after a leader loss it must try again soon.
	apiWait       = 700 * time.Millisecond
	readRetryWait = 150 * time.Millisecond
)

// stored is one message as a stream gives it.
type stored struct {
	key  string // the feed's key
	id   string // the message's stored id
	body *Message
}

// reader reads one stream in order by an ephemeral pull consumer of its own, which is made anew after any break. The library's
// ordered consumer waits up to ten seconds where this one waits 150 ms, and so stretched every loss of a leader.
type reader struct {
	nc     *nats.Conn
	stream string
	// heartbeat is how often the server shows that a consumer without messages is there.
	heartbeat time.Duration
	prefix    string // of the stored subjects
	inbox     string // prefix for the subjects that messages are delivered to
	// bare leaves the messages' data out.
	bare bool
	// opened is called with the stream's state before each (re)start; an error ends the reading.
	opened func(state streamState) error
	// deliver is called for each message in order.
	deliver func(s stored) error
	// caughtUp is called with a sequence up to which the stream has nothing left to deliver: its last messages may be erased.
	caughtUp func(last uint64)
}

// streamState is what the stream's leader says of it.
type streamState struct {
	First   uint64    `json:"first_seq"`
	Last    uint64    `json:"last_seq"`
	Created time.Time `json:"-"`
}

var errReaderBroken = errors.New("the consumer broke")

// run delivers every message from sequence next on, until ctx ends or a callback fails.
func (r *reader) run(ctx context.Context, next uint64) error {
	for ctx.Err() == nil {
		state, err := streamInfo(ctx, r.nc, r.stream)
		if err == nil {
			if err := r.opened(state); err != nil {
				return err
			}
			next, err = r.read(ctx, next, state.Last)
			if err != nil && !errors.Is(err, errReaderBroken) {
				return err
			}
		}
		if !sleep(ctx, readRetryWait) {
			break
		}
	}
	return ctx.Err()
}

// read makes a consumer and reads until it breaks. It returns the next sequence to read.
func (r *reader) read(ctx context.Context, next, last uint64) (uint64, error) {
	messages := make(chan *nats.Msg, 2*readBatch) // at most one batch is on its way, with what the server says of it
	inbox := r.inbox + "." + nats.NewInbox()[len("_INBOX."):]
	sub, err := r.nc.ChanSubscribe(inbox, messages)
	if err != nil {
		return next, errReaderBroken
	}
	defer func() { _ = sub.Unsubscribe() }()
	consumer, err := r.create(ctx, next)
	if err != nil {
		return next, errReaderBroken
	}
	defer r.remove(consumer)
	if next > last {
		r.caughtUp(last)
	}
	pull := puller{heartbeat: r.heartbeat, nc: r.nc, subject: "$JS.API.CONSUMER.MSG.NEXT." + r.stream + "." + consumer, inbox: inbox}
	silence := time.NewTimer(readSilence * r.heartbeat)
	defer silence.Stop()
	for delivered := uint64(0); ; {
		if err := pull.fill(); err != nil {
			return next, errReaderBroken
		}
		select {
		case <-ctx.Done():
			return next, ctx.Err()
		case <-silence.C:
			return next, errReaderBroken
		case m := <-messages:
			silence.Reset(readSilence * r.heartbeat)
			if m.Header.Get("Status") != "" {
				if !r.status(&pull, m.Header, delivered) {
					return next, errReaderBroken
				}
				continue
			}
			meta, ok := parseDelivery(m.Reply)
			if !ok || meta.consumerSeq != delivered+1 || meta.streamSeq < next {
				return next, errReaderBroken
			}
			delivered, next = meta.consumerSeq, meta.streamSeq+1
			pull.outstanding--
			if err := r.deliver(r.parse(m, meta)); err != nil {
				return next, err
			}
		}
	}
}

// status takes what the server says of the consumer, which has delivered so many messages to here; false means that it is of no more
// use.
func (r *reader) status(p *puller, h nats.Header, delivered uint64) bool {
	switch h.Get("Status") {
	case "100": // heartbeat
		at, ok := parseHeartbeat(h)
		if !ok || at.consumerSeq != delivered {
			return false // the last delivery is lost
		}
		r.caughtUp(at.streamSeq)
		return true
	case "404", "408": // no message within the time
		p.ended(h)
		return true
	default: // 409: consumer deleted, leadership change, server shutdown; 503: no responders
		return false
	}
}

func (r *reader) parse(m *nats.Msg, d delivery) stored {
	s := stored{key: strings.TrimPrefix(m.Subject, r.prefix), id: m.Header.Get(nats.MsgIdHdr)}
	s.body = &Message{Offset: d.streamSeq, Time: d.time / int64(time.Millisecond), Data: m.Data, Note: parseNote(m.Header.Get(noteHeader))}
	if info := m.Header.Get(infoHeader); info != "" {
		s.body.Info = []byte(info)
	}
	return s
}

// create makes the consumer, and gives its name. That nothing waits for it means little: it may live on a replica that is behind.
func (r *reader) create(ctx context.Context, next uint64) (name string, err error) {
	name = nats.NewInbox()[len("_INBOX."):]
	request, err := json.Marshal(map[string]any{
		"stream_name": r.stream,
		"config": map[string]any{
			"name": name, "deliver_policy": "by_start_sequence", "opt_start_seq": max(next, 1), "ack_policy": "none",
			"mem_storage": true, "num_replicas": 1, "inactive_threshold": 10 * time.Second, "max_waiting": 16, "replay_policy": "instant",
			"headers_only": r.bare,
		},
	})
	if err != nil {
		return "", err
	}
	return name, apiRequest(ctx, r.nc, "$JS.API.CONSUMER.CREATE."+r.stream+"."+name, request, nil)
}

// remove lets the server forget the consumer now, instead of after its inactive threshold.
func (r *reader) remove(consumer string) {
	_ = r.nc.Publish("$JS.API.CONSUMER.DELETE."+r.stream+"."+consumer, nil)
}

// puller keeps between half and a whole batch requested.
type puller struct {
	nc             *nats.Conn
	subject, inbox string
	heartbeat      time.Duration
	outstanding    int
	pulled         bool
}

func (p *puller) fill() error {
	if p.outstanding > readBatch/2 {
		return nil
	}
	want, heartbeat := readBatch-p.outstanding, p.heartbeat
	if !p.pulled {
		heartbeat = min(heartbeat, readHeartbeat) // the first one tells how far there is to read
	}
	p.pulled = true
	request := fmt.Appendf(nil, `{"batch":%d,"expires":%d,"idle_heartbeat":%d}`, want, readExpiry, heartbeat)
	p.outstanding += want
	return p.nc.PublishRequest(p.subject, p.inbox, request)
}

// ended takes the end of a pull.
func (p *puller) ended(h nats.Header) {
	pending, err := strconv.Atoi(h.Get("Nats-Pending-Messages"))
	if err != nil {
		pending = p.outstanding
	}
	p.outstanding = max(0, p.outstanding-pending)
}

// delivery is what the reply subject of a delivered message tells.
type delivery struct {
	streamSeq, consumerSeq uint64
	time                   int64 // ns
}

// parseDelivery reads $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>.…
// or the older form without domain and account.
func parseDelivery(reply string) (delivery, bool) {
	parts := strings.Split(reply, ".")
	at := 5
	if len(parts) >= 11 {
		at = 7
	}
	if len(parts) < 9 || parts[0] != "$JS" || parts[1] != "ACK" {
		return delivery{}, false
	}
	s, err1 := strconv.ParseUint(parts[at], 10, 64)
	c, err2 := strconv.ParseUint(parts[at+1], 10, 64)
	t, err3 := strconv.ParseInt(parts[at+2], 10, 64)
	return delivery{s, c, t}, err1 == nil && err2 == nil && err3 == nil
}

// parseHeartbeat reads how far the consumer is: what it has delivered, and up to which sequence it has looked at its replica of the
// stream.
func parseHeartbeat(h nats.Header) (delivery, bool) {
	s, err1 := strconv.ParseUint(h.Get("Nats-Last-Stream"), 10, 64)
	c, err2 := strconv.ParseUint(h.Get("Nats-Last-Consumer"), 10, 64)
	return delivery{streamSeq: s, consumerSeq: c}, err1 == nil && err2 == nil
}

// streamInfo asks the stream's leader for its state.
func streamInfo(ctx context.Context, nc *nats.Conn, stream string) (streamState, error) {
	var info struct {
		State   streamState `json:"state"`
		Created time.Time   `json:"created"`
	}
	if err := apiRequest(ctx, nc, "$JS.API.STREAM.INFO."+stream, nil, &info); err != nil {
		return streamState{}, err
	}
	info.State.Created = info.Created
	return info.State, nil
}

// apiError is a refusal by the JetStream API.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (%d)", e.Description, e.ErrCode) }

// apiRequest asks the JetStream API once, with a short deadline.
func apiRequest(ctx context.Context, nc *nats.Conn, subject string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, apiWait)
	defer cancel()
	return apiAsk(ctx, nc, subject, body, into)
}

// apiAsk asks the JetStream API once, for as long as the context allows.
func apiAsk(ctx context.Context, nc *nats.Conn, subject string, body []byte, into any) error {
	m, err := nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	var refused struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &refused); err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	if refused.Error != nil {
		return fmt.Errorf("%s: %w", subject, refused.Error)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(m.Data, into)
}

// sleep waits, and reports whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
