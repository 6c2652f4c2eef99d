package fanout

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// nullMember takes everything and keeps nothing.
type nullMember struct{ wire int }

func (m *nullMember) Encoder() Encoder       { return testEncoder{"json"} }
func (m *nullMember) Write(wire []byte) bool { m.wire += len(wire); return true }
func (m *nullMember) Reset()                 {}

// quietSource follows feeds in which nothing happens.
type quietSource struct{ testNode }

type quietTail struct{}

func (quietTail) Head() backbone.Position { return backbone.Position{Epoch: "e1"} }
func (quietTail) Close()                  {}

func (quietSource) Follow(context.Context, backbone.Feed, backbone.Follower) (quietTail, error) {
	return quietTail{}, nil
}

func quietHub(t testing.TB) *Hub {
	h := New(quietSource{testNode{newTestLog(), "a"}}, Options{})
	t.Cleanup(h.Close)
	return h
}

// BenchmarkDelivery is the cost of one delivery, by the number of members and of messages that come together.
func BenchmarkDelivery(b *testing.B) {
	for _, members := range []int{1, 100, 1000, 10_000} {
		for _, together := range []int{1, 16} {
			b.Run(fmt.Sprintf("members=%d/together=%d", members, together), func(b *testing.B) {
				h := quietHub(b)
				for range members {
					sub, _, err := h.Subscribe(context.Background(), lobby, Request{}, &nullMember{})
					if err != nil {
						b.Fatal(err)
					}
					sub.Start()
				}
				r := h.rooms[lobby]
				data := make([]byte, 200)
				offset := uint64(0)
				b.ReportAllocs()
				for b.Loop() {
					batch := make([]*backbone.Message, together)
					for i := range batch {
						offset++
						batch[i] = &backbone.Message{Offset: offset, Data: data}
					}
					r.Messages(batch)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members*together), "ns/delivery")
			})
		}
	}
}

func TestPersonalFeedTakesLittleMemory(t *testing.T) {
	const users, most = 20_000, 1200
	h := quietHub(t)
	heap := func() int {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int(stats.HeapAlloc)
	}
	m := &nullMember{}
	before, goroutines := heap(), runtime.NumGoroutine()
	for i := range users {
		feed := backbone.Feed{Kind: layout.User, App: "default", Name: fmt.Sprint("user", i)}
		sub, _, err := h.Subscribe(context.Background(), feed, Request{}, m)
		if err != nil {
			t.Fatal(err)
		}
		sub.Start()
	}
	each := (heap() - before) / users
	t.Logf("%d bytes for a room with one member", each)
	if each > most {
		t.Errorf("that is more than %d", most)
	}
	if grown := runtime.NumGoroutine() - goroutines; grown > 10 {
		t.Errorf("%d goroutines for %d rooms", grown, users)
	}
	runtime.KeepAlive(h)
}
