package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/netns"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// session is a way to a cluster that runs.
type session struct {
	cluster layout.Cluster
	pid     int // of its first process
	client  *kube.Client
	waiting func(why error) // told why a wait goes on, often
}

var errNotUp = errors.New("no cluster is up here (start one with up)")

// open gives a session with the cluster of this checkout.
func (t *tool) open() (*session, error) {
	c, pid, err := t.running()
	if err != nil {
		return nil, err
	}
	if pid == 0 {
		return nil, errNotUp
	}
	client, err := kube.New(c.Kubeconfig("admin"), netns.Dialer(pid))
	if err != nil {
		return nil, err
	}
	return &session{cluster: c, pid: pid, client: client, waiting: func(error) {}}, nil
}

// awaitSession waits for a cluster that was just started to take its lock.
func (t *tool) awaitSession(ctx context.Context, c layout.Cluster) (*session, error) {
	var s *session
	err := poll(ctx, 10*time.Second, func() (err error) {
		s, err = t.open()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tail(c.Log("control")))
	}
	return s, nil
}

// await waits until ready gives no error. It gives up early when the cluster ends, and then quotes its log; else that of the given process.
func (s *session) await(ctx context.Context, timeout time.Duration, log string, ready func() error) error {
	ended := errors.New("the cluster has ended")
	err := poll(ctx, timeout, func() error {
		if pid, err := process.LockHolder(s.cluster.Lock()); err != nil || pid != s.pid {
			return fatal{errors.Join(ended, err)}
		}
		err := ready()
		if err != nil {
			s.waiting(err)
		}
		return err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ended):
		return fmt.Errorf("%w\n%s", err, tail(s.cluster.Log("control")))
	default:
		return fmt.Errorf("%w\n%s", err, tail(s.cluster.Log(log)))
	}
}

// fatal is an error after which waiting is in vain.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

func poll(ctx context.Context, timeout time.Duration, ready func() error) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready()
		var in fatal
		if err == nil || errors.As(err, &in) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up (%w) after %s: %w", ctx.Err(), seconds(time.Since(began)), err)
		case <-again.C:
		}
	}
}

// tail quotes the end of a log.
func tail(file string) string {
	const lines = 12
	text, err := os.ReadFile(file)
	if err != nil {
		return "(there is no log " + file + ")"
	}
	if len(text) == 0 {
		return file + " is empty"
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "The end of " + file + ":\n  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}

// environ is this process's environment with the way to the cluster.
func (s *session) environ() []string {
	return append(os.Environ(),
		"KUBECONFIG="+s.cluster.Kubeconfig("admin"),
		"PATH="+s.cluster.Bin+":"+os.Getenv("PATH"),
	)
}

// output runs one of Kubernetes' programs in the cluster's network, with its output and errors together.
func (s *session) output(ctx context.Context, in io.Reader, name string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(s.cluster.Bin, name), args...)
	cmd.Env = s.environ()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &out
	if err := netns.Start(s.pid, cmd); err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	err := cmd.Wait()
	return strings.TrimSpace(out.String()), err
}

type condition struct {
	Type, Status, Message string
	LastHeartbeatTime     time.Time // of nodes
}

type object struct {
	Metadata kube.Meta
	Status   struct{ Conditions []condition }
}

// is says whether the object has the condition; if not, why.
func (o object) is(kind string) error {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			if c.Status == "True" {
				return nil
			}
			return fmt.Errorf("%s is not %s: %s", o.Metadata.Name, kind, c.Message)
		}
	}
	return fmt.Errorf("%s is not %s yet", o.Metadata.Name, kind)
}

func (s *session) objectIs(ctx context.Context, path, kind string) error {
	var o object
	if err := s.client.Get(ctx, path, &o); err != nil {
		return err
	}
	return o.is(kind)
}

// nodesReady is nil once all nodes that have power are ready.
func (s *session) nodesReady(ctx context.Context) error {
	for n := 1; n <= s.cluster.Nodes; n++ {
		if _, err := os.Stat(s.cluster.Off(n)); err == nil {
			continue
		}
		if err := s.objectIs(ctx, "/api/v1/nodes/"+layout.NodeName(n), "Ready"); err != nil {
			return fmt.Errorf("%w (logs: %s-*.log)", err, s.cluster.Path("logs", layout.NodeName(n)))
		}
	}
	return nil
}

// addonsReady is nil once names are resolved and metrics are served.
func (s *session) addonsReady(ctx context.Context) error {
	for _, name := range []string{"coredns", "metrics-server"} {
		if err := s.objectIs(ctx, "/apis/apps/v1/namespaces/kube-system/deployments/"+name, "Available"); err != nil {
			return err
		}
	}
	return s.objectIs(ctx, "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io", "Available")
}
