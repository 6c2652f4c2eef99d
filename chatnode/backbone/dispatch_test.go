package backbone

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

// stuckStore does not answer questions for some keys before it is let go.
type stuckStore struct {
	index.Store
	keys  string
	letGo chan struct{}
}

func (s *stuckStore) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if strings.Contains(key, s.keys) {
		<-s.letGo
	}
	return s.Store.Get(ctx, key)
}

func TestAMessageIsDispatchedBeforeItIsNotedAmongMessages(t *testing.T) {
	b, o := abandoned(t)
	o.stop()
	<-o.done
	m := &plainRoom{b: b, feed: room("a")}
	store := &stuckStore{Store: b.indexStore, keys: messagesKey(m.feed.Key()), letGo: make(chan struct{})}
	letGo := sync.OnceFunc(func() { close(store.letGo) })
	b.indexStore = store
	succeed(t, b, o)
	t.Cleanup(letGo)
	r := newRecorder()
	tail, err := b.Follow(t.Context(), m.feed, r)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	m.say(ann, 0)
	r.awaitCount(t, 1)
	letGo()
	m.verify(t)
}
