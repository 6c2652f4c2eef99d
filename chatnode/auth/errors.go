package auth

import "errors"

// What can be wrong with a token. Compare with errors.Is.
var (
	// ErrExpired: the token was good until its exp. The client asks its
	// application for a new one.
	ErrExpired = errors.New("token is expired")
	// ErrNotYetValid: nbf or iat lies in the future, beyond the clock skew.
	ErrNotYetValid = errors.New("token is not valid yet")
	// ErrTooLarge: the token is longer than MaxTokenBytes.
	ErrTooLarge = errors.New("token is too large")
	// ErrMalformed: not a signed token in compact form.
	ErrMalformed = errors.New("token is malformed")
	// ErrAlgorithm: the token's algorithm (alg) is not accepted, or it does not
	// fit the key that the token names.
	ErrAlgorithm = errors.New("token algorithm is not accepted")
	// ErrUnknownKey: no key has the token's key id (kid), or the token names no
	// key although several would fit.
	ErrUnknownKey = errors.New("token is signed with an unknown key")
	// ErrSignature: the signature does not belong to this token and key.
	ErrSignature = errors.New("token signature is invalid")
	// ErrIssuer: iss is not the configured issuer.
	ErrIssuer = errors.New("token is of another issuer")
	// ErrAudience: aud does not contain the configured audience.
	ErrAudience = errors.New("token is for another audience")
	// ErrClaims: a claim is missing or has the wrong shape.
	ErrClaims = errors.New("token claims are invalid")
	// ErrPurpose: a connection token where a subscription token belongs, or the
	// other way round.
	ErrPurpose = errors.New("token is of the wrong kind")
	// ErrNoKeys: this node has no keys configured, so it accepts no token.
	ErrNoKeys = errors.New("tokens are not accepted here: no keys are configured")
	// ErrUnavailable: the keys cannot be had at the moment; the token may be
	// good, and the client may come back with it.
	ErrUnavailable = errors.New("token keys are not available at the moment")
	// ErrServerKey: no application's server has that key.
	ErrServerKey = errors.New("server key is unknown")
)

// results names each error in the metric of verified tokens.
var results = map[error]string{
	nil:            "accepted",
	ErrExpired:     "expired",
	ErrNotYetValid: "not_yet_valid",
	ErrTooLarge:    "too_large",
	ErrMalformed:   "malformed",
	ErrAlgorithm:   "algorithm",
	ErrUnknownKey:  "unknown_key",
	ErrSignature:   "signature",
	ErrIssuer:      "issuer",
	ErrAudience:    "audience",
	ErrClaims:      "claims",
	ErrPurpose:     "purpose",
	ErrNoKeys:      "no_keys",
	ErrUnavailable: "unavailable",
	ErrServerKey:   "server_key",
}

// resultOf finds the metric label of err, wrapped or not.
func resultOf(err error) string {
	for kind, name := range results {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "other"
}
