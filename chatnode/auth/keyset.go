package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxKeySetBytes = 256 << 10
	maxKeys        = 100
	minRSABits     = 2048
	maxRSABits     = 8192 // larger ones only make verification slow
)

// keySet holds the public keys of a JSON Web Key Set that can verify tokens.
type keySet []jose.JSONWebKey

// parseKeySet reads a JSON Web Key Set. Keys that cannot verify our tokens
// (private, symmetric, for encryption, weak, of an unknown type) are left out,
// as RFC 7517 section 5 asks; a set without any good key is an error.
func parseKeySet(content []byte) (keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, errors.New("key set is not a JSON object with keys")
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("key set has %d keys, at most %d are read", len(document.Keys), maxKeys)
	}
	var out keySet
	for _, raw := range document.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && algorithmOf(key) != "" {
			out = append(out, key)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("key set has no public key for RS256, ES256 or EdDSA among its %d keys", len(document.Keys))
	}
	return out, nil
}

// algorithmOf names the one algorithm that a key may verify; empty: none.
func algorithmOf(key jose.JSONWebKey) jose.SignatureAlgorithm {
	if key.Use != "" && key.Use != "sig" {
		return ""
	}
	var algorithm jose.SignatureAlgorithm
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= minRSABits && bits <= maxRSABits {
			algorithm = jose.RS256
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			algorithm = jose.ES256
		}
	case ed25519.PublicKey:
		algorithm = jose.EdDSA
	}
	if !key.Valid() || key.Algorithm != "" && key.Algorithm != string(algorithm) {
		return ""
	}
	return algorithm
}

// find gives the key with this id that fits the algorithm. A token without a
// key id is taken if only one key fits.
func (s keySet) find(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	var fitting []any
	named := false
	for _, key := range s {
		if id != "" && key.KeyID != id {
			continue
		}
		named = true
		if algorithmOf(key) == algorithm {
			fitting = append(fitting, key.Key)
		}
	}
	switch {
	case len(fitting) == 1, len(fitting) > 1 && id != "":
		return fitting[0], nil
	case len(fitting) > 1:
		return nil, fmt.Errorf("%w: it names none", ErrUnknownKey)
	case named:
		return nil, fmt.Errorf("%w: it does not fit the key", ErrAlgorithm)
	}
	return nil, ErrUnknownKey
}
