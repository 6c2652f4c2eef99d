package auth

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// minSecretBytes is what RFC 7518, section 3.2 asks of an HS256 key.
const minSecretBytes = 32

// secret is the HMAC secret in use.
type secret struct {
	value atomic.Pointer[[]byte]
	// short lets one with less than minSecretBytes in.
	short bool
}

// get returns nil when there is none.
func (s *secret) get() []byte {
	if p := s.value.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *secret) set(value []byte) error {
	if len(value) < minSecretBytes && (!s.short || len(value) == 0) {
		return fmt.Errorf("HMAC secret has %d bytes, needs at least %d", len(value), minSecretBytes)
	}
	// HMAC fills keys up with zeros, so this is the same key; the library refuses it without.
	value = append(bytes.Clone(value), make([]byte, max(0, minSecretBytes-len(value)))...)
	s.value.Store(&value)
	return nil
}

// setText takes the content of a file: editors end it with a newline.
func (s *secret) setText(content []byte) error { return s.set(bytes.TrimSpace(content)) }
