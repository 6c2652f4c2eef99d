package backbone

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// lag says what a stream lacks to have all its replicas up to date; empty if nothing. away says that a server is missing, which doesn't end
// by itself in a moment as mere lag does.
func lag(info *jetstream.StreamInfo) (what string, away bool) {
	c := info.Cluster
	if c == nil {
		return "", false
	}
	if c.Leader == "" {
		return "no leader", true
	}
	var all []string
	for _, r := range c.Replicas {
		switch {
		case r.Offline:
			away = true
			all = append(all, r.Name+" is away")
		case !r.Current || r.Lag > 0:
			all = append(all, fmt.Sprintf("%s is %d behind", r.Name, r.Lag))
		}
	}
	if missing := info.Config.Replicas - 1 - len(c.Replicas); missing > 0 {
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
		if !r.Offline {
			into[r.Name] = true
		}
	}
}
