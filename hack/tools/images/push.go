package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pushTimeout bounds the upload of one image.
const pushTimeout = 15 * time.Minute

// push uploads an image. Layers that the registry has are not sent again.
func (b builder) push(ctx context.Context, reference string, index v1.ImageIndex) error {
	ref, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("name image %s: %w", reference, err)
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("upload %s: %w", reference, err)
	}
	b.say("%s pushed", reference)
	return nil
}

// report tells what has been made.
func (b builder) report(file string, img image, tag string, index v1.ImageIndex) error {
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("digest image %s: %w", img.name, err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("measure archive: %w", err)
	}
	b.say("chatfleet/%s:%s %s in %s (%s)", img.name, tag, digest, file, megabytes(info.Size()))
	return nil
}
