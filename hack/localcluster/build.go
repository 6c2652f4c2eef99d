package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/binaries"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// expected is how many packages an empty build cache makes the build compile.
const expected = 2900

func (t *tool) build(ctx context.Context, _ []string) error {
	set, err := t.ensureBuilt(ctx, newProgress())
	if err != nil {
		return err
	}
	fmt.Println(set.Bin)
	return nil
}

// ensureBuilt builds Kubernetes unless that was done, and says why it takes so long.
func (t *tool) ensureBuilt(ctx context.Context, p *progress) (binaries.Set, error) {
	b := t.builder()
	release, err := only(b.Cache)
	if err != nil {
		return binaries.Set{}, err
	}
	defer release()
	set, built, err := b.Current(ctx)
	if err != nil {
		return set, err
	}
	if !built {
		fmt.Fprintf(os.Stderr, "Building Kubernetes %s from its sources, once for this version: no image and no binary is fetched.\n"+
			"The first time takes 6 to 8 minutes on two cores (about 2900 packages); after that it is kept in .cache/kubernetes.\n", set.Key)
	}
	begin := time.Now()
	b.Report = ticker(10*time.Second, func(done int, what string) {
		p.note(fmt.Sprintf("%6s  package %d of about %d: %s", seconds(time.Since(begin)), done, expected, what))
	})
	err = p.step("programs of Kubernetes", func() error {
		set, err = b.Build(ctx)
		return err
	})
	if err == nil && !built {
		err = t.pruneBuilds(set)
	}
	return set, err
}

// pruneBuilds removes builds of the past (400 MB each), but none that a cluster runs with.
func (t *tool) pruneBuilds(set binaries.Set) error {
	tree, err := process.ReadTree()
	if err != nil {
		return err
	}
	keep := []string{set.Key}
	for _, p := range tree {
		keep = append(keep, filepath.Base(filepath.Dir(filepath.Dir(p.Args[0]))))
	}
	return t.builder().Prune(keep...)
}
