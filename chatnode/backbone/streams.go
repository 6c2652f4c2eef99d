package backbone

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	streamsWait = 30 * time.Second
	// streamsAtOnce is how many streams or buckets are made at a time.
	streamsAtOnce = 8
	// noStorage is JetStream's error code for a stream whose bound is more than what is left.
	noStorage = 10047
	// leastMaxBytes is the smallest bound of a stream that is tried.
	leastMaxBytes = 16 << 20
)

// prepareStreams makes the streams and buckets that are missing if Create is set, and else requires them to be there. Either way it
// refuses streams that were made for another number of shards.
func (b *Backbone) prepareStreams(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, streamsWait)
	defer cancel()
	if err := b.checkShards(ctx); err != nil {
		return err
	}
	settings := layout.Settings{Replicas: b.o.Replicas, MaxAge: b.o.MaxAge, MaxBytes: b.o.MaxBytes}
	for {
		err := b.prepareAll(ctx, settings)
		var refused *jetstream.APIError
		if !errors.As(err, &refused) || refused.ErrorCode != noStorage || settings.MaxBytes < 2*leastMaxBytes {
			if err != nil {
				return err
			}
			return b.openBuckets(ctx)
		}
		settings.MaxBytes /= 2
		b.log.Warn("NATS has not enough storage for streams of the size asked for; trying half", "history_bytes", settings.MaxBytes)
	}
}

func (b *Backbone) prepareAll(ctx context.Context, settings layout.Settings) error {
	work, making := errgroup.WithContext(ctx)
	work.SetLimit(streamsAtOnce)
	for _, s := range b.layout.Streams(settings) {
		work.Go(func() error { return b.prepareStream(making, s, settings.MaxBytes != b.o.MaxBytes) })
	}
	for _, s := range b.layout.Buckets(settings) {
		work.Go(func() error { return b.prepareBucket(making, s) })
	}
	return work.Wait()
}

// checkShards compares the number of shards with that of the streams that exist.
func (b *Backbone) checkShards(ctx context.Context) error {
	first := b.layout.Stream(layout.Shard{Kind: layout.Room})
	stream, err := b.js.Stream(ctx, first)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
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

// prepareStream makes a stream that is missing. With smaller, one that exists gets the smaller bound too.
func (b *Backbone) prepareStream(ctx context.Context, s layout.StreamSettings, smaller bool) error {
	if !b.o.Create {
		return b.expect(b.js.Stream(ctx, s.Name))
	}
	config := jetstream.StreamConfig{
		Name: s.Name, Subjects: s.Subjects, Replicas: s.Replicas, MaxAge: s.MaxAge, MaxBytes: s.MaxBytes,
		Duplicates: s.DuplicateWindow, Metadata: s.Metadata, Storage: jetstream.FileStorage, AllowDirect: true,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxMsgs: -1, MaxMsgsPerSubject: -1,
	}
	_, err := b.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		if !smaller {
			return nil // made before, with settings that are its operator's to change
		}
		_, err = b.js.UpdateStream(ctx, config)
	}
	if err != nil {
		return fmt.Errorf("make stream %s: %w", s.Name, err)
	}
	return nil
}

func (b *Backbone) expect(stream jetstream.Stream, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return errors.New("the streams are not there: make them, or start the node with --streams=create")
	}
	if err != nil {
		return fmt.Errorf("look up a stream: %w", err)
	}
	b.replicas = stream.CachedInfo().Config.Replicas
	return nil
}

func (b *Backbone) prepareBucket(ctx context.Context, s layout.BucketSettings) error {
	if !b.o.Create {
		return nil
	}
	_, err := b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: s.Name, Replicas: s.Replicas, TTL: s.MaxAge, Storage: jetstream.FileStorage, History: 1, LimitMarkerTTL: s.MarkerAge,
	})
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("make bucket %s: %w", s.Name, err)
	}
	return nil
}

func (b *Backbone) openBuckets(ctx context.Context) (err error) {
	open := func(name string) jetstream.KeyValue {
		kv, e := b.js.KeyValue(ctx, b.layout.Bucket(name))
		if e != nil {
			err = errors.Join(err, fmt.Errorf("open bucket %s: %w", b.layout.Bucket(name), e))
		}
		return kv
	}
	b.leases, b.indexes, b.presence = open(layout.Leases), open(layout.Index), open(layout.Presence)
	return err
}
