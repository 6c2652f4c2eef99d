package conn

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(host, origin string) *http.Request {
	r := &http.Request{Host: host, Header: http.Header{}}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return r
}

func TestOrigins(t *testing.T) {
	tests := []struct {
		origin   string
		patterns []string
		want     bool
	}{
		{"", nil, true},
		{"https://chat.example.com", nil, true},
		{"HTTPS://Chat.Example.COM", nil, true},
		{"https://chat.example.com:8443", nil, false},
		{"https://other.example.com", nil, false},
		{"null", nil, false},
		{"null", []string{"*"}, true},
		{"https://evil.com", []string{"*"}, true},
		{"https://other.example.com", []string{"https://other.example.com/"}, true},
		{"http://other.example.com", []string{"https://other.example.com"}, false},
		{"http://other.example.com", []string{"other.example.com"}, true},
		{"https://a.example.com", []string{"https://*.example.com"}, true},
		{"https://a.b.example.com", []string{"https://*.EXAMPLE.com"}, true},
		{"https://example.com", []string{"https://*.example.com"}, false},
		{"https://evilexample.com", []string{"https://*.example.com"}, false},
		{"https://a.example.com.evil.com", []string{"https://*.example.com"}, false},
		{"https://evil.com/.example.com", []string{"https://*.example.com"}, false},
		{"https://evil.com?.example.com", []string{"https://*.example.com"}, false},
		{"https://evil.com#.example.com", []string{"https://*.example.com"}, false},
		{"https://evil.com:80.example.com", []string{"https://*.example.com"}, false},
		{"https://user@a.example.com", []string{"https://*.example.com"}, true},
		{"http://localhost:5173", []string{"http://localhost:*"}, true},
		{"http://localhost", []string{"http://localhost:*"}, false},
		{"https://app-1.eu.example.com", []string{"app-*.*.example.com"}, true},
		{"https://app-1.example.com", []string{"app-*.*.example.com"}, false},
		{"https://aa", []string{"a*a*a"}, false},
	}
	for _, test := range tests {
		t.Run(test.origin+" "+strings.Join(test.patterns, " "), func(t *testing.T) {
			if got := newOrigins(test.patterns).allow(request("chat.example.com", test.origin)); got != test.want {
				t.Fatalf("got %v", got)
			}
		})
	}
}

func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"", "null", "https://a.example.com", "https://evil.com/.example.com", "://", "https://[::1]:80", "%"} {
		f.Add(seed)
	}
	allowed := newOrigins([]string{"https://*.example.com"})
	f.Fuzz(func(t *testing.T, origin string) {
		if !allowed.allow(request("chat.test", origin)) || origin == "" {
			return
		}
		whole, host := splitOrigin(origin)
		if host != "chat.test" && !(strings.HasPrefix(whole, "https://") && strings.HasSuffix(host, ".example.com")) {
			t.Fatalf("%q is allowed as %q", origin, whole)
		}
	})
}

func TestPagesOfAllowedOriginsMaySendRequests(t *testing.T) {
	s := New(Options{Origins: []string{"https://app.example.com"}})
	defer s.Close()
	handler := s.AllowOrigins(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, test := range []struct {
		method, origin string
		status         int
		allowed        string
	}{
		{"POST", "https://app.example.com", http.StatusTeapot, "https://app.example.com"},
		{"OPTIONS", "https://app.example.com", http.StatusNoContent, "https://app.example.com"},
		{"POST", "", http.StatusTeapot, ""},
		{"POST", "https://evil.com", http.StatusForbidden, ""},
		{"OPTIONS", "https://evil.com", http.StatusForbidden, ""},
	} {
		r := httptest.NewRequest(test.method, "http://chat.example.com/emulation", nil)
		r.Header.Set("Origin", test.origin)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.status || w.Header().Get("Access-Control-Allow-Origin") != test.allowed {
			t.Errorf("%s from %q: %d %v", test.method, test.origin, w.Code, w.Header())
		}
	}
}
