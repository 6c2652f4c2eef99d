package backbone

import (
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

// What it costs to look at a backbone of the default size that is well.
func BenchmarkEnsure(b *testing.B) {
	tg := target(process.StartNATS(b, 1).URLs(), 1)
	tg.Layout = layout.New("chat", 16)
	p := NewPool(Options{})
	defer p.Close()
	if r := p.Ensure(b.Context(), tg); !fine(r) {
		b.Fatalf("got %+v", r)
	}
	for b.Loop() {
		if r := p.Ensure(b.Context(), tg); !fine(r) {
			b.Fatalf("got %+v", r)
		}
	}
	b.ReportMetric(float64(b.Elapsed()/time.Duration(b.N))/float64(time.Millisecond), "ms/look")
}
