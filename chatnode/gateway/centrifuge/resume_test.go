package centrifuge

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

var encodings = []protocol.Encoding{protocol.JSON, protocol.Protobuf}

// reader remembers what a subscription was told.
type reader struct {
	t       testing.TB
	mu      sync.Mutex
	texts   []string
	results []*protocol.SubscribeResult
}

func (r *reader) options() client.SubscribeOptions {
	return client.SubscribeOptions{
		OnPublication: func(p *protocol.Publication) {
			text := textOf(r.t, p)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.texts = append(r.texts, text)
		},
		OnSubscribed: func(result *protocol.SubscribeResult) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.results = append(r.results, result)
		},
	}
}

func (r *reader) got() ([]string, []*protocol.SubscribeResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.texts), slices.Clone(r.results)
}

func (n *node) client(t testing.TB, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), n.http.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestACutClientResumesWithoutAHole(t *testing.T) {
	n := startNode(t, nil)
	for _, encoding := range encodings {
		for _, missed := range []int{0, 1, 300} {
			t.Run(fmt.Sprint(encoding, missed), func(t *testing.T) {
				room := "room:" + t.Name()
				up := make(chan struct{})
				down := make(chan struct{}, 8)
				back := make(chan struct{}, 8)
				away := n.client(t, client.Options{Token: tokenOf(t, "ann"), Encoding: encoding, Reconnect: true,
					OnDisconnect: func(error) {
						down <- struct{}{}
						select {
						case <-up:
						case <-t.Context().Done():
						}
					},
					OnConnect: func(*protocol.ConnectResult) { back <- struct{}{} },
				})
				<-back
				r := &reader{t: t}
				if _, err := away.Subscribe(t.Context(), room, r.options()); err != nil {
					t.Fatal(err)
				}
				writer := n.client(t, client.Options{Token: tokenOf(t, "bob"), Encoding: encoding})
				want := []string{"before"}
				write := func(text string) {
					t.Helper()
					if _, err := writer.Send(t.Context(), room, uuid.NewString(), text); err != nil {
						t.Fatal(err)
					}
				}
				write("before")
				eventually(t, "the first message", func() bool { texts, _ := r.got(); return len(texts) == 1 })
				away.Cut()
				<-down
				for i := range missed {
					want = append(want, fmt.Sprint("missed ", i))
					write(want[len(want)-1])
				}
				close(up)
				<-back
				want = append(want, "after")
				write("after")
				eventually(t, "the last message", func() bool { texts, _ := r.got(); return slices.Contains(texts, "after") })
				texts, results := r.got()
				if !slices.Equal(texts, want) {
					t.Errorf("got %d messages, want %d: %q", len(texts), len(want), texts)
				}
				if len(results) != 2 || !results[1].Recovered || !results[1].WasRecovering {
					t.Errorf("results %+v", results)
				}
			})
		}
	}
}
