package hook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Headers of every request.
const (
	// SignatureHeader is "t=UNIX,v1=HEX": the time of the request in seconds since 1970, and the HMAC-SHA256 of "t.body", keyed with
	// the shared secret. There is a v1 for each secret.
	SignatureHeader = "Chatfleet-Signature"
	// DeliveryHeader names what is delivered: a stored event has the same id at each attempt, from whichever node.
	DeliveryHeader = "Chatfleet-Delivery"
)

const (
	minSecretBytes = 32
	maxSecrets     = 4
)

// ErrSignature says that a request is not signed with the secret, or was signed too long ago.
var ErrSignature = errors.New("the signature is not right")

// ParseSecrets reads a file of secrets: one a line, at least 32 bytes each, at most 4. Requests are signed with each of them, so that
// receivers can go from one to the next.
func ParseSecrets(content []byte) ([][]byte, error) {
	var secrets [][]byte
	for line := range bytes.Lines(content) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
			continue
		case len(line) < minSecretBytes:
			return nil, fmt.Errorf("a secret has %d bytes, and needs at least %d", len(line), minSecretBytes)
		}
		secrets = append(secrets, line)
	}
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return nil, fmt.Errorf("there are %d secrets, one a line: it takes 1 to %d", len(secrets), maxSecrets)
	}
	return secrets, nil
}

// Sign gives the signature header of a request's body.
func Sign(secrets [][]byte, now time.Time, body []byte) string {
	at := strconv.FormatInt(now.Unix(), 10)
	header := "t=" + at
	for _, secret := range secrets {
		header += ",v1=" + hex.EncodeToString(mac(secret, at, body))
	}
	return header
}

func mac(secret []byte, at string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(at + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify says whether the header signs the body with the secret, at most so long before or after now. It is what a receiver does
// before it believes a request. Errors: ErrSignature.
func Verify(secret []byte, header string, now time.Time, tolerance time.Duration, body []byte) error {
	at, rest, _ := strings.Cut(header, ",")
	at, named := strings.CutPrefix(at, "t=")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if !named || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return ErrSignature
	}
	want := mac(secret, at, body)
	for part := range strings.SplitSeq(rest, ",") {
		signature, ok := strings.CutPrefix(part, "v1=")
		if got, err := hex.DecodeString(signature); ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return ErrSignature
}
