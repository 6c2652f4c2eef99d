package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

const (
	minServerKey  = 32
	maxServerKey  = 512
	maxServerApp  = 128 // bytes
	maxServerKeys = 1000
)

// ServerKey gives the app whose server has the key, or ErrServerKey. Keys have no dots, and tokens have: so one is not taken for the other.
// The time it takes does not tell how much of a key is right.
func (v *Verifier) ServerKey(key string) (app string, err error) {
	app, ok := v.servers.find(key)
	if !ok {
		err = ErrServerKey
	}
	v.metrics.verified("server", err)
	return app, err
}

// serverKeys are the keys in use.
type serverKeys struct{ list atomic.Pointer[[]serverKey] }

// serverKey is a key as it is kept: enough to know it again.
type serverKey struct {
	app  string
	hash [sha256.Size]byte
}

// find compares with every key, whether one has fitted or not.
func (k *serverKeys) find(key string) (app string, ok bool) {
	list := k.list.Load()
	if list == nil || len(key) > maxServerKey {
		return "", false
	}
	hash := sha256.Sum256([]byte(key))
	for i := range *list {
		if known := &(*list)[i]; subtle.ConstantTimeCompare(known.hash[:], hash[:]) == 1 {
			app, ok = known.app, true
		}
	}
	return app, ok
}

func (k *serverKeys) set(content []byte) error {
	list, err := parseServerKeys(content)
	if err == nil {
		k.list.Store(&list)
	}
	return err
}

// parseServerKeys reads lines of an app and a key, with white space between. An app may have several keys, so that one can be changed for
// another. Empty lines and those that begin with # say nothing. Errors name the line and show nothing of it.
func parseServerKeys(content []byte) ([]serverKey, error) {
	var list []serverKey
	lines := map[[sha256.Size]byte]int{}
	number := 0
	for text := range bytes.Lines(content) {
		number++
		words := strings.Fields(string(text))
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		key, err := parseServerKey(words)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if first, twice := lines[key.hash]; twice {
			return nil, fmt.Errorf("line %d: the key stands in line %d already", number, first)
		}
		lines[key.hash] = number
		list = append(list, key)
	}
	if len(list) > maxServerKeys {
		return nil, fmt.Errorf("%d keys, at most %d are read", len(list), maxServerKeys)
	}
	return list, nil
}

func parseServerKey(words []string) (serverKey, error) {
	if len(words) != 2 {
		return serverKey{}, errors.New("not the name of an app and a key with a space between")
	}
	app, key := words[0], words[1]
	switch {
	case len(app) > maxServerApp || !utf8.ValidString(app):
		return serverKey{}, fmt.Errorf("the name of an app is at most %d bytes of UTF-8", maxServerApp)
	case len(key) < minServerKey || len(key) > maxServerKey:
		return serverKey{}, fmt.Errorf("the key has %d characters, needs %d to %d", len(key), minServerKey, maxServerKey)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' }):
		return serverKey{}, errors.New("the key has dots, or characters that no HTTP header can carry: letters, digits, - and _ are best")
	}
	return serverKey{app: app, hash: sha256.Sum256([]byte(key))}, nil
}
