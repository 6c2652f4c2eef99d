package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDevelopmentTokenIsAcceptedByTheVerifier(t *testing.T) {
	d := must(NewDevelopment(DevelopmentOptions{DataDir: t.TempDir(), Clock: frozenAtTheDay, Issuer: "dev", Audience: "chat"}))
	v := newVerifier(t, Options{HMACSecret: d.Secret(), Issuer: "dev", Audience: "chat"})
	c, err := v.Connection(must(d.Token("Ann é 🙂", time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	if c.User != "Ann é 🙂" || !c.ExpiresAt.Equal(testNow.Add(time.Minute)) || !c.IssuedAt.Equal(testNow) {
		t.Errorf("got %+v", c)
	}
}

func TestDevelopmentTokensAreOfAdminsOnlyIfAskedFor(t *testing.T) {
	d := must(NewDevelopment(DevelopmentOptions{Secret: testSecret, Clock: frozenAtTheDay}))
	v := newVerifier(t, Options{HMACSecret: testSecret})
	for query, admin := range map[string]bool{"": false, "&admin=false": false, "&admin=true": true} {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dev/token?user=ann"+query, http.NoBody))
		var answer struct{ Token string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if c, err := v.Connection(answer.Token); err != nil || c.Admin != admin {
			t.Errorf("%q: admin %v, %v", query, c.Admin, err)
		}
	}
	if c, err := v.Connection(must(d.AdminToken("ann", time.Minute))); err != nil || !c.Admin || c.User != "ann" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestDevelopmentSecretOutlivesARestartAndStaysPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := must(NewDevelopment(DevelopmentOptions{DataDir: dir}))
	again := must(NewDevelopment(DevelopmentOptions{DataDir: dir}))
	elsewhere := must(NewDevelopment(DevelopmentOptions{DataDir: t.TempDir()}))
	if string(first.Secret()) != string(again.Secret()) {
		t.Error("a restart made another secret")
	}
	if string(first.Secret()) == string(elsewhere.Secret()) {
		t.Error("two directories share a secret")
	}
	info := must(os.Stat(filepath.Join(dir, developmentSecretFile)))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file is %v", info.Mode())
	}
}

func TestDevelopmentRefusesAShortSecret(t *testing.T) {
	if _, err := NewDevelopment(DevelopmentOptions{Secret: []byte("short")}); err == nil {
		t.Error("accepted")
	}
}

func TestDevelopmentHandlerAnswersTokensAndErrorsAsJSON(t *testing.T) {
	d := must(NewDevelopment(DevelopmentOptions{Secret: testSecret, Clock: frozenAtTheDay}))
	v := newVerifier(t, Options{HMACSecret: testSecret})
	for name, c := range map[string]struct {
		method, query string
		status        int
		user          string
		ttl           time.Duration
	}{
		"user":              {"GET", "user=ann", 200, "ann", developmentTTL},
		"user with ttl":     {"GET", "user=ann&ttl=2", 200, "ann", 2 * time.Second},
		"emoji":             {"GET", "user=" + url.QueryEscape("🙂 b"), 200, "🙂 b", developmentTTL},
		"longest user":      {"GET", "user=" + strings.Repeat("a", 128), 200, strings.Repeat("a", 128), developmentTTL},
		"no user":           {"GET", "", 400, "", 0},
		"user too long":     {"GET", "user=" + strings.Repeat("a", 129), 400, "", 0},
		"control character": {"GET", "user=a%00b", 400, "", 0},
		"newline":           {"GET", "user=a%0Ab", 400, "", 0},
		"C1 control":        {"GET", "user=a%C2%85b", 400, "", 0},
		"not UTF-8":         {"GET", "user=a%FFb", 400, "", 0},
		"ttl zero":          {"GET", "user=ann&ttl=0", 400, "", 0},
		"ttl negative":      {"GET", "user=ann&ttl=-1", 400, "", 0},
		"ttl a word":        {"GET", "user=ann&ttl=soon", 400, "", 0},
		"ttl too long":      {"GET", "user=ann&ttl=2592001", 400, "", 0},
		"ttl overflows":     {"GET", "user=ann&ttl=18446744073709551616", 400, "", 0},
		"admin a word":      {"GET", "user=ann&admin=yes", 400, "", 0},
		"POST":              {"POST", "user=ann", 405, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			d.ServeHTTP(w, httptest.NewRequest(c.method, "/dev/token?"+c.query, http.NoBody))
			var answer struct{ Token, Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("not JSON: %v", err)
			}
			if w.Code != c.status || (answer.Error == "") != (c.status == 200) || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, %+v, %v", w.Code, answer, w.Header())
			}
			if c.status != 200 {
				return
			}
			got, err := v.Connection(answer.Token)
			if err != nil || got.User != c.user || !got.ExpiresAt.Equal(testNow.Add(c.ttl)) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
