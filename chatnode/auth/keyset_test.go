package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestKeySetKeepsOnlyKeysThatVerifyTokens(t *testing.T) {
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	heavy := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 20_000), E: 65537}
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).Public()
	for name, key := range map[string]jose.JSONWebKey{
		"symmetric":       {Key: testSecret},
		"private":         {Key: testEd25519()},
		"for encryption":  {Key: testRSA().Public(), Use: "enc"},
		"other algorithm": {Key: testRSA().Public(), Algorithm: "PS256"},
		"weak RSA":        {Key: weak},
		"heavy RSA":       {Key: heavy},
		"other curve":     {Key: p384},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseKeySet(keySetJSON(key)); err == nil {
				t.Error("accepted alone")
			}
			both, err := parseKeySet(keySetJSON(key, jose.JSONWebKey{Key: testEC().Public()}))
			if err != nil || len(both) != 1 {
				t.Errorf("beside a good key: %d keys, %v", len(both), err)
			}
		})
	}
}

func TestBrokenKeySetIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"empty":         "",
		"not JSON":      "<html>",
		"an array":      "[]",
		"no keys":       `{"keys":[]}`,
		"only unknown":  `{"keys":[{"kty":"new"},{},7,null]}`,
		"too many keys": `{"keys":[` + strings.Repeat("1,", maxKeys) + `1]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if keys, err := parseKeySet([]byte(content)); err == nil {
				t.Errorf("accepted as %v", keys)
			}
		})
	}
}

func TestKeyIsFoundByIDAndAlgorithm(t *testing.T) {
	keys := must(parseKeySet(keySetJSON(
		jose.JSONWebKey{KeyID: "a", Key: testRSA().Public()},
		jose.JSONWebKey{KeyID: "b", Key: testRSAOther().Public()},
		jose.JSONWebKey{KeyID: "a", Key: testEC().Public()},
	)))
	for name, c := range map[string]struct {
		id        string
		algorithm jose.SignatureAlgorithm
		want      any
		err       error
	}{
		"by id":                  {"b", jose.RS256, testRSAOther().Public(), nil},
		"same id, RSA":           {"a", jose.RS256, testRSA().Public(), nil},
		"same id, EC":            {"a", jose.ES256, testEC().Public(), nil},
		"no id, one fits":        {"", jose.ES256, testEC().Public(), nil},
		"no id, several fit":     {"", jose.RS256, nil, ErrUnknownKey},
		"no id, none fits":       {"", jose.EdDSA, nil, ErrAlgorithm},
		"id of another type":     {"b", jose.ES256, nil, ErrAlgorithm},
		"unknown id":             {"c", jose.RS256, nil, ErrUnknownKey},
		"id that is only a part": {"", "", nil, ErrAlgorithm},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := keys.find(c.id, c.algorithm)
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if key, ok := c.want.(interface{ Equal(x any) bool }); ok && !key.Equal(got) {
				t.Error("got another key")
			}
		})
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add(allTestKeys())
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, err := parseKeySet(content)
		if err == nil && len(keys) == 0 {
			t.Fatal("a key set without keys was accepted")
		}
	})
}
