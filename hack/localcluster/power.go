package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/fake"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

func (s *session) nodeArg(args []string) (int, error) {
	if len(args) != 1 {
		return 0, errors.New("which node? (a number)")
	}
	n, err := strconv.Atoi(strings.TrimPrefix(args[0], "node"))
	if err != nil || n < 1 || n > s.cluster.Nodes {
		return 0, fmt.Errorf("the cluster has nodes 1 to %d, not %s", s.cluster.Nodes, args[0])
	}
	return n, nil
}

// nodeOff takes the power from a node: everything on it is gone at once, as far as the kernel can.
func (t *tool) nodeOff(ctx context.Context, args []string) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	n, err := s.nodeArg(args)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.cluster.Off(n), nil, 0o644); err != nil {
		return fmt.Errorf("switch %s off: %w", layout.NodeName(n), err)
	}
	if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell the cluster: %w", err)
	}
	return s.await(ctx, 30*time.Second, "control", func() error {
		nodes, err := s.nodePIDs()
		if err == nil && nodes[n] != 0 {
			err = fmt.Errorf("%s does not end", layout.NodeName(n))
		}
		return err
	})
}

// nodeOn gives the power back, and waits until the node is ready.
func (t *tool) nodeOn(ctx context.Context, args []string) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	n, err := s.nodeArg(args)
	if err != nil {
		return err
	}
	if err := os.Remove(s.cluster.Off(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("switch %s on: %w", layout.NodeName(n), err)
	}
	began := time.Now()
	if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell the cluster: %w", err)
	}
	p := newProgress()
	s.waiting = p.patience()
	return p.step(layout.NodeName(n)+" ready", func() error {
		return s.await(ctx, settleTimeout, layout.NodeName(n)+"-kubelet", func() error {
			if _, err := os.Stat(s.cluster.Off(n)); err == nil {
				return fatal{fmt.Errorf("%s went off again\n%s\n%s", layout.NodeName(n), tail(s.cluster.Log("control")), tail(s.cluster.Log(layout.NodeName(n))))}
			}
			return s.nodeBack(ctx, n, began)
		})
	})
}

// nodeBack is nil once the node's kubelet has called the node ready since it was switched on: until then Ready may be what it was before.
func (s *session) nodeBack(ctx context.Context, n int, since time.Time) error {
	var node object
	if err := s.client.Get(ctx, "/api/v1/nodes/"+layout.NodeName(n), &node); err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" && c.LastHeartbeatTime.Before(since.Truncate(time.Second)) {
			return fmt.Errorf("the kubelet of %s has not been heard yet", layout.NodeName(n))
		}
	}
	return node.is("Ready")
}

// fakeNodes adds nodes that KWOK plays, and waits until they are ready.
func (t *tool) fakeNodes(ctx context.Context, args []string) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errors.New("how many nodes?")
	}
	count, err := strconv.Atoi(args[0])
	if err != nil || count < 1 || count > 5000 {
		return fmt.Errorf("a number from 1 to 5000, not %s", args[0])
	}
	if err := fake.Want(s.cluster); err != nil {
		return err
	}
	if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell the cluster: %w", err)
	}
	p := newProgress()
	s.waiting = p.patience()
	if err := p.step(fmt.Sprintf("%d fake nodes made", count), func() error { return fake.Make(ctx, s.client, count) }); err != nil {
		return err
	}
	return p.step("fake nodes ready", func() error {
		next := 1
		return s.await(ctx, settleTimeout, "kwok", func() error {
			for ; next <= count; next++ {
				if err := s.objectIs(ctx, "/api/v1/nodes/"+fake.Name(next), "Ready"); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
