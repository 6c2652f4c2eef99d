package comet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// claims are what a JSON Web Token says.
type claims struct {
	// UserID must be a number; a pointer, so that one that is missing is not 0.
	UserID *int64 `json:"user_id"`
	// Expires and Issued are in seconds since 1970, and may have a fraction (RFC 7519, section 2).
	Expires *float64 `json:"exp"`
	Issued  float64  `json:"iat"`
}

var (
	errToken = errors.New("the token is invalid")
	errEnded = errors.New("the token has ended")
)

// verify reads a token that was signed, by HS256, with the password and the number of the tenant behind it; errEnded if it was good until
// lately, and errToken if it is none.
func verify(token string, password []byte, tenant int, now time.Time) (claims, error) {
	c, signed, signature, err := parseToken(token)
	if err != nil || len(password) == 0 {
		return claims{}, errToken
	}
	mac := hmac.New(sha256.New, append(append([]byte(nil), password...), strconv.Itoa(tenant)...))
	mac.Write([]byte(signed))
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return claims{}, errToken
	}
	if c.Expires != nil && *c.Expires <= float64(now.Unix()) {
		return claims{}, errEnded
	}
	return c, nil
}

// parseToken takes a token apart, without asking who signed it.
func parseToken(token string) (c claims, signed string, signature []byte, err error) {
	at := strings.LastIndexByte(token, '.')
	if at < 0 || len(token) > maxKey {
		return c, "", nil, errToken
	}
	signed = token[:at]
	head, body, ok := strings.Cut(signed, ".")
	if !ok {
		return c, "", nil, errToken
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if decodePart(head, &header) != nil || header.Algorithm != "HS256" || decodePart(body, &c) != nil || c.UserID == nil {
		return c, "", nil, errToken
	}
	if signature, err = base64.RawURLEncoding.DecodeString(token[at+1:]); err != nil {
		return c, "", nil, errToken
	}
	return c, signed, signature, nil
}

func decodePart(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
