package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// gatherWait is how long the next server's answer may take.
const gatherWait = time.Second

// serverAnswer is the beginning of every answer of the system account.
type serverAnswer struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
}

// healthAnswer is what a server answers to SERVER.PING.HEALTHZ.
type healthAnswer struct {
	serverAnswer
	Data struct {
		Status string `json:"status"`
		Error  string `json:"error"`
	} `json:"data"`
}

// jszAnswer is what a server answers to SERVER.PING.JSZ, of the streams that it leads.
type jszAnswer struct {
	serverAnswer
	Data struct {
		Meta struct {
			Leader   string     `json:"leader"`
			Replicas []metaPeer `json:"replicas"`
		} `json:"meta_cluster"`
		Accounts []struct {
			Streams []struct {
				Name    string                 `json:"name"`
				Cluster *jetstream.ClusterInfo `json:"cluster"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	} `json:"data"`
}

// metaPeer is a server as the leader of the meta group sees it. It may know no more of one that is away than its id.
type metaPeer struct {
	jetstream.PeerInfo
	ID string `json:"peer"`
}

// streams are those that the server leads, with what they lack. behind is set if it is mere lag for one of them.
func (a *jszAnswer) streams(behind *bool) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, account := range a.Data.Accounts {
			for _, s := range account.Streams {
				what, away := lag(s.Cluster, 0)
				*behind = *behind || what != "" && !away
				if !yield(s.Name, what) {
					return
				}
			}
		}
	}
}

// gather asks all servers, and gives the answers of so many, or of those that answer while others do.
func gather[T any](ctx context.Context, nc *nats.Conn, subject, request string, servers int) ([]T, error) {
	sub, err := nc.SubscribeSync(nc.NewRespInbox())
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.PublishRequest(subject, sub.Subject, []byte(request)); err != nil {
		return nil, fmt.Errorf("ask %s: %w", subject, err)
	}
	var answers []T
	for len(answers) < servers {
		wait, cancel := context.WithTimeout(ctx, gatherWait)
		m, err := sub.NextMsgWithContext(wait)
		cancel()
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && len(answers) > 0:
			return answers, nil
		case errors.Is(err, nats.ErrNoResponders):
			return nil, fmt.Errorf("ask %s: these credentials are not of the system account", subject)
		case err != nil:
			return nil, fmt.Errorf("ask %s: %w", subject, err)
		}
		var answer T
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return nil, fmt.Errorf("ask %s: read the answer: %w", subject, err)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}
