package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// storePercent of a claim is what a server may fill; the rest is for the file system and for what is being rewritten.
	storePercent = 85
	// messagePercent of that is for messages, and bucketPercent for the buckets, of which the index is the greatest.
	messagePercent = 85
	bucketPercent  = 15
	// leastBuckets is how much the buckets may take at least where only the messages are bounded, in bytes.
	leastBuckets = 40 << 20
	// managedPrefix stands before every name on a managed backbone, which nobody else uses.
	managedPrefix = "chat"
	// maxPrefix is the longest default prefix on an external backbone, in bytes.
	maxPrefix = 100
)

// StorageLimit is how much a server of a managed backbone may store, in bytes; 0 without a managed backbone.
func StorageLimit(c *v1alpha1.ChatCluster) int64 {
	c = settle(c)
	if !managed(c) {
		return 0
	}
	return c.Spec.Backbone.Managed.Storage.Size.Value() / 100 * storePercent
}

// Layout is what the streams and buckets of a ChatCluster must be. On a managed backbone every stream and bucket is bounded, and
// together they fit StorageLimit; on an external one they are bounded if the spec bounds the messages.
func Layout(c *v1alpha1.ChatCluster) (layout.Layout, layout.Settings) {
	c = settle(c)
	l := layout.New(Prefix(c), int(c.Spec.Backbone.Shards))
	s := layout.Settings{Replicas: 1, MaxAge: c.Spec.History.MaxAge.Duration}
	all := int64(0)
	if managed(c) {
		s.Replicas = int(c.Spec.Backbone.Managed.Replicas)
		all = messageRoom(c)
		s.BucketBytes = StorageLimit(c) / 100 * bucketPercent
	}
	if c.Spec.History.Replicas != nil {
		s.Replicas = int(*c.Spec.History.Replicas)
	}
	if c.Spec.History.MaxBytes != nil {
		all = c.Spec.History.MaxBytes.Value()
		if !managed(c) { // accounts that demand bounds demand them of buckets too
			s.BucketBytes = max(all/messagePercent*bucketPercent, leastBuckets)
		}
	}
	s.MaxBytes = all / int64(len(l.All()))
	return l, s
}

// messageRoom is how much a server of a managed backbone has for messages, in bytes. c is settled.
func messageRoom(c *v1alpha1.ChatCluster) int64 { return StorageLimit(c) / 100 * messagePercent }

// Prefix stands before every subject, stream and bucket of a ChatCluster.
func Prefix(c *v1alpha1.ChatCluster) string {
	external := c.Spec.Backbone.External
	switch {
	case managed(c) || external == nil:
		return managedPrefix
	case external.Prefix != "":
		return external.Prefix
	}
	prefix := c.Namespace + "_" + c.Name // a hyphen would make one of a-b/c and a/b-c
	if len(prefix) > maxPrefix {
		sum := sha256.Sum256([]byte(c.Namespace + "/" + c.Name))
		prefix = prefix[:maxPrefix-9] + "-" + hex.EncodeToString(sum[:4])
	}
	return prefix
}

// Durability is that in force; empty on an external backbone, whose settings nobody here knows.
func Durability(c *v1alpha1.ChatCluster) v1alpha1.Durability {
	c = settle(c)
	if !managed(c) {
		return ""
	}
	return c.Spec.Backbone.Managed.Durability
}

// BackboneURLs are the addresses of NATS for chat nodes and the operator.
func BackboneURLs(c *v1alpha1.ChatCluster) []string {
	if !managed(c) && c.Spec.Backbone.External != nil {
		return append([]string(nil), c.Spec.Backbone.External.URLs...)
	}
	return []string{fmt.Sprintf("tls://%s.%s.svc:%d", NamesOf(c).Backbone, c.Namespace, natsPort)}
}

// peersDomain is the domain of the NATS servers' own names.
func (r rendering) peersDomain() string { return r.names.Peers + "." + r.c.Namespace + ".svc" }
