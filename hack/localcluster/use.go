package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/image"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/netns"
	"github.com/chatfleet/chatfleet/hack/localcluster/node"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// run replaces this process by a program in the cluster's network.
func (t *tool) run(_ context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("run what?")
	}
	s, err := t.open()
	if err != nil {
		return err
	}
	if err := os.Setenv("PATH", s.cluster.Bin+":"+os.Getenv("PATH")); err != nil {
		return fmt.Errorf("extend PATH: %w", err)
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return fmt.Errorf("find %s: %w", args[0], err)
	}
	return netns.Exec(s.pid, path, args, s.environ())
}

func (t *tool) kubectl(ctx context.Context, args []string) error {
	return t.run(ctx, append([]string{"kubectl"}, args...))
}

// load keeps images for nodes that start later, and imports them into those that have power.
func (t *tool) load(ctx context.Context, args []string) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	p := newProgress()
	for _, archive := range args {
		kept := filepath.Join(s.cluster.Loaded(), filepath.Base(archive))
		names, err := image.Copy(kept+".new", archive)
		if err != nil {
			return errors.Join(err, os.Remove(kept+".new"))
		}
		if err := os.Rename(kept+".new", kept); err != nil {
			return fmt.Errorf("keep the image: %w", err)
		}
		if err := p.step(strings.Join(names, " "), func() error { return s.importEverywhere(ctx, kept) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) importEverywhere(ctx context.Context, archive string) error {
	nodes, err := s.nodePIDs()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	failed := make([]error, len(nodes))
	var all sync.WaitGroup
	i := 0
	for n, pid := range nodes {
		all.Go(func(slot *error) func() {
			return func() {
				enter := []string{"--target", fmt.Sprint(pid), "--mount", "--net", "ctr"}
				out, err := exec.CommandContext(ctx, "nsenter", append(enter, node.ImportArgs(archive)...)...).CombinedOutput()
				if err != nil {
					*slot = fmt.Errorf("import into %s: %w\n%s", layout.NodeName(n), err, out)
				}
			}
		}(&failed[i]))
		i++
	}
	all.Wait()
	return errors.Join(failed...)
}

// nodePIDs gives the first process of each node that has power, by the node's number.
func (s *session) nodePIDs() (map[int]int, error) {
	tree, err := process.ReadTree()
	if err != nil {
		return nil, err
	}
	nodes := map[int]int{}
	for _, p := range tree.Children(s.pid) {
		if n := nodeNumber(p); n != 0 {
			nodes[n] = p.PID
		}
	}
	return nodes, nil
}

// nodeNumber gives the number of the node whose first process p is, or 0.
func nodeNumber(p process.Info) int {
	if len(p.Args) != 4 || p.Args[1] != "node" {
		return 0
	}
	n, _ := strconv.Atoi(p.Args[3])
	return n
}
