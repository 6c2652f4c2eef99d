package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	// answerWait is how long an answer is waited for, as by the SDKs. Then the connection is taken for dead.
	answerWait = 5 * time.Second
	// retryEvery is the least time between two attempts.
	retryEvery = 50 * time.Millisecond
)

// device is one connection of a user, which goes to the next node when its own dies.
type device struct {
	*client.Client
	user string
}

// attempt calls a method once. Where it can't be known what became of it, the connection is given up.
func (d *device) attempt(ctx context.Context, method string, q, reply proto.Message) error {
	data, err := chatjson.Marshal(q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	data, err = d.RPC(ctx, method, data)
	if errors.Is(err, context.DeadlineExceeded) {
		d.Cut()
	}
	if err != nil {
		return err
	}
	return chatjson.Unmarshal(data, reply)
}

// call repeats a call, which is allowed and has its idempotency key, until it is acknowledged and right says that the answer is right (nil:
// any is). Another node may refuse for a moment what has just become allowed: it hears of changes when they have happened.
func (d *device) call(ctx context.Context, method string, q, reply proto.Message, right func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var wrong error // which says more than how the last attempt of all ended
	err := wait.Until(ctx, retryEvery, func(ctx context.Context) error {
		proto.Reset(reply)
		err := d.attempt(ctx, method, q, reply)
		if err == nil && right != nil {
			err = right()
			wrong = err
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s calls %s with %v: %w", d.user, method, q, errors.Join(err, wrong))
	}
	return nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
