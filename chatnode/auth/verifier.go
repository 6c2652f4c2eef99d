package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// MaxTokenBytes is the longest token that is looked at.
const MaxTokenBytes = 8 << 10

// clockSkew is how far the issuer's clock may run ahead of ours. It is not
// granted to exp: a token is bad from that second on.
const clockSkew = 30 * time.Second

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	options Options
	metrics *metrics
	secret  secret
	keys    keySource
	servers serverKeys
	stop    func()
}

// Connection verifies a connection token. A token with an unknown kid may wait
// for the key set to be fetched, at most fetchDeadline.
func (v *Verifier) Connection(token string) (Connection, error) {
	c, err := v.verify(token)
	var out Connection
	if err == nil {
		out, err = c.connection()
	}
	v.metrics.verified("connection", err)
	if err != nil {
		return Connection{}, fmt.Errorf("verify connection token: %w", err)
	}
	return out, nil
}

// Subscription verifies a subscription token. The caller compares its user,
// its client (if any), its channel and its app with those of the request.
func (v *Verifier) Subscription(token string) (Subscription, error) {
	c, err := v.verify(token)
	var out Subscription
	if err == nil {
		out, err = c.subscription()
	}
	v.metrics.verified("subscription", err)
	if err != nil {
		return Subscription{}, fmt.Errorf("verify subscription token: %w", err)
	}
	return out, nil
}

// Foreign verifies a token of a protocol that has claims of its own, and reads
// these into a pointer to a struct with the tags of JSON. Signature, times,
// issuer and audience are checked as always.
func (v *Verifier) Foreign(token string, into any) error {
	payload, err := v.signed(token)
	if err == nil {
		err = v.decodeForeign(payload, into)
	}
	v.metrics.verified("foreign", err)
	if err != nil {
		return fmt.Errorf("verify token: %w", err)
	}
	return nil
}

func (v *Verifier) decodeForeign(payload []byte, into any) error {
	var c claims
	if !utf8.Valid(payload) || josejson.Unmarshal(payload, &c.Claims) != nil || josejson.Unmarshal(payload, into) != nil {
		return fmt.Errorf("%w: not the expected JSON", ErrClaims)
	}
	return v.check(c)
}

// verify checks everything that both kinds of token have in common.
func (v *Verifier) verify(token string) (claims, error) {
	payload, err := v.signed(token)
	if err != nil {
		return claims{}, err
	}
	c, err := decodeClaims(payload)
	if err != nil {
		return claims{}, err
	}
	return c, v.check(c)
}

// signed gives what a token says if its signature is good. The signature comes
// before the claims: nothing of an unsigned payload is read.
func (v *Verifier) signed(token string) ([]byte, error) {
	if len(token) > MaxTokenBytes {
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, MaxTokenBytes)
	}
	accepted := v.algorithms()
	if len(accepted) == 0 {
		return nil, ErrNoKeys
	}
	signed, err := jose.ParseSignedCompact(token, accepted)
	if err != nil {
		// The library's text can quote the token's header.
		var unexpected *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &unexpected) {
			return nil, ErrAlgorithm
		}
		return nil, ErrMalformed
	}
	key, err := v.key(signed.Signatures[0].Header)
	if err != nil {
		return nil, err
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

func (v *Verifier) algorithms() []jose.SignatureAlgorithm {
	var out []jose.SignatureAlgorithm
	if v.secret.get() != nil {
		out = append(out, jose.HS256)
	}
	if v.keys != nil {
		out = append(out, jose.RS256, jose.ES256, jose.EdDSA)
	}
	return out
}

// key gives the one key that may verify a token with this header. HS256 never
// meets a public key and the others never meet the secret, so a public key
// cannot serve as an HMAC secret.
func (v *Verifier) key(h jose.Header) (any, error) {
	algorithm := jose.SignatureAlgorithm(h.Algorithm)
	if algorithm == jose.HS256 {
		return v.secret.get(), nil
	}
	return v.keys.find(h.KeyID, algorithm)
}

// check compares the verified claims with the clock and the configuration.
func (v *Verifier) check(c claims) error {
	now := v.options.Clock()
	if c.Expiry != nil && !now.Before(c.Expiry.Time()) {
		return ErrExpired
	}
	latest := now.Add(clockSkew)
	if c.NotBefore != nil && latest.Before(c.NotBefore.Time()) {
		return ErrNotYetValid
	}
	if c.IssuedAt != nil && latest.Before(c.IssuedAt.Time()) {
		return fmt.Errorf("%w: issued in the future", ErrNotYetValid)
	}
	if v.options.Issuer != "" && c.Issuer != v.options.Issuer {
		return ErrIssuer
	}
	if v.options.Audience != "" && !c.Audience.Contains(v.options.Audience) {
		return ErrAudience
	}
	return nil
}

// Close ends the background work and waits for it. Tokens are still verified
// afterwards, with the keys of then.
func (v *Verifier) Close() { v.stop() }

// keySource finds the public key with an id that fits an algorithm.
type keySource interface {
	find(id string, algorithm jose.SignatureAlgorithm) (any, error)
	// run follows the source until ctx ends.
	run(ctx context.Context)
}
