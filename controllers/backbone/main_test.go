package backbone

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newPool(t *testing.T) *Pool {
	t.Helper()
	p := NewPool(Options{})
	t.Cleanup(p.Close)
	return p
}

func target(urls []string, replicas int) Target {
	return Target{
		Owner: "team/lobby", URLs: urls, Layout: layout.New("chat", 2), Servers: replicas, Managed: true,
		Settings: layout.Settings{Replicas: replicas, MaxAge: time.Hour},
	}
}

// await calls Ensure until the report is as wanted, and gives it.
func await(t *testing.T, p *Pool, tg Target, what string, wanted func(Report) bool) Report {
	t.Helper()
	var r Report
	last, now := "", ""
	wait.For(t, time.Minute, what, func(ctx context.Context) error {
		last, r = now, p.Ensure(ctx, tg)
		if now = fmt.Sprintf("%v %v %s %s", r.Servers, r.Streams, r.Reason, r.Message); now != last {
			t.Logf("%s: %s", what, now)
		}
		if !wanted(r) {
			return fmt.Errorf("the report is %+v", r)
		}
		return nil
	})
	return r
}

func fine(r Report) bool { return r.Reason == "" && r.Streams == r.Wanted }

// startNATS is process.StartNATS, except in short runs.
func startNATS(t *testing.T, servers int) *process.NATSCluster {
	t.Helper()
	return startNATSWith(t, process.NATSOptions{Servers: servers})
}

func startNATSWith(t *testing.T, o process.NATSOptions) *process.NATSCluster {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	return process.StartNATSWith(t, o)
}
