package backbone

import (
	"context"
	"errors"
	options "flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// roomModel lets rapid decide what happens in a room, and to the owners of its shard.
type roomModel struct {
	*plainRoom
	t     *rapid.T
	owner *owner
	store *failingStore
	known remembered
}

// failingStore is the index's store, which takes nothing any more if it fails.
type failingStore struct {
	index.Store
	failing atomic.Bool
	// unread is a part of keys that can't be read, unwritten of such that can't be written.
	unread, unwritten string
}

var errFailing = errors.New("the store fails")

func (s *failingStore) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if s.unread != "" && strings.Contains(key, s.unread) {
		return nil, 0, errFailing
	}
	return s.Store.Get(ctx, key)
}

func (s *failingStore) Put(ctx context.Context, key string, value []byte) error {
	if s.failing.Load() || s.unwritten != "" && strings.Contains(key, s.unwritten) {
		return errFailing
	}
	return s.Store.Put(ctx, key, value)
}

func (s *failingStore) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if s.failing.Load() || s.unwritten != "" && strings.Contains(key, s.unwritten) {
		return 0, errFailing
	}
	return s.Store.Update(ctx, key, value, revision)
}

var modelUsers = []uint64{ann, bob, cid}

func (m *roomModel) anyone(what string) uint64 { return rapid.SampledFrom(modelUsers).Draw(m.t, what) }

func (m *roomModel) anybody() []uint64 {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(modelUsers), 0, 2, rapid.ID).Draw(m.t, "mentions")
}

// any is one of the newest messages, so that one is often hit twice; nil if there is none.
func (m *roomModel) any() *modelMessage {
	if len(m.messages) == 0 {
		m.t.Skip("no message")
	}
	back := rapid.IntRange(1, min(len(m.messages), rapid.SampledFrom([]int{3, 10, 1000}).Draw(m.t, "of the newest"))).Draw(m.t, "message")
	return m.messages[len(m.messages)-back]
}

func (m *roomModel) say() {
	sender, mentions, thread := m.anyone("sender"), m.anybody(), uint64(0)
	if len(m.messages) > 0 && rapid.Bool().Draw(m.t, "reply") {
		thread = m.any().offset
	}
	m.plainRoom.say(sender, thread, mentions...)
}

func (m *roomModel) edit()   { m.plainRoom.edit(m.any(), m.anybody()...) }
func (m *roomModel) remove() { m.plainRoom.remove(m.any()) }
func (m *roomModel) react()  { m.plainRoom.react(m.any(), m.anyone("sender")) }
func (m *roomModel) other()  { m.append(Note{}) }

// changeNothing concerns what is no message.
func (m *roomModel) changeNothing() {
	m.append(Note{Kind: rapid.SampledFrom([]NoteKind{NoteEdit, NoteDelete, NoteReaction}).Draw(m.t, "kind"), Target: m.last + 2})
}

// begin fills the front of the log, perhaps with messages that are edited and so erased before anything else happens.
func (m *roomModel) begin(t *testing.T) {
	for range rapid.IntRange(0, 3).Draw(m.t, "first messages") {
		m.plainRoom.say(m.anyone("sender"), 0, m.anybody()...)
	}
	for range min(len(m.messages), 1) * rapid.IntRange(0, 6).Draw(m.t, "first edits") {
		m.edit()
	}
	m.awaitErasures(t)
}

// fillUp appends more messages than a leaf of the index has.
func (m *roomModel) fillUp() {
	if len(m.messages) > 600 {
		m.t.Skip("enough of them")
	}
	var pending []*Pending
	for range 300 {
		m.count++
		text := fmt.Sprint(m.feed.Name, "-", m.count)
		d := Draft{ID: text, Sender: text, Data: []byte(text), Note: Note{Kind: NoteMessage, Sender: modelUsers[m.count%3]}}
		pending = append(pending, m.b.Enqueue(m.feed, d))
	}
	for _, p := range pending {
		r, err := p.Wait(context.Background())
		if err != nil {
			m.t.Fatalf("append: %+v %v", r, err)
		}
		m.last = max(m.last, r.Offset)
		m.kept = m.last
		m.messages = append(m.messages, &modelMessage{offset: r.Offset, words: r.Offset, sender: p.draft.Note.Sender, text: string(p.draft.Data)})
	}
	slices.SortFunc(m.messages, func(a, b *modelMessage) int { return int(int64(a.offset) - int64(b.offset)) })
}

// takeOver ends the owner and begins another one.
func (m *roomModel) takeOver() {
	m.owner.stop()
	<-m.owner.done
	m.store.failing.Store(false)
	l := m.owner.lease
	l.Term, l.Position = m.owner.lease.Term+1, m.owner.position()
	m.owner = m.b.startOwner(m.owner.shard, l)
}

// crash is a take-over without a last checkpoint.
func (m *roomModel) crash() {
	m.store.failing.Store(true)
	m.takeOver()
}

// forget loses the index, which is then built again from the log.
func (m *roomModel) forget() {
	m.owner.stop()
	<-m.owner.done
	stream, err := m.b.js.Stream(context.Background(), "KV_"+m.b.layout.Bucket(layout.Index))
	if err == nil {
		err = stream.Purge(context.Background())
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.takeOver()
}

// settle waits until the owner knows everything.
func (m *roomModel) settle() {
	if _, err := m.b.Unread(context.Background(), []UnreadQuestion{{Feed: m.feed}}); err != nil {
		m.t.Fatal(err)
	}
}

func (m *roomModel) save() {
	m.settle()
	if err := m.owner.index.Checkpoint(context.Background(), m.owner.ledger.settled(m.owner.read.at())); err != nil {
		m.t.Fatalf("checkpoint: %v", err)
	}
}

func (m *roomModel) readMessages() {
	q := MessagesQuery{Limit: rapid.SampledFrom([]int{1, 3, 50, 1000}).Draw(m.t, "limit")}
	if len(m.messages) > 0 {
		switch rapid.IntRange(0, 3).Draw(m.t, "where") {
		case 1:
			q.Before = m.any().offset + uint64(rapid.IntRange(0, 1).Draw(m.t, "more"))
		case 2:
			q.After = m.any().offset - uint64(rapid.IntRange(0, 1).Draw(m.t, "less"))
		case 3:
			q.Thread = m.any().offset
		}
	}
	var want []string
	for _, of := range m.messages {
		if of.offset > q.After && (q.Before == 0 || of.offset < q.Before) && (q.Thread == 0 || of.thread == q.Thread) {
			want = append(want, m.line(of))
		}
	}
	more := len(want) > q.Limit
	if more && q.After > 0 {
		want = want[:q.Limit]
	} else if more {
		want = want[len(want)-q.Limit:]
	}
	v, err := m.b.Messages(context.Background(), m.feed, q)
	if got := lines(v.Entries); err != nil || !slices.Equal(got, want) || v.More != more || v.Head.Offset < m.kept {
		m.t.Fatalf("%+v: %q, more %v, head %d of %d, %v; want %q", q, got, v.More, v.Head.Offset, m.last, err, want)
	}
}

func (m *roomModel) readOne() {
	of := m.any()
	e, ok, err := m.b.Entry(context.Background(), m.feed, of.offset)
	if err != nil || !ok || lines([]Entry{e})[0] != m.line(of) {
		m.t.Fatalf("%q %v %v, want %q", lines([]Entry{e}), ok, err, m.line(of))
	}
}

func (m *roomModel) readUnread() {
	q := UnreadQuestion{Feed: m.feed, User: m.anyone("user")}
	if len(m.messages) > 0 && rapid.Bool().Draw(m.t, "has read") {
		q.After = m.any().offset
	}
	want := m.unread(q)
	got, err := m.b.Unread(context.Background(), []UnreadQuestion{q, q})
	if err != nil || got[0] != got[1] {
		m.t.Fatalf("unread: %+v %v", got, err)
	}
	if got[0].LastTime = 0; got[0] != want {
		m.t.Fatalf("%+v: %+v, want %+v", q, got[0], want)
	}
}

// readLog checks that the log is whole for readers, and gives nothing that is void.
func (m *roomModel) readLog() {
	m.settle()
	page, err := m.b.After(context.Background(), m.feed, 0, 10_000)
	if err != nil || page.End < m.kept || page.End > m.last || page.Head.Offset < m.kept {
		m.t.Fatalf("read to %d, head %d, of %d: %v", page.End, page.Head.Offset, m.last, err)
	}
	for _, message := range page.Messages {
		if slices.Contains(m.void, message.Offset) {
			m.t.Fatalf("message %d is void and was given", message.Offset)
		}
	}
}

// TestCountsAndViewsAreThoseOfAPlainModelWhateverHappens lets owners change, crash and lose their index between messages, edits,
// deletions and reactions, and compares every answer with the plain model's. Each room has a log of its own: what stands first in it is
// the hardest, and a failure can be found again.
func TestCountsAndViewsAreThoseOfAPlainModelWhateverHappens(t *testing.T) {
	checkTimes(t, 15, func(rt *rapid.T) {
		b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
		defer func() { _ = b.Close() }() // again at the end of the test, which reports its error
		m := &roomModel{plainRoom: &plainRoom{b: b, feed: room("r")}, t: rt, store: &failingStore{Store: b.indexStore}}
		first := ended(t, b, b.layout.ShardOf(m.feed))
		b.indexStore = m.store
		l := first.lease
		l.Term++
		m.owner = b.startOwner(first.shard, l)
		defer func() { m.owner.stop(); <-m.owner.done }()
		actions := map[string]func(){
			"say": m.say, "say more": m.say, "edit": m.edit, "edit again": m.edit, "remove": m.remove, "react": m.react, "other": m.other,
			"change nothing": m.changeNothing, "fill up": m.fillUp, "take over": m.takeOver, "crash": m.crash, "forget": m.forget,
			"save": m.save, "read": m.readMessages, "read more": m.readMessages, "read one": m.readOne, "unread": m.readUnread,
			"unread more": m.readUnread, "recount": m.recount, "recount more": m.recount, "log": m.readLog,
			"erased": func() { m.awaitErasures(t) }, "trim": func() { m.settle(); trimAgain(t, b, m.owner) },
		}
		drawn := map[string]func(*rapid.T){}
		for name, action := range actions {
			drawn[name] = func(t *rapid.T) { m.t = t; action() }
		}
		m.begin(t)
		rt.Repeat(drawn)
		m.awaitErasures(t)
	})
}

// checkTimes is rapid.Check with fewer runs than usual, unless the command line says how many.
func checkTimes(t *testing.T, times int, prop func(*rapid.T)) {
	t.Helper()
	checks := options.Lookup("rapid.checks")
	if checks != nil && checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set(fmt.Sprint(times)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = checks.Value.Set(checks.DefValue) }()
	}
	rapid.Check(t, prop)
}
