package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyServer serves a key set on loopback.
type keyServer struct {
	*httptest.Server
	content atomic.Pointer[[]byte] // nil: 500
	fetches atomic.Int64
}

func newKeyServer(t *testing.T, content []byte) *keyServer {
	s := &keyServer{}
	s.serve(content)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.fetches.Add(1)
		content := s.content.Load()
		if content == nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(*content)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(content []byte) { s.content.Store(&content) }

func (s *keyServer) failed(t *testing.T, v *Verifier) float64 {
	return counted(t, v, "chatnode_auth_key_reloads_total", "failed", "jwks_url")
}

var (
	oldKeys = func() []byte { return keySetJSON(jose.JSONWebKey{KeyID: "old", Key: testRSA().Public()}) }
	newKeys = func() []byte { return keySetJSON(jose.JSONWebKey{KeyID: "new", Key: testRSAOther().Public()}) }
)

func TestUnknownKidFetchesTheKeySetAgainButNotOften(t *testing.T) {
	server := newKeyServer(t, oldKeys())
	v := newVerifier(t, Options{JWKSURL: server.URL, RefreshAtLeast: time.Hour})
	newToken := sign(t, jose.RS256, testRSAOther(), "new", testClaims)
	if _, err := v.Connection(sign(t, jose.RS256, testRSA(), "old", testClaims)); err != nil {
		t.Fatal(err)
	}
	server.serve(newKeys())
	for range 100 {
		if _, err := v.Connection(newToken); !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("within RefreshAtLeast: %v", err)
		}
	}
	if n := server.fetches.Load(); n != 1 {
		t.Errorf("%d fetches within RefreshAtLeast", n)
	}

	keys := v.keys.(*remoteKeys)
	keys.mu.Lock()
	keys.started = keys.started.Add(-time.Hour)
	keys.mu.Unlock()
	if _, err := v.Connection(newToken); err != nil {
		t.Errorf("after RefreshAtLeast: %v", err)
	}
}

func TestKeySetIsRefreshedInTheBackground(t *testing.T) {
	server := newKeyServer(t, oldKeys())
	v := newVerifier(t, Options{JWKSURL: server.URL, RefreshAtLeast: time.Millisecond, RefreshDefault: time.Millisecond})
	keys := v.keys.(*remoteKeys)
	has := func(id string) bool { _, err := keys.lookup(id, jose.RS256); return err == nil }
	eventually(t, "the old keys are there", func() bool { return has("old") })
	server.serve(newKeys())
	eventually(t, "the new keys are there", func() bool { return has("new") && !has("old") })
}

func TestFailedFetchKeepsTheOldKeys(t *testing.T) {
	server := newKeyServer(t, oldKeys())
	v := newVerifier(t, Options{JWKSURL: server.URL, RefreshAtLeast: time.Millisecond, RefreshDefault: time.Millisecond})
	old := sign(t, jose.RS256, testRSA(), "old", testClaims)
	unknown := sign(t, jose.RS256, testRSAOther(), "new", testClaims)
	accepted := func() bool { _, err := v.Connection(old); return err == nil }
	eventually(t, "the token is accepted", accepted)
	for name, content := range map[string][]byte{
		"broken": []byte("{"), "no keys": []byte(`{"keys":[]}`), "too large": make([]byte, maxKeySetBytes+1),
	} {
		before := server.failed(t, v)
		server.serve(content)
		eventually(t, name+" is counted", func() bool { return server.failed(t, v) > before })
		if !accepted() {
			t.Errorf("%s: the old keys are gone", name)
		}
	}
	server.content.Store(nil)
	before := server.failed(t, v)
	eventually(t, "an error answer is counted", func() bool { return server.failed(t, v) > before })
	if _, err := v.Connection(unknown); !errors.Is(err, ErrUnavailable) {
		t.Errorf("unknown key while fetching fails: %v, want %v", err, ErrUnavailable)
	}
	server.serve(newKeys())
	eventually(t, "the new keys are in use", func() bool { _, err := v.Connection(unknown); return err == nil })
}

func TestNodeStartsWhileTheKeySetIsAway(t *testing.T) {
	server := newKeyServer(t, oldKeys())
	address := server.URL
	server.Close()
	v := newVerifier(t, Options{JWKSURL: address, RefreshAtLeast: time.Hour})
	if _, err := v.Connection(sign(t, jose.RS256, testRSA(), "old", testClaims)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ErrUnavailable)
	}
}

func TestCloseEndsAFetchThatHangs(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	v := newVerifier(t, Options{JWKSURL: server.URL})
	<-asked
	v.Close()
}

func TestFetchErrorsShowNoCredentials(t *testing.T) {
	address := must(url.Parse("http://user:topsecret@127.0.0.1:1/keys?key=topsecret"))
	_, _, err := fetchKeySet(context.Background(), newHTTPClient(), address, 0)
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("got %v", err)
	}
}

func TestRedirectsAreFollowedButNotToWorseOrForEver(t *testing.T) {
	plain := newKeyServer(t, oldKeys())
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer loop.Close()
	once := httptest.NewServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer once.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	client := newHTTPClient()
	client.Transport = secure.Client().Transport
	for name, c := range map[string]struct {
		address string
		good    bool
	}{
		"once": {once.URL, true}, "for ever": {loop.URL, false}, "from https to http": {secure.URL, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := fetchKeySet(t.Context(), client, must(url.Parse(c.address)), 0)
			if (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMaxAgeDecidesHowLongKeysAreFresh(t *testing.T) {
	const fallback = 7 * time.Second
	for header, want := range map[string]time.Duration{
		"":                       fallback,
		"no-store":               fallback,
		"public, max-age=3600":   time.Hour,
		`Max-Age="600"`:          10 * time.Minute,
		"max-age=1":              leastFresh,
		"max-age=99999999":       mostFresh,
		"max-age=-1":             fallback,
		"max-age=":               fallback,
		"max-age=99999999999999": fallback,
	} {
		if got := freshFor(http.Header{"Cache-Control": {header}}, fallback); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}
