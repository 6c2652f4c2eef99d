package auth

import (
	"errors"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestForeignClaimsAreReadFromVerifiedTokensOnly(t *testing.T) {
	short := []byte("tokenKey")
	if _, err := New(t.Context(), Options{HMACSecret: short}); err == nil {
		t.Error("a short secret was taken without being asked for")
	}
	v := newVerifier(t, Options{HMACSecret: short, ShortSecret: true})
	mac := func(key []byte, payload string) string {
		return signedByHand(key, `{"alg":"HS256"}`, payload)
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"good":            {mac(short, `{"sub":"U","app_id":"tilechat","admin":"word"}`), nil},
		"another key":     {mac([]byte("tokenkey"), `{"sub":"U","app_id":"tilechat"}`), ErrSignature},
		"expired":         {mac(short, `{"sub":"U","app_id":"tilechat","exp":1}`), ErrExpired},
		"a claim twice":   {mac(short, `{"sub":"U","app_id":"tilechat","app_id":"other"}`), ErrClaims},
		"another type":    {mac(short, `{"sub":"U","app_id":7}`), ErrClaims},
		"not UTF-8":       {mac(short, "{\"sub\":\"U\xff\"}"), ErrClaims},
		"no token":        {"", ErrMalformed},
		"not signed":      {unsigned(`{"alg":"none"}`, `{"sub":"U","app_id":"tilechat"}`, nil), ErrAlgorithm},
		"by a public key": {sign(t, jose.RS256, testRSA(), "rsa", testClaims), ErrAlgorithm},
	} {
		var got struct {
			App string `json:"app_id"`
		}
		err := v.Foreign(c.token, &got)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && got.App != "tilechat" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
