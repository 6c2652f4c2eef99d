package auth

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// lockedBuffer takes log lines of background goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestFilesAreFollowedAndBrokenOnesKeepTheOldKeys(t *testing.T) {
	other := bytes.Repeat([]byte("o"), minSecretBytes)
	otherKeys := keySetJSON(jose.JSONWebKey{KeyID: "new", Key: testRSAOther().Public()})
	for name, c := range map[string]struct {
		source          string
		options         func(path string) Options
		old, new        []byte
		oldToken, token string
	}{
		"HMAC secret": {
			"hmac_file", func(path string) Options { return Options{HMACSecretFile: path} },
			append(testSecret, '\n'), other,
			sign(t, jose.HS256, testSecret, "", testClaims), sign(t, jose.HS256, other, "", testClaims),
		},
		"key set": {
			"jwks_file", func(path string) Options { return Options{JWKSFile: path} },
			allTestKeys(), otherKeys,
			sign(t, jose.RS256, testRSA(), "rsa", testClaims), sign(t, jose.RS256, testRSAOther(), "new", testClaims),
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, "keys", c.old)
			var log lockedBuffer
			o := c.options(path)
			o.FilePoll = time.Millisecond
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			v := newVerifier(t, o)
			accepts := func(token string) bool { _, err := v.Connection(token); return err == nil }
			failures := func() float64 {
				return counted(t, v, "chatnode_auth_key_reloads_total", "failed", c.source)
			}

			replaceFile(t, path, []byte("broken"))
			eventually(t, "the broken file is counted", func() bool { return failures() == 1 })
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the missing file is counted", func() bool { return failures() == 2 })
			if !accepts(c.oldToken) || accepts(c.token) {
				t.Error("the old keys are not in use any more")
			}
			replaceFile(t, path, c.new)
			eventually(t, "the new keys are in use", func() bool { return accepts(c.token) })
			if accepts(c.oldToken) {
				t.Error("the old keys are still in use")
			}
			if failures() != 2 || strings.Count(log.String(), "ERROR") != 2 {
				t.Errorf("two broken versions: counted %v times, logged:\n%s", failures(), log.String())
			}
		})
	}
}

func TestMetricsCountTokensByResult(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret})
	good := sign(t, jose.HS256, testSecret, "", testClaims)
	_, accepted := v.Connection(good)
	_, expired := v.Connection(sign(t, jose.HS256, testSecret, "", map[string]any{"sub": "ann", "exp": 1}))
	_, purpose := v.Subscription(good)
	if accepted != nil || expired == nil || purpose == nil {
		t.Fatalf("got %v, %v, %v", accepted, expired, purpose)
	}
	for _, labels := range [][]string{{"connection", "accepted"}, {"connection", "expired"}, {"subscription", "purpose"}} {
		if n := counted(t, v, "chatnode_auth_tokens_total", labels...); n != 1 {
			t.Errorf("%v counted %v times", labels, n)
		}
	}
}

func TestFileThatCannotBeReadIsTriedAgain(t *testing.T) {
	path := t.TempDir() // opens, but does not read
	f := (&Verifier{}).follow("hmac_file", path, func([]byte) error { return nil })
	if err := f.load(); err == nil {
		t.Fatal("read a directory")
	}
	if !f.changed() {
		t.Fatal("given up until it changes, which permissions don't show")
	}
}
