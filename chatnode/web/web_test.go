package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// page is a small bundle: two documents, one script worth compressing, and the
// file that keeps the directory in git.
var page = fstest.MapFS{
	"index.html": {Data: []byte("<p>chat</p>")},
	"fleet.html": {Data: []byte("<p>fleet</p>")},
	"chat.js":    {Data: []byte(strings.Repeat("say();", 1000))},
	".gitkeep":   {},
}

func ask(t *testing.T, h http.Handler, method, target string, header http.Header) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, target, http.NoBody)
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return string(content)
}

func TestPathsLeadToTheirFiles(t *testing.T) {
	handler := serve(page)
	for _, test := range []struct {
		method, path string
		status       int
		contentType  string
		body         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<p>chat</p>"},
		{"GET", "/?user=ann", 200, "text/html; charset=utf-8", "<p>chat</p>"},
		{"GET", "/fleet", 200, "text/html; charset=utf-8", "<p>fleet</p>"},
		{"GET", "/chat.js", 200, "text/javascript; charset=utf-8", strings.Repeat("say();", 1000)},
		{"HEAD", "/fleet", 200, "text/html; charset=utf-8", ""},
		{"GET", "/fleet.html", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/.gitkeep", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/../web.go", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"POST", "/", 405, "text/plain; charset=utf-8", "method not allowed\n"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			response := ask(t, handler, test.method, test.path, nil)
			if response.StatusCode != test.status {
				t.Errorf("status %d, want %d", response.StatusCode, test.status)
			}
			if got := response.Header.Get("Content-Type"); got != test.contentType {
				t.Errorf("content type %q, want %q", got, test.contentType)
			}
			if got := body(t, response.Body); got != test.body {
				t.Errorf("body %q, want %q", got, test.body)
			}
		})
	}
}

func TestPageMayRunOnlyItsOwnFiles(t *testing.T) {
	policy := ask(t, serve(page), "GET", "/", nil).Header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'"} {
		if !strings.Contains(policy, rule) {
			t.Errorf("policy %q lacks %q", policy, rule)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q allows inline code", policy)
	}
}

func TestCompressedOnlyWhereAccepted(t *testing.T) {
	handler := serve(page)
	for accept, packed := range map[string]bool{
		"":                    false,
		"br":                  false,
		"gzip;q=0":            false,
		"gzip":                true,
		"br, gzip; q=0.8, *":  true,
		"deflate, gzip;q=1.0": true,
	} {
		response := ask(t, handler, "GET", "/chat.js", http.Header{"Accept-Encoding": {accept}})
		if got := response.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("accept %q: compressed %t, want %t", accept, got, packed)
			continue
		}
		if response.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accept %q: a cache would mix the two forms", accept)
		}
		if !packed {
			continue
		}
		zip, err := gzip.NewReader(response.Body)
		if err != nil {
			t.Fatalf("accept %q: %v", accept, err)
		}
		if got := body(t, zip); got != strings.Repeat("say();", 1000) {
			t.Errorf("accept %q: unpacks to %q", accept, got)
		}
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	handler := serve(page)
	first := ask(t, handler, "GET", "/chat.js", nil)
	again := ask(t, handler, "GET", "/chat.js", http.Header{"If-None-Match": {first.Header.Get("Etag")}})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
}

func TestEveryBinaryHasAPage(t *testing.T) {
	for _, path := range []string{"/", "/fleet"} {
		response := ask(t, Handler(), "GET", path, nil)
		if response.StatusCode != http.StatusOK || !strings.Contains(body(t, response.Body), "chatfleet") {
			t.Errorf("%s: status %d", path, response.StatusCode)
		}
	}
}
