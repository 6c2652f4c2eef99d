package index

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// KV is a Store in a key-value bucket of NATS.
type KV struct {
	bucket  jetstream.KeyValue
	conn    *nats.Conn
	read    string // the API subject for reading one message through the stream's leader
	subject string // the start of the keys' subjects
}

// NewKV gives the store that is kept in the bucket.
func NewKV(js jetstream.JetStream, bucket jetstream.KeyValue) *KV {
	prefix := jetstream.DefaultAPIPrefix
	if o := js.Options(); o.APIPrefix != "" {
		prefix = o.APIPrefix
	} else if o.Domain != "" {
		prefix = "$JS." + o.Domain + ".API."
	}
	return &KV{
		bucket: bucket, conn: js.Conn(),
		read:    prefix + "STREAM.MSG.GET.KV_" + bucket.Bucket(),
		subject: "$KV." + bucket.Bucket() + ".",
	}
}

// leaderAnswer is the part of the server's answer to STREAM.MSG.GET that matters here.
type leaderAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message *struct {
		Seq  uint64 `json:"seq"`
		Hdrs []byte `json:"hdrs"`
		Data []byte `json:"data"`
	} `json:"message"`
}

// Get asks the bucket's leader: a follower, which the bucket's own Get may ask, can be behind what was acknowledged.
func (s *KV) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": s.subject + key})
	if err != nil {
		return nil, 0, fmt.Errorf("ask for %s: %w", key, err)
	}
	reply, err := s.conn.RequestWithContext(ctx, s.read, request)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	var answer leaderAnswer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	switch m := answer.Message; {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, 0, ErrNotFound
	case answer.Error != nil:
		return nil, 0, fmt.Errorf("read %s: %w", key, answer.Error)
	case m == nil:
		return nil, 0, fmt.Errorf("read %s: %w", key, jetstream.ErrInvalidJetStreamResponse)
	case len(m.Data) == 0 && len(m.Hdrs) > 0: // a mark that the key was deleted
		return nil, 0, ErrNotFound
	default:
		return m.Data, m.Seq, nil
	}
}

// Put writes the value whatever was there.
func (s *KV) Put(ctx context.Context, key string, value []byte) error {
	if _, err := s.bucket.Put(ctx, key, value); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// Update writes the value if the key has that revision.
func (s *KV) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	write := s.bucket.Create
	if revision > 0 {
		write = func(ctx context.Context, key string, value []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
			return s.bucket.Update(ctx, key, value, revision)
		}
	}
	written, err := write(ctx, key, value)
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return 0, ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("update %s: %w", key, err)
	}
	return written, nil
}
