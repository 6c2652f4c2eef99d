package backbone

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// heardAt tells when a message has come to its follower.
type heardAt chan time.Time

func (h heardAt) Messages(batch []*Message) {
	for range batch {
		h <- time.Now()
	}
}
func (heardAt) Signal([]byte)  {}
func (heardAt) Reset(Position) {}

// BenchmarkOneMessage is how long a message takes when nothing else happens: until it is durable, and until a follower on this node has it.
func BenchmarkOneMessage(b *testing.B) {
	log := openEmbedded(b, b.TempDir())
	heard := make(heardAt, 16)
	t, err := log.Follow(context.Background(), room("lobby"), heard)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	data := make([]byte, 200)
	var acked, live []time.Duration
	for b.Loop() {
		began := time.Now()
		p := log.Enqueue(room("lobby"), Draft{ID: uuid.Must(uuid.NewV7()).String(), Sender: "ann", Data: data})
		if _, err := p.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
		acked = append(acked, time.Since(began))
		live = append(live, (<-heard).Sub(began))
	}
	for name, times := range map[string][]time.Duration{"acked": acked, "heard": live} {
		slices.Sort(times)
		for _, percent := range []int{50, 99} {
			b.ReportMetric(float64(times[len(times)*percent/100].Microseconds()), fmt.Sprintf("%s-p%d-µs", name, percent))
		}
	}
	b.ReportMetric(0, "ns/op")
}
