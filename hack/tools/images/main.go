// Command images builds the container images without a container engine: in go
// the sources of this repository, out come OCI archives, one for each image,
// and, if asked for, the same images in a registry.
//
// An image is an empty base, the static binaries of its programs and the few
// files that they expect. The same sources, toolchain and flags give the same
// digests on every machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are what the command line asks for.
type options struct {
	root     string   // the repository
	out      string   // folder that receives the archives
	tag      string   // of the images
	version  string   // that the programs report
	arches   []string // GOARCH values
	names    []string // of images
	registry string   // "" pushes nothing
}

func main() {
	o := parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.StringVar(&o.root, "root", "../..", "`folder` of the repository")
	flag.StringVar(&o.out, "out", "", "`folder` that receives the archives (default .cache/images in the repository)")
	flag.StringVar(&o.tag, "tag", "dev", "`tag` of the images; that of nats follows the version of NATS")
	flag.StringVar(&o.version, "version", "", "`version` that the programs report (default the tag)")
	arches := flag.String("arch", "amd64,arm64", "comma-separated `architectures`")
	names := flag.String("images", "chatnode,operator,nats", "comma-separated `images` to build")
	flag.StringVar(&o.registry, "push", "", "`registry`, with a path if it needs one, to push to as well; credentials come from the docker configuration")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if o.version == "" {
		o.version = o.tag
	}
	if o.out == "" {
		o.out = filepath.Join(o.root, ".cache", "images")
	}
	o.arches, o.names = strings.Split(*arches, ","), strings.Split(*names, ",")
	return o
}

// run builds, archives and pushes the images in turn.
func run(ctx context.Context, o options) error {
	wanted, err := choose(catalog, o.names)
	if err != nil {
		return err
	}
	nats, err := natsVersion(ctx, o.root)
	if err != nil {
		return err
	}
	binaries, err := os.MkdirTemp("", "images-")
	if err != nil {
		return fmt.Errorf("make folder for binaries: %w", err)
	}
	defer func() { _ = os.RemoveAll(binaries) }()

	b := builder{root: o.root, version: o.version, scratch: binaries, say: progress(time.Now())}
	for _, img := range wanted {
		tag := img.tag(o.tag, nats)
		index, err := b.build(ctx, img, o.arches, tag)
		if err != nil {
			return fmt.Errorf("build image %s: %w", img.name, err)
		}
		file := filepath.Join(o.out, img.name+".tar")
		if err := writeArchive(file, index, "chatfleet/"+img.name+":"+tag); err != nil {
			return fmt.Errorf("write archive of image %s: %w", img.name, err)
		}
		if err := b.report(file, img, tag, index); err != nil {
			return err
		}
		if o.registry == "" {
			continue
		}
		if err := b.push(ctx, o.registry+"/chatfleet/"+img.name+":"+tag, index); err != nil {
			return fmt.Errorf("push image %s: %w", img.name, err)
		}
	}
	return nil
}

// choose gives the images of these names, in the order of the catalog.
func choose(from []image, names []string) ([]image, error) {
	var chosen []image
	for _, img := range from {
		if slices.Contains(names, img.name) {
			chosen = append(chosen, img)
		}
	}
	if len(chosen) != len(names) {
		return nil, fmt.Errorf("-images %s: there are chatnode, operator and nats, each once", strings.Join(names, ","))
	}
	return chosen, nil
}

// progress gives a function that prints a line with the time since start.
func progress(start time.Time) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
}
