package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// atOnce is how many streams are worked on at a time.
	atOnce = 16
	// infoWait bounds one look at a stream, changeWait one change.
	infoWait, changeWait = 2 * time.Second, 5 * time.Second
	// looks is how often a stream is looked at that seems to lag: under load, replicas are behind for moments.
	looks    = 4
	lookWait = 150 * time.Millisecond
)

// Error codes of JetStream.
const (
	noCluster        jetstream.ErrorCode = 10074 // replicas without a cluster
	noPeers          jetstream.ErrorCode = 10005
	noStorage        jetstream.ErrorCode = 10047
	noStorageOnAny   jetstream.ErrorCode = 10023 // insufficient resources
	noAccountStorage jetstream.ErrorCode = 10002
	tooManyStreams   jetstream.ErrorCode = 10027
	unbounded        jetstream.ErrorCode = 10113
	tooLarge         jetstream.ErrorCode = 10122
	overlap          jetstream.ErrorCode = 10065
	notAvailable     jetstream.ErrorCode = 10008
	notReady         jetstream.ErrorCode = 10118 // the stream is offline
	memberChange     jetstream.ErrorCode = 10202 // another server comes or goes
)

// state is one stream after the work on it.
type state struct {
	name    string
	info    *jetstream.StreamInfo // nil if it couldn't be had
	made    bool
	changes []string
	lagging string
	err     error
}

// prepare makes or updates every stream. It always returns as many states as wanted.
func prepare(ctx context.Context, js jetstream.JetStream, wanted []jetstream.StreamConfig) []state {
	states := make([]state, len(wanted))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(atOnce, len(wanted)) {
		workers.Go(func() {
			for i := range next {
				states[i] = prepareOne(ctx, js, wanted[i])
			}
		})
	}
	for i := range wanted {
		next <- i
	}
	close(next)
	workers.Wait()
	return states
}

func prepareOne(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) state {
	s := state{name: want.Name}
	stream, err := look(ctx, js, want.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		s.made = true
		stream, err = makeStream(ctx, js, want)
	case err == nil:
		stream, s.changes, err = update(ctx, js, stream, want)
	}
	if err != nil {
		if s.lagging = leaderless(err); s.lagging == "" {
			s.err = err
		}
		s.made, s.changes = false, nil
		return s
	}
	s.info, s.lagging = settled(ctx, js, stream.CachedInfo())
	return s
}

func look(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, infoWait)
	defer cancel()
	return js.Stream(ctx, name)
}

func makeStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, changeWait)
	defer cancel()
	stream, err := js.CreateStream(ctx, want)
	if err != nil {
		return nil, refusedBecause(want, err)
	}
	return stream, nil
}

func update(ctx context.Context, js jetstream.JetStream, stream jetstream.Stream, want jetstream.StreamConfig) (jetstream.Stream, []string, error) {
	updated, needed, changes, refused := compare(stream.CachedInfo().Config, want)
	if refused != "" {
		return nil, nil, errors.New(refused)
	}
	if !needed {
		return stream, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, changeWait)
	defer cancel()
	stream, err := js.UpdateStream(ctx, updated)
	if err != nil {
		return nil, nil, refusedBecause(want, err)
	}
	return stream, changes, nil
}

// settled looks again at a stream whose replicas are behind, and gives what it lacks in the end.
func settled(ctx context.Context, js jetstream.JetStream, info *jetstream.StreamInfo) (*jetstream.StreamInfo, string) {
	pause := time.NewTimer(lookWait)
	defer pause.Stop()
	for range looks - 1 {
		if what, away := lag(info.Cluster, info.Config.Replicas); what == "" || away {
			return info, what
		}
		select {
		case <-pause.C:
			pause.Reset(lookWait)
		case <-ctx.Done():
		}
		stream, err := look(ctx, js, info.Config.Name)
		if err != nil {
			break
		}
		info = stream.CachedInfo()
	}
	what, _ := lag(info.Cluster, info.Config.Replicas)
	return info, what
}

// leaderless says what it means that the stream doesn't answer while NATS does; empty if the error is another one.
func leaderless(err error) string {
	switch code := errorCode(err); {
	case code == notAvailable, code == notReady:
		return "no leader"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return "no answer"
	default:
		return ""
	}
}

func errorCode(err error) jetstream.ErrorCode {
	var refused jetstream.JetStreamError
	if errors.As(err, &refused) && refused.APIError() != nil {
		return refused.APIError().ErrorCode
	}
	return 0
}

// refusedBecause puts what JetStream says into words about the spec.
func refusedBecause(want jetstream.StreamConfig, err error) error {
	switch errorCode(err) {
	case noCluster:
		return fmt.Errorf("can't have %d replicas: the NATS server runs alone (%w)", want.Replicas, err)
	case noPeers:
		return fmt.Errorf("can't have %d replicas: not as many NATS servers are there with room for %d bytes (%w)", want.Replicas, want.MaxBytes, err)
	case noStorage, noStorageOnAny, noAccountStorage:
		return fmt.Errorf("has no room: NATS can't reserve %d bytes for it; lower spec.history.maxBytes or allow more storage (%w)", want.MaxBytes, err)
	case unbounded:
		return fmt.Errorf("has no bound, which the NATS account demands: set spec.history.maxBytes (%w)", err)
	case tooLarge:
		return fmt.Errorf("may take %d bytes, more than the NATS account allows one stream: lower spec.history.maxBytes (%w)", want.MaxBytes, err)
	case tooManyStreams:
		return fmt.Errorf("is one too many for the NATS account (%w)", err)
	case overlap:
		return fmt.Errorf("can't take the subjects %s, which another stream takes (%w)", strings.Join(want.Subjects, ", "), err)
	default:
		return err
	}
}

// changesOf tells what was made and changed, with streams of the same change together.
func changesOf(states []state) []string {
	var made []string
	by := map[string][]string{}
	for _, s := range states {
		if s.made {
			made = append(made, s.name)
		}
		for _, c := range s.changes {
			by[c] = append(by[c], s.name)
		}
	}
	var all []string
	if len(made) > 0 {
		all = append(all, "made "+few(made))
	}
	for c, names := range by {
		all = append(all, c+" of "+few(names))
	}
	slices.Sort(all)
	return all
}

// few lists names, but not many.
func few(names []string) string {
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
