package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

const (
	// DefaultHashCost is bcrypt's: some 50 ms of one core.
	DefaultHashCost = 10
	// maxHashing is how many wait for their turn.
	maxHashing = 64
	// bcryptBytes is the longest password that bcrypt takes.
	bcryptBytes = 72
)

// errHashing says that too many passwords wait.
var errHashing = errors.New("too many passwords are being checked")

// hasher makes and checks hashes of passwords, on half of the cores at most: the others are for messages.
type hasher struct {
	cost    int
	turns   chan struct{}
	waiting atomic.Int64
}

func newHasher(cost int) *hasher {
	return &hasher{cost: cost, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// hash makes a salted hash. Errors: errHashing, the context's.
func (h *hasher) hash(ctx context.Context, password string) (hash []byte, err error) {
	err = errors.Join(h.turn(ctx, func() { hash, err = bcrypt.GenerateFromPassword(fitting(password), h.cost) }), err)
	return hash, err
}

// matches says whether the password is that of the hash, in a time that doesn't depend on where they differ. Errors: errHashing, the context's.
func (h *hasher) matches(ctx context.Context, hash []byte, password string) (ok bool, err error) {
	err = h.turn(ctx, func() { ok = bcrypt.CompareHashAndPassword(hash, fitting(password)) == nil })
	return ok, err
}

func (h *hasher) turn(ctx context.Context, work func()) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxHashing {
		return errHashing
	}
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.turns }()
	work()
	return nil
}

// fitting makes a password of one that is too long for bcrypt.
func fitting(password string) []byte {
	if len(password) <= bcryptBytes {
		return []byte(password)
	}
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}
