package search

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func room(name string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: "default", Name: "room:" + name}
}

// node is a log with a search on it.
type node struct {
	testing.TB
	log    *backbone.Backbone
	search *Service
}

func openNode(t testing.TB, b backbone.Options, o Options) *node {
	t.Helper()
	if b.Prefix == "" {
		b.Prefix = "chat"
	}
	if b.Shards == 0 {
		b.Shards = 4
	}
	b.Create, b.Replicas = true, 1
	log, err := backbone.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	o.Logger = slog.New(slog.NewTextHandler(writer{t}, nil))
	s, err := New(t.Context(), log, o)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t, log, s}
	t.Cleanup(n.close)
	return n
}

type writer struct{ testing.TB }

func (w writer) Write(p []byte) (int, error) { w.Logf("%s", p); return len(p), nil }

func (n *node) close() {
	if n.log == nil {
		return
	}
	if err := n.search.Close(); err != nil {
		n.Error(err)
	}
	if err := n.log.Close(); err != nil {
		n.Error(err)
	}
	n.log = nil
}

var serial int

// store stores an event, with the note that chat would give it.
func (n *node) store(feed backbone.Feed, note backbone.Note, event map[string]any) uint64 {
	n.Helper()
	data, err := json.Marshal(event)
	if err != nil {
		n.Fatal(err)
	}
	serial++
	d := backbone.Draft{ID: fmt.Sprint("id-", serial), Sender: "ann", Data: data, Note: note}
	r, err := n.log.Enqueue(feed, d).Wait(n.Context())
	if err != nil {
		n.Fatal(err)
	}
	return r.Offset
}

func (n *node) say(feed backbone.Feed, text string) uint64 {
	n.Helper()
	return n.store(feed, backbone.Note{Kind: backbone.NoteMessage, Sender: 1}, map[string]any{"type": "message", "text": text})
}

func (n *node) edit(feed backbone.Feed, target uint64, text string) {
	n.Helper()
	n.store(feed, backbone.Note{Kind: backbone.NoteEdit, Target: target, Sender: 1}, map[string]any{"type": "edit", "target": target, "text": text})
}

func (n *node) remove(feed backbone.Feed, target uint64) {
	n.Helper()
	n.store(feed, backbone.Note{Kind: backbone.NoteDelete, Target: target, Sender: 1}, map[string]any{"type": "delete", "target": target})
}

func (n *node) question(words string, limit int, rooms ...query.Room) query.Question {
	n.Helper()
	q, err := query.Parse(words)
	if err != nil {
		n.Fatal(err)
	}
	return query.Question{Query: q, Rooms: rooms, Limit: limit}
}

// pages are everything that is found.
func (n *node) pages(words string, limit int, rooms ...query.Room) (pages []query.Answer) {
	n.Helper()
	for question := n.question(words, limit, rooms...); ; {
		var a query.Answer
		wait.For(n, time.Minute, "an answer", func(ctx context.Context) (err error) { // an owner may be slow, or just being replaced
			a, err = n.search.Search(ctx, question)
			return err
		})
		if len(a.Places) > limit {
			n.Fatalf("%d places, though %d were wanted", len(a.Places), limit)
		}
		pages = append(pages, a)
		if question.Cursor = a.Cursor; a.Cursor == "" {
			return pages
		}
	}
}

// found are the offsets of everything that is found.
func (n *node) found(words string, limit int, rooms ...query.Room) (offsets []uint64) {
	n.Helper()
	for _, page := range n.pages(words, limit, rooms...) {
		for _, p := range page.Places {
			offsets = append(offsets, p.Offset)
		}
	}
	return offsets
}

// partial says whether a search says that it is.
func (n *node) partial(rooms ...query.Room) bool {
	n.Helper()
	return slices.ContainsFunc(n.pages("word", 10, rooms...), func(a query.Answer) bool { return a.Partial })
}

// await waits until the condition holds.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	wait.For(t, time.Minute, what, func(context.Context) error {
		if !ok() {
			return errors.New("not yet")
		}
		return nil
	})
}

func in(feeds ...backbone.Feed) (rooms []query.Room) {
	for _, feed := range feeds {
		rooms = append(rooms, query.Room{Feed: feed})
	}
	return rooms
}

// finds waits until the words are found exactly there.
func (n *node) finds(words string, rooms []query.Room, want ...uint64) {
	n.Helper()
	var got []uint64
	await(n, fmt.Sprint(words, " to be found at ", want), func() bool {
		got = n.found(words, 3, rooms...)
		return reflect.DeepEqual(got, want)
	})
}

func TestWhatIsSaidIsFoundByItsWordsNewestFirst(t *testing.T) {
	n := openNode(t, backbone.Options{DataDir: t.TempDir(), Shards: 1}, Options{Dir: t.TempDir()})
	a, b := room("a"), room("b")
	first := n.say(a, "The red Apple")
	second := n.say(b, "An apple that is red")
	third := n.say(a, "no fruit")
	n.finds("apple", in(a, b), second, first)
	n.finds("APPLE red", in(a, b), second, first)
	n.finds(`"red apple"`, in(a, b), first)
	n.finds("apple", in(b), second)
	n.finds("fruit", in(a, b), third)
	n.finds("orange", in(a, b))
	n.finds("apple", []query.Room{{Feed: a, After: first}, {Feed: b}}, second)
}

func TestEditsReplaceAndDeletionsRemoveAlsoFromTheFiles(t *testing.T) {
	for name, dir := range map[string]string{"on disk": t.TempDir(), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			n := openNode(t, backbone.Options{DataDir: t.TempDir()}, Options{Dir: dir})
			a := room("a")
			first, second := n.say(a, "a secretword and zebrastripes"), n.say(a, "another secretword")
			n.finds("secretword", in(a), second, first)
			if dir != "" && !n.inFiles(dir, "zebrastripes") {
				t.Fatal("the files don't have what is found, or not as it is")
			}
			n.edit(a, first, "a harmless one")
			n.finds("secretword", in(a), second)
			n.finds("harmless", in(a), first)
			n.remove(a, second)
			n.finds("secretword", in(a))
			n.edit(a, second, "back with a secretword") // one that was late
			n.edit(a, first, "a blameless one")
			n.finds("blameless", in(a), first)
			n.finds("secretword", in(a))
			n.finds("harmless", in(a))
			if dir != "" {
				for _, word := range []string{"secretword", "zebrastripes", "harmless"} {
					n.goneFromFiles(dir, word)
				}
			}
		})
	}
}

// goneFromFiles waits until no file of the index has the word.
func (n *node) goneFromFiles(dir, word string) {
	n.Helper()
	await(n, word+" to be gone from the files", func() bool { return !n.inFiles(dir, word) })
}

func (n *node) inFiles(dir, word string) bool {
	n.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		n.Fatal(files, err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil && !os.IsNotExist(err) {
			n.Fatal(err)
		}
		if bytes.Contains(content, []byte(word)) {
			return true
		}
	}
	return false
}

func TestADeletedRoomIsNotFoundAndANewOneOfItsNameIs(t *testing.T) {
	n := openNode(t, backbone.Options{DataDir: t.TempDir(), Shards: 1}, Options{})
	a, b := room("a"), room("b")
	for range 120 {
		n.say(a, "word")
	}
	kept := n.say(b, "word")
	n.store(a, backbone.Note{}, map[string]any{"type": "room", "change": "deleted"})
	fresh := n.say(a, "word")
	n.finds("word", in(a, b), fresh, kept)
}

func TestARestartedNodeGoesOnWithItsIndex(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	n := openNode(t, backbone.Options{DataDir: data}, Options{Dir: dir})
	a := room("a")
	first := n.say(a, "word")
	n.finds("word", in(a), first)
	n.close()
	n = openNode(t, backbone.Options{DataDir: data}, Options{Dir: dir})
	if got := n.search.size().documents; got != 1 {
		t.Fatalf("%d messages in the index that was there", got)
	}
	n.finds("word", in(a), first)
	second := n.say(a, "word")
	n.finds("word", in(a), second, first)
	await(t, "no lag", func() bool { return n.search.Lag() == 0 })
}

func TestADamagedIndexIsMadeAnewFromTheLog(t *testing.T) {
	data, dir := t.TempDir(), t.TempDir()
	n := openNode(t, backbone.Options{DataDir: data}, Options{Dir: dir})
	a := room("a")
	first := n.say(a, "word")
	n.finds("word", in(a), first)
	n.close()
	if err := os.WriteFile(filepath.Join(dir, fileName), bytes.Repeat([]byte("rubbish"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	n = openNode(t, backbone.Options{DataDir: data}, Options{Dir: dir})
	n.finds("word", in(a), first)
	// And if it breaks while it is in use, though nothing more is said.
	n.search.queue <- task{do: func(context.Context, engine) error { return os.ErrInvalid }}
	await(t, "a new index", func() bool { return n.search.generation.Load() == 2 })
	n.finds("word", in(a), first)
}

func TestAFolderThatCannotBeWrittenOrIsInUseMeansMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	lock, err := lockFolder(used)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, dir := range []string{filepath.Join(file, "below"), used} {
		n := openNode(t, backbone.Options{DataDir: t.TempDir()}, Options{Dir: dir})
		a := room("a")
		n.finds("word", in(a), n.say(a, "word"))
		n.close()
	}
}
