package backbone

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// silence is how long a replica that is up doesn't stay silent: it answers its leader about every second. NATS itself calls a server
// offline only much later.
const silence = 5 * time.Second

// up says whether a replica is there, be it up to date or not. Its leader tells no time if it has heard nothing since it leads.
func up(r *jetstream.PeerInfo) bool {
	return !r.Offline && (r.Current || r.Active > 0 && r.Active <= silence)
}

// lag says what a stream lacks to have all its replicas up to date; empty if nothing. away says that a server is missing, which doesn't end
// by itself in a moment as mere lag does. replicas is how many there should be; 0 if unknown.
func lag(c *jetstream.ClusterInfo, replicas int) (what string, away bool) {
	if c == nil {
		return "", false
	}
	if c.Leader == "" {
		return "no leader", true
	}
	var all []string
	for _, r := range c.Replicas {
		switch {
		case !r.Offline && !r.Current && r.Active == 0:
			all = append(all, r.Name+" has not been heard of")
		case !up(r):
			away = true
			all = append(all, r.Name+" is away")
		case !r.Current || r.Lag > 0:
			all = append(all, fmt.Sprintf("%s is %d behind", r.Name, r.Lag))
		}
	}
	if missing := replicas - 1 - len(c.Replicas); missing > 0 {
		all = append(all, fmt.Sprintf("%d replicas are missing", missing))
	}
	return strings.Join(all, ", "), away
}

// serversOf collects the names of the servers that are up and have a replica of the stream.
func serversOf(info *jetstream.StreamInfo, into map[string]bool) {
	if info.Cluster == nil {
		return
	}
	into[info.Cluster.Leader] = info.Cluster.Leader != ""
	for _, r := range info.Cluster.Replicas {
		if up(r) {
			into[r.Name] = true
		}
	}
}
