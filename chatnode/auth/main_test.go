package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testSecret = bytes.Repeat([]byte("s"), minSecretBytes)
	testNow    = time.Unix(1_800_000_000, 0)

	// Making RSA keys is slow, so all tests share these.
	testRSA        = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	testRSAOther   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	testEC         = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	testEd25519    = sync.OnceValue(func() ed25519.PrivateKey { _, private, _ := ed25519.GenerateKey(rand.Reader); return private })
	testClaims     = map[string]any{"sub": "ann", "exp": testNow.Unix() + 60}
	quietLogger    = slog.New(slog.NewTextHandler(io.Discard, nil))
	frozenAtTheDay = func() time.Time { return testNow }
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, kid string, claims any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, ok := claims.(string)
	if !ok {
		payload = string(must(json.Marshal(claims)))
	}
	return must(must(signer.Sign([]byte(payload))).CompactSerialize())
}

// unsigned puts a token together by hand, for what no signer agrees to make.
func unsigned(header, payload string, signature []byte) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(payload)) + "." + e.EncodeToString(signature)
}

// signedByHand signs with keys that are too short for a signer.
func signedByHand(key []byte, header, payload string) string {
	e := base64.RawURLEncoding
	text := e.EncodeToString([]byte(header)) + "." + e.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return text + "." + e.EncodeToString(mac.Sum(nil))
}

func keySetJSON(keys ...jose.JSONWebKey) []byte {
	return must(json.Marshal(jose.JSONWebKeySet{Keys: keys}))
}

func allTestKeys() []byte {
	return keySetJSON(
		jose.JSONWebKey{KeyID: "rsa", Key: testRSA().Public()},
		jose.JSONWebKey{KeyID: "ec", Key: testEC().Public(), Use: "sig", Algorithm: "ES256"},
		jose.JSONWebKey{KeyID: "ed", Key: testEd25519().Public()},
	)
}

func writeFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	replaceFile(t, path, content)
	return path
}

// replaceFile changes a file the way that mounts and careful programs do.
func replaceFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func newVerifier(t testing.TB, o Options) *Verifier {
	t.Helper()
	if o.Clock == nil {
		o.Clock = frozenAtTheDay
	}
	if o.Logger == nil {
		o.Logger = quietLogger
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewPedanticRegistry()
	}
	v, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// counted is the value of a counter with these label values, in the order of
// the label names.
func counted(t testing.TB, v *Verifier, name string, labels ...string) float64 {
	t.Helper()
	for _, family := range must(v.options.Registerer.(*prometheus.Registry).Gather()) {
		for _, metric := range family.GetMetric() {
			var values []string
			for _, pair := range metric.GetLabel() {
				values = append(values, pair.GetValue())
			}
			if family.GetName() == name && slices.Equal(values, labels) {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}
