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
