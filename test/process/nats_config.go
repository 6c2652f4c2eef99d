package process

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
)

// NATSOptions shape the servers of a test beyond their number.
type NATSOptions struct {
	// Servers is 1 or, for a cluster, 3 or 5.
	Servers int
	// SyncInterval is JetStream's: a duration or "always". Empty is the
	// server's default of two minutes.
	SyncInterval string
	// Extra is appended to the configuration of each server, ClusterExtra to
	// its cluster block.
	Extra, ClusterExtra string
	// Connect is how this package's own connections get in, if Extra asks for
	// more than an address.
	Connect []nats.Option
}

// natsConfig is the configuration file of one server. The file limit is beyond
// any disk, since JetStream reserves the MaxBytes of every stream against it.
func natsConfig(n *NATS, options NATSOptions, members []*NATS) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: %s\n", n.name)
	fmt.Fprintf(&b, "listen: %q\n", address(n.clientPort))
	fmt.Fprintf(&b, "http: %q\n", address(n.adminPort))
	fmt.Fprintf(&b, "jetstream {\n  store_dir: %q\n  max_mem: 1GB\n  max_file: 64TB\n", n.dataDir)
	if options.SyncInterval != "" {
		fmt.Fprintf(&b, "  sync_interval: %q\n", options.SyncInterval)
	}
	b.WriteString("}\n")
	if n.clustered {
		fmt.Fprintf(&b, "cluster {\n  name: chatfleet\n  listen: %q\n  routes: [\n", address(n.routePort))
		for _, member := range members {
			fmt.Fprintf(&b, "    \"nats://%s\"\n", address(member.routePort))
		}
		fmt.Fprintf(&b, "  ]\n%s\n}\n", options.ClusterExtra)
	}
	b.WriteString(options.Extra)
	return b.String()
}
