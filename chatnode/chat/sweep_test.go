package chat

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// hindrance is asked before rows are read or written, and may make that fail or wait.
type hindrance func(ctx context.Context, op, table, key string) error

// hindered tables ask a hindrance first. Options.Tables may be one without tables, which startWith puts in.
type hindered struct {
	Tables
	ask atomic.Pointer[hindrance]
}

// hinder sets the hindrance; nil: none.
func (h *hindered) hinder(by hindrance) { h.ask.Store(&by) }

func (h *hindered) hindered(ctx context.Context, op, table, key string) error {
	if by := h.ask.Load(); by != nil && *by != nil {
		return (*by)(ctx, op, table, key)
	}
	return nil
}

func (h *hindered) Get(ctx context.Context, table, key string) (backbone.Row, error) {
	if err := h.hindered(ctx, "get", table, key); err != nil {
		return backbone.Row{}, err
	}
	return h.Tables.Get(ctx, table, key)
}

func (h *hindered) Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error) {
	if err := h.hindered(ctx, "put", table, key); err != nil {
		return 0, err
	}
	return h.Tables.Put(ctx, table, key, data, expected)
}

func (h *hindered) Remove(ctx context.Context, table, key string, expected uint64) error {
	if err := h.hindered(ctx, "remove", table, key); err != nil {
		return err
	}
	return h.Tables.Remove(ctx, table, key, expected)
}

func (h *hindered) Count(ctx context.Context, table, prefix string) (int, error) {
	if err := h.hindered(ctx, "count", table, prefix); err != nil {
		return 0, err
	}
	return h.Tables.Count(ctx, table, prefix)
}

// refusing fails at that operation on those rows.
func refusing(op, table string, keys ...string) hindrance {
	return func(_ context.Context, o, t, key string) error {
		if o == op && t == table && slices.Contains(keys, key) {
			return fmt.Errorf("%s of %s can't be had", key, table)
		}
		return nil
	}
}

// sweptWorld is a service with rows to mend.
type sweptWorld struct {
	testing.TB
	*Service
	clock
	tables *hindered
}

func startSwept(t *testing.T) *sweptWorld {
	t.Helper()
	w := &sweptWorld{TB: t, tables: &hindered{}}
	w.Service, _ = startWith(t, w.options(Options{Limits: noLimits, ImplicitRooms: true, Tables: w.tables, Registerer: prometheus.NewPedanticRegistry()}))
	return w
}

func (w *sweptWorld) options(o Options) Options { return w.clock.options(o) }

// unlist takes a room from the lists of users, which the sweeper will notice.
func (w *sweptWorld) unlist(room string, users ...string) {
	w.Helper()
	for _, user := range users {
		if err := removeRow(w.Context(), w.tables, layout.Inbox, inboxKey(testFeed(room), user)); err != nil {
			w.Fatal(err)
		}
	}
}

// missing are those of the users who don't have the room on their lists.
func (w *sweptWorld) missing(room string, users ...string) (without []string) {
	w.Helper()
	for _, user := range users {
		row, err := w.tables.Tables.Get(w.Context(), layout.Inbox, inboxKey(testFeed(room), user))
		if err != nil {
			w.Fatal(err)
		}
		if row.Revision == 0 {
			without = append(without, user)
		}
	}
	return without
}

// round does one when it is time.
func (w *sweptWorld) round() (sweepRecord, error) {
	w.Helper()
	w.pass(2 * settled)
	swept := w.sweepOnce(w.Context())
	r, err := loadRow[sweepRecord](w.Context(), w.tables, layout.Cursors, sweepKey)
	if err != nil {
		w.Fatal(err)
	}
	return r.value, swept
}

func TestARowThatCannotBeMendedHoldsUpNoOtherAndIsTriedAgain(t *testing.T) {
	w := startSwept(t)
	made(t, w.Service, "room:a", group, "bob", "carl", "dora")
	made(t, w.Service, "room:b", group)
	w.unlist("room:a", "bob", "carl", "dora")
	bob := memberKey(testFeed("room:a"), "bob")
	w.tables.hinder(refusing("get", layout.Inbox, inboxKey(testFeed("room:a"), "bob")))
	first, err := w.round()
	if err != nil || !slices.Equal(first.MembersLeft, []string{bob}) {
		t.Fatalf("%v, left are %q", err, first.MembersLeft)
	}
	if got := w.missing("room:a", "bob", "carl", "dora"); !slices.Equal(got, []string{"bob"}) {
		t.Fatalf("not mended are %q", got)
	}
	made(t, w.Service, "room:c", group, "carl") // and what comes later is looked at all the same
	w.unlist("room:c", "carl")
	second, err := w.round()
	if err != nil || second.Members <= first.Members || !slices.Equal(second.MembersLeft, []string{bob}) || len(w.missing("room:c", "carl")) > 0 {
		t.Fatalf("%v, %+v after %+v", err, second, first)
	}
	rows := func(result string) float64 {
		return testutil.ToFloat64(w.metrics.sweptRows.WithLabelValues(ofMembers, result))
	}
	if rows(rowFailed) != 2 || rows(rowMended) != 3 || rows(rowSeen) < 8 || testutil.ToFloat64(w.metrics.sweepRowsFailed.WithLabelValues(ofMembers)) != 1 {
		t.Errorf("%v rows failed, %v mended, %v seen", rows(rowFailed), rows(rowMended), rows(rowSeen))
	}
	w.tables.hinder(nil)
	last, err := w.round()
	if err != nil || len(last.MembersLeft) > 0 || len(w.missing("room:a", "bob")) > 0 {
		t.Fatalf("%v, left are %q", err, last.MembersLeft)
	}
	if failing := testutil.ToFloat64(w.metrics.sweepRowsFailed.WithLabelValues(ofMembers)); failing != 0 {
		t.Errorf("%v rows are shown as failing", failing)
	}
	if n := testutil.ToFloat64(w.metrics.sweeps.WithLabelValues("finished")); n != 3 || testutil.ToFloat64(w.metrics.sweepFinished) == 0 {
		t.Errorf("%v rounds are counted", n)
	}
}

func TestARoomThatCannotBeDeletedHoldsUpNoOther(t *testing.T) {
	w := startSwept(t)
	for _, room := range []string{"room:stuck", "room:other"} {
		made(t, w.Service, room, group, "bob")
	}
	for _, room := range []string{"room:stuck", "room:other"} { // deletions that somebody began
		must(changeRow(t.Context(), w.tables, layout.Rooms, roomKey(testFeed(room)), func(r *record[roomRecord]) error {
			r.value.Deleted, r.value.DeletedBy, r.value.Changed = true, "ann", millis(w.now())
			return nil
		}))(t)
	}
	stuck := roomKey(testFeed("room:stuck"))
	w.tables.hinder(refusing("put", layout.Rooms, stuck))
	r, err := w.round()
	if err != nil || !slices.Equal(r.RoomsLeft, []string{stuck}) {
		t.Fatalf("%v, left are %q", err, r.RoomsLeft)
	}
	gone := func(room string) bool {
		return must(loadRow[roomRecord](t.Context(), w.tables, layout.Rooms, roomKey(testFeed(room))))(t).value.Gone
	}
	if !gone("room:other") || gone("room:stuck") {
		t.Fatal("the wrong rooms are gone")
	}
	w.tables.hinder(nil)
	if r, err = w.round(); err != nil || len(r.RoomsLeft) > 0 || !gone("room:stuck") {
		t.Fatalf("%v, left are %q", err, r.RoomsLeft)
	}
}

func TestWhenNearlyEveryRowFailsTheSweeperStaysWhereItIs(t *testing.T) {
	w := startSwept(t)
	var users, keys []string
	for i := range maxUnmended + 20 {
		users = append(users, fmt.Sprint("user", i))
		keys = append(keys, inboxKey(testFeed("room:a"), users[i]))
	}
	must(w.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:a", Members: users}))(t)
	w.unlist("room:a", users...)
	w.tables.hinder(refusing("get", layout.Inbox, keys...))
	r, err := w.round()
	if err == nil || r.Members != 0 || len(r.MembersLeft) > 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	if n := testutil.ToFloat64(w.metrics.sweeps.WithLabelValues("broken")); n != 1 || testutil.ToFloat64(w.metrics.sweepFinished) != 0 {
		t.Errorf("%v broken rounds are counted", n)
	}
	w.tables.hinder(nil)
	if r, err = w.round(); err != nil || r.Members == 0 || len(w.missing("room:a", users...)) > 0 {
		t.Fatalf("%v, %+v", err, r)
	}
}

func TestARowThatTakesTooLongIsGivenUpForTheRound(t *testing.T) {
	w := startSwept(t)
	round := newSweepRound(w.Service)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rows := []backbone.Row{{Key: "a"}}
	deadline := false
	failed, err := round.mend(t.Context(), ofRooms, rows, 1, func(ctx context.Context, _ backbone.Row) (bool, error) {
		at, ok := ctx.Deadline()
		deadline = ok && time.Until(at) <= mendWait
		return false, context.DeadlineExceeded
	})
	if err != nil || !slices.Equal(failed, []string{"a"}) || !deadline {
		t.Errorf("%q, %v, a deadline: %v", failed, err, deadline)
	}
	if _, err := round.mend(ctx, ofRooms, rows, 1, nil); err == nil {
		t.Error("a round whose time is over goes on")
	}
}
