// Package backbone makes what chat nodes need in NATS, and watches over it: the streams and buckets of a ChatCluster.
//
// In go the addresses of NATS, the secrets to get in, and the layout and settings that streams should have; out come those streams, and a
// Report on what is there and what is wrong, in words for the ChatCluster's status. Nothing is ever deleted. What makes a stream keep
// less than before happens only if the stream has what an operator gave it, and is always told.
package backbone

import (
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Target is the backbone of one ChatCluster as it should be.
type Target struct {
	// Owner is whose backbone it is: namespace and name of the ChatCluster. Release takes the same.
	Owner string
	// URLs of the servers.
	URLs []string
	// TLS to connect with; nil for what the URLs ask for by themselves.
	TLS *TLS
	// Credentials are the content of a .creds file; nil for none.
	Credentials []byte
	// Layout and Settings say which streams and buckets there should be.
	Layout   layout.Layout
	Settings layout.Settings
	// Managed says that the servers are the operator's own, where it may do everything.
	Managed bool
	// System is what gets into the system account of a managed backbone. nil: servers that are lost for good are not given up.
	System *TLS
	// Servers is how many there should be; 0 on an external backbone.
	Servers int
}

// TLS is what a Secret of that kind holds, in PEM. Each may be empty; Cert and Key go together.
type TLS struct {
	CA, Cert, Key []byte
}

// Report is what is there.
type Report struct {
	// Reachable says that a server let the operator in.
	Reachable bool
	// Version of that server.
	Version string
	// Streams is how many streams and buckets are there with all their replicas, and Wanted how many there should be.
	Streams, Wanted int
	// Lagging lists those without a leader, or with a replica that is away or behind, with the reason.
	Lagging []string
	// Servers is how many servers JetStream knows to be up; 0 if it doesn't tell.
	Servers int
	// RTT is the time that a ping took.
	RTT time.Duration
	// Changed lists what this call has made or changed, for people.
	Changed []string
	// Reason is one of v1alpha1.Reason…, and Message says more, for people. Both are empty if all is well.
	Reason, Message string
}
