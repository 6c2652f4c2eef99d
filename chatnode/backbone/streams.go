package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	streamsWait = time.Minute
	// streamWait is for one attempt at one stream: three servers agree on it, on disk. A request that comes while they do may be lost.
	streamWait = 5 * time.Second
	// streamsAtOnce is how many streams or buckets are made at a time.
	streamsAtOnce = 8
	// noStorage is JetStream's error code for a stream whose bound is more than what is left.
	noStorage = 10047
	// noPeers and notReady are those of a cluster whose servers have just started, and don't know each other well enough yet.
	noPeers  = 10005
	notReady = 10008
)

// prepareStreams makes the streams and buckets that are missing if Create is set, and else requires them to be there. Either way it
// refuses streams that were made for another number of shards.
func (b *Backbone) prepareStreams(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, streamsWait)
	defer cancel()
	if err := b.awaitJetStream(ctx); err != nil {
		return err
	}
	if err := b.checkShards(ctx); err != nil {
		return err
	}
	settings := layout.Settings{Replicas: b.o.Replicas, MaxAge: b.o.MaxAge, MaxBytes: b.o.MaxBytes}
	work, making := errgroup.WithContext(ctx)
	work.SetLimit(streamsAtOnce)
	for _, s := range b.layout.Streams(settings) {
		work.Go(func() error { return b.prepareStream(making, s) })
	}
	for _, s := range b.layout.Buckets(settings) {
		work.Go(func() error { return b.prepareBucket(making, s) })
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return b.openBuckets(ctx)
}

// awaitJetStream waits for a JetStream that answers: servers that have just started elect a leader first.
func (b *Backbone) awaitJetStream(ctx context.Context) error {
	for told := false; ; told = true {
		attempt, cancel := context.WithTimeout(ctx, apiWait)
		_, err := b.js.AccountInfo(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
			return fmt.Errorf("use JetStream at %s: %w", b.o.NATS.redacted(), err)
		case !told:
			b.log.Info("waiting for JetStream", "error", err)
		}
		if !sleep(ctx, readRetryWait) {
			return fmt.Errorf("JetStream at %s does not answer: %w; is it enabled?", b.o.NATS.redacted(), err)
		}
	}
}

// checkShards compares the number of shards with that of the streams that exist.
func (b *Backbone) checkShards(ctx context.Context) error {
	first := b.layout.Stream(layout.Shard{Kind: layout.Room})
	var stream jetstream.Stream
	err := b.insist(ctx, func(ctx context.Context) (err error) {
		stream, err = b.js.Stream(ctx, first)
		return err
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.replicas = b.o.Replicas
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", first, err)
	}
	config := stream.CachedInfo().Config
	if made, mine := config.Metadata[layout.MetadataShards], strconv.Itoa(b.layout.Shards()); made != mine {
		return fmt.Errorf("the streams were made for %s shards and this node is told %s: start it with --shards=%s", made, mine, made)
	}
	b.replicas = config.Replicas
	return nil
}

func (b *Backbone) prepareStream(ctx context.Context, s layout.StreamSettings) error {
	if !b.o.Create {
		return expected(b.insist(ctx, func(ctx context.Context) error {
			_, err := b.js.Stream(ctx, s.Name)
			return err
		}))
	}
	err := b.insist(ctx, func(ctx context.Context) error {
		_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: s.Name, Subjects: s.Subjects, Replicas: s.Replicas, MaxAge: s.MaxAge, MaxBytes: s.MaxBytes,
			Duplicates: s.DuplicateWindow, Metadata: s.Metadata, Storage: jetstream.FileStorage, AllowDirect: true,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxMsgs: -1, MaxMsgsPerSubject: -1,
		})
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse):
		return nil // made before, with settings that are its operator's to change
	case refusedWith(err, noStorage):
		return fmt.Errorf("NATS has not enough storage for %d streams of %d bytes each: choose less with --history-bytes",
			len(b.layout.All()), s.MaxBytes)
	case err != nil:
		return fmt.Errorf("make stream %s: %w", s.Name, err)
	}
	return nil
}

// insist makes or looks up a stream, again and again while the servers are too new to each other or don't answer, until ctx ends.
func (b *Backbone) insist(ctx context.Context, ask func(context.Context) error) error {
	for told := false; ; told = true {
		attempt, cancel := context.WithTimeout(ctx, streamWait)
		err := ask(attempt)
		cancel()
		passes := refusedWith(err, noPeers, notReady) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders)
		if !passes {
			return err
		}
		if !told {
			b.log.Info("waiting for NATS servers that take a stream", "error", err)
		}
		if !sleep(ctx, readRetryWait) {
			return err
		}
	}
}

// refusedWith tells whether JetStream has answered with one of these codes.
func refusedWith(err error, codes ...jetstream.ErrorCode) bool {
	var refused jetstream.JetStreamError
	return errors.As(err, &refused) && refused.APIError() != nil && slices.Contains(codes, refused.APIError().ErrorCode)
}

// expected says what to do about a stream that should be there.
func expected(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errors.New("the streams are not there: make them, or start the node with --streams=create")
	}
	if err != nil {
		return fmt.Errorf("look up a stream: %w", err)
	}
	return nil
}

func (b *Backbone) prepareBucket(ctx context.Context, s layout.BucketSettings) error {
	if !b.o.Create {
		return nil
	}
	err := b.insist(ctx, func(ctx context.Context) error {
		_, err := b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: s.Name, Replicas: s.Replicas, TTL: s.MaxAge, Storage: jetstream.FileStorage, History: 1, LimitMarkerTTL: s.MarkerAge,
		})
		return err
	})
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("make bucket %s: %w", s.Name, err)
	}
	return nil
}

func (b *Backbone) openBuckets(ctx context.Context) (err error) {
	var missing []string
	open := func(name string) jetstream.KeyValue {
		var kv jetstream.KeyValue
		e := b.insist(ctx, func(ctx context.Context) (err error) {
			kv, err = b.js.KeyValue(ctx, b.layout.Bucket(name))
			return err
		})
		switch {
		case errors.Is(e, jetstream.ErrBucketNotFound):
			missing = append(missing, b.layout.Bucket(name))
		case e != nil:
			err = errors.Join(err, fmt.Errorf("open bucket %s: %w", b.layout.Bucket(name), e))
		}
		return kv
	}
	b.leases, b.indexes, b.presence = open(layout.Leases), open(layout.Index), open(layout.Presence)
	for _, table := range layout.Tables {
		open(table) // rows are read and written without the library, but the table must be there
	}
	if len(missing) > 0 {
		err = errors.Join(err, fmt.Errorf("these buckets are not there: %s: make them, or start the node with --streams=create", strings.Join(missing, ", ")))
	}
	return err
}
