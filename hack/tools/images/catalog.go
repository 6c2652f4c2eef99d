package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// natsModule is the module of the NATS server; its version is that of the
// repository's own tests.
const natsModule = "github.com/nats-io/nats-server/v2"

// An image is what is in an image and how it starts.
type image struct {
	name        string
	title       string
	description string
	programs    []program // the first one is the entry point
	ports       []string
	data        bool // has a folder /data that the user may write
	natsTag     bool // its tag begins with the version of NATS
}

// A program is one static binary.
type program struct {
	pkg  string // Go package, as seen from the root of the repository
	path string // in the image
}

var catalog = []image{
	{
		name: "chatnode", title: "chatfleet node", description: "A chat node of chatfleet: WebSockets and HTTP streams over NATS JetStream",
		programs: []program{{"./chatnode", "/chatnode"}},
		ports:    []string{"8080/tcp", "9090/tcp"}, data: true,
	},
	{
		name: "operator", title: "chatfleet operator", description: "Runs chat fleets and their NATS backbone on Kubernetes",
		programs: []program{{"./controllers", "/operator"}},
	},
	{
		name: "nats", title: "NATS server for chatfleet", description: "nats-server and the small program that starts it for the chatfleet operator",
		programs: []program{{"./controllers/natsboot", "/natsboot"}, {natsModule, "/nats-server"}},
		ports:    []string{"4222/tcp", "6222/tcp", "8222/tcp"}, data: true, natsTag: true,
	},
}

// tag gives the image's tag.
func (i image) tag(tag, nats string) string {
	if i.natsTag {
		return strings.TrimPrefix(nats, "v") + "-" + tag
	}
	return tag
}

// natsVersion reads the version of NATS that the repository requires.
func natsVersion(ctx context.Context, root string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", natsModule)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("ask for the version of NATS in %s: %w", root, err)
	}
	return strings.TrimSpace(string(out)), nil
}
