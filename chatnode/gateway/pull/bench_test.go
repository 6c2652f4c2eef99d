package pull

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkPullFromMemory is what the gateway itself takes for a page of 10, without net/http.
func BenchmarkPullFromMemory(b *testing.B) {
	c := startStack(b).serve(b, Default)
	for i := range 20 {
		c.say(b, "ann:bob", "ann", fmt.Sprint("a message of usual length, which says something or other, number ", i))
	}
	for range 3 {
		c.fetch(b, "ann:bob", 0, 10, false)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/pull?chat=ann:bob&limit=10", http.NoBody)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		c.gateway.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkSend is what a message takes with everything behind it, at 20 at a time.
func BenchmarkSend(b *testing.B) {
	c := startStack(b).serve(b, Default)
	b.SetParallelism(10)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			c.gateway.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/send?chat=ann:bob&sender=ann&text=hello", http.NoBody))
			if w.Code != http.StatusOK {
				b.Error(w.Code)
			}
		}
	})
}
