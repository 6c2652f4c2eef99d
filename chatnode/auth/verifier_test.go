package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestTokenIsAcceptedOrHasItsOwnError(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret, JWKSFile: writeFile(t, "keys.json", allTestKeys())})
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range []map[string]any{testClaims, more} {
			for name, value := range m {
				out[name] = value
			}
		}
		return out
	}
	hs := func(more map[string]any) string { return sign(t, jose.HS256, testSecret, "", with(more)) }
	rsaPublic := must(x509.MarshalPKIXPublicKey(testRSA().Public()))
	rsaPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsaPublic})
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	good := hs(nil)
	now := testNow.Unix()

	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"HS256":                        {good, nil},
		"HS256 with any kid":           {sign(t, jose.HS256, testSecret, "x", testClaims), nil},
		"RS256":                        {sign(t, jose.RS256, testRSA(), "rsa", testClaims), nil},
		"RS256 without kid":            {sign(t, jose.RS256, testRSA(), "", testClaims), nil},
		"ES256":                        {sign(t, jose.ES256, testEC(), "ec", testClaims), nil},
		"EdDSA":                        {sign(t, jose.EdDSA, testEd25519(), "ed", testClaims), nil},
		"no exp":                       {sign(t, jose.HS256, testSecret, "", map[string]any{"sub": "ann"}), nil},
		"expires in a second":          {hs(map[string]any{"exp": now + 1}), nil},
		"expires now":                  {hs(map[string]any{"exp": now}), ErrExpired},
		"expired":                      {hs(map[string]any{"exp": now - 1}), ErrExpired},
		"expired at the epoch":         {hs(map[string]any{"exp": 0}), ErrExpired},
		"nbf within the clock skew":    {hs(map[string]any{"nbf": now + 30}), nil},
		"nbf in the future":            {hs(map[string]any{"nbf": now + 31}), ErrNotYetValid},
		"iat in the future":            {hs(map[string]any{"iat": now + 31}), ErrNotYetValid},
		"exp as a word":                {hs(map[string]any{"exp": "soon"}), ErrClaims},
		"exp beyond all time":          {hs(map[string]any{"exp": 1e300}), ErrClaims},
		"no sub":                       {hs(map[string]any{"sub": ""}), ErrClaims},
		"sub as a number":              {hs(map[string]any{"sub": 7}), ErrClaims},
		"admin as a word":              {hs(map[string]any{"admin": "yes"}), ErrClaims},
		"admin as a number":            {hs(map[string]any{"admin": 1}), ErrClaims},
		"sub twice":                    {sign(t, jose.HS256, testSecret, "", `{"sub":"ann","sub":"bob"}`), ErrClaims},
		"not UTF-8":                    {sign(t, jose.HS256, testSecret, "", "{\"sub\":\"a\xff\"}"), ErrClaims},
		"payload not an object":        {sign(t, jose.HS256, testSecret, "", `"ann"`), ErrClaims},
		"payload not JSON":             {sign(t, jose.HS256, testSecret, "", `ann`), ErrClaims},
		"alg none":                     {unsigned(`{"alg":"none"}`, `{"sub":"ann"}`, nil), ErrAlgorithm},
		"alg NONE":                     {unsigned(`{"alg":"NONE"}`, `{"sub":"ann"}`, nil), ErrAlgorithm},
		"no alg":                       {unsigned(`{}`, `{"sub":"ann"}`, nil), ErrAlgorithm},
		"HS512":                        {sign(t, jose.HS512, append(testSecret, testSecret...), "", testClaims), ErrAlgorithm},
		"PS256":                        {sign(t, jose.PS256, testRSA(), "rsa", testClaims), ErrAlgorithm},
		"ES384":                        {sign(t, jose.ES384, p384, "ec", testClaims), ErrAlgorithm},
		"HS256 with the RSA key (PEM)": {sign(t, jose.HS256, rsaPEM, "rsa", testClaims), ErrSignature},
		"HS256 with the RSA key (DER)": {sign(t, jose.HS256, rsaPublic, "rsa", testClaims), ErrSignature},
		"RS256 naming the EC key":      {sign(t, jose.RS256, testRSA(), "ec", testClaims), ErrAlgorithm},
		"ES256 naming the RSA key":     {sign(t, jose.ES256, testEC(), "rsa", testClaims), ErrAlgorithm},
		"RS256 with another key":       {sign(t, jose.RS256, testRSAOther(), "rsa", testClaims), ErrSignature},
		"RS256 with a key in itself":   {embedded(t), ErrSignature},
		"unknown kid":                  {sign(t, jose.RS256, testRSA(), "gone", testClaims), ErrUnknownKey},
		"another secret":               {sign(t, jose.HS256, []byte(strings.Repeat("x", 32)), "", testClaims), ErrSignature},
		"no signature":                 {good[:strings.LastIndex(good, ".")+1], ErrSignature},
		"signature cut":                {good[:len(good)-4], ErrSignature},
		"payload changed":              {changedPayload(good), ErrSignature},
		"critical header":              {unsigned(`{"alg":"HS256","crit":["x"],"x":1}`, `{}`, nil), ErrSignature},
		"empty":                        {"", ErrMalformed},
		"garbage":                      {"\x00\xff garbage", ErrMalformed},
		"two parts":                    {"e30.e30", ErrMalformed},
		"four parts":                   {good + ".e30", ErrMalformed},
		"encrypted":                    {good + ".e30.e30", ErrMalformed},
		"JSON form":                    {`{"payload":"e30","signatures":[]}`, ErrMalformed},
		"header not JSON":              {"e3.e30.e30", ErrMalformed},
		"oversize":                     {good + strings.Repeat("a", MaxTokenBytes), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Connection(c.token)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				return
			}
			if resultOf(err) == "other" {
				t.Errorf("error %v has no metric label", err)
			}
			for part := range strings.SplitSeq(c.token, ".") {
				if len(part) > 3 && strings.Contains(err.Error(), part) {
					t.Errorf("error %q shows a part of the token", err)
				}
			}
		})
	}
}

// embedded is signed with a key that it brings along in its header.
func embedded(t *testing.T) string {
	signer := must(jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: testRSAOther(), KeyID: "rsa"}},
		&jose.SignerOptions{EmbedJWK: true}))
	return must(must(signer.Sign([]byte(`{"sub":"ann"}`))).CompactSerialize())
}

func changedPayload(token string) string {
	parts := strings.Split(token, ".")
	other := strings.Split(unsigned(`{}`, `{"sub":"root"}`, nil), ".")
	return parts[0] + "." + other[1] + "." + parts[2]
}

func TestIssuerAndAudienceAreRequiredWhenConfigured(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret, Issuer: "me", Audience: "chat"})
	for name, c := range map[string]struct {
		claims map[string]any
		want   error
	}{
		"both right":       {map[string]any{"sub": "ann", "iss": "me", "aud": "chat"}, nil},
		"one of audiences": {map[string]any{"sub": "ann", "iss": "me", "aud": []string{"mail", "chat"}}, nil},
		"no issuer":        {map[string]any{"sub": "ann", "aud": "chat"}, ErrIssuer},
		"another issuer":   {map[string]any{"sub": "ann", "iss": "you", "aud": "chat"}, ErrIssuer},
		"no audience":      {map[string]any{"sub": "ann", "iss": "me"}, ErrAudience},
		"another audience": {map[string]any{"sub": "ann", "iss": "me", "aud": "mail"}, ErrAudience},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.Connection(sign(t, jose.HS256, testSecret, "", c.claims)); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestKeysThatAreNotConfiguredAcceptNothing(t *testing.T) {
	hs := sign(t, jose.HS256, testSecret, "", testClaims)
	rs := sign(t, jose.RS256, testRSA(), "rsa", testClaims)
	publicAsSecret := sign(t, jose.HS256, must(x509.MarshalPKIXPublicKey(testRSA().Public())), "rsa", testClaims)
	keys := writeFile(t, "keys.json", allTestKeys())
	for name, c := range map[string]struct {
		options Options
		token   string
		want    error
	}{
		"nothing":                    {Options{}, hs, ErrNoKeys},
		"key set, HS256":             {Options{JWKSFile: keys}, hs, ErrAlgorithm},
		"key set, its key as secret": {Options{JWKSFile: keys}, publicAsSecret, ErrAlgorithm},
		"secret, RS256":              {Options{HMACSecret: testSecret}, rs, ErrAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newVerifier(t, c.options).Connection(c.token); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestBrokenConfigurationIsRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"short secret":         {HMACSecret: []byte("short")},
		"empty secret":         {HMACSecret: []byte{}},
		"short secret in file": {HMACSecretFile: writeFile(t, "secret", []byte("short\n"))},
		"secret twice":         {HMACSecret: testSecret, HMACSecretFile: "x"},
		"no such file":         {HMACSecretFile: "no-such-file"},
		"no such key set":      {JWKSFile: "no-such-file"},
		"broken key set":       {JWKSFile: writeFile(t, "keys.json", []byte("{"))},
		"key set twice":        {JWKSFile: "x", JWKSURL: "https://localhost"},
		"relative URL":         {JWKSURL: "/keys.json"},
		"URL of another kind":  {JWKSURL: "ftp://localhost/keys.json"},
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := New(t.Context(), o); err == nil {
				v.Close()
				t.Fatal("accepted")
			}
		})
	}
}
