// Package status says in the words of the API how a ChatCluster is doing. In goes everything that was seen of it: its children, its pods, what
// the backbone answered, and what went wrong on the way; out comes its status. Nothing is read or written here.
package status

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Inputs are everything that the status is made of. What isn't there yet is nil or empty.
type Inputs struct {
	// Cluster carries the spec, and the status before.
	Cluster *v1alpha1.ChatCluster
	// Now becomes the transition time of what changes.
	Now metav1.Time

	// Durability in force; empty on an external backbone.
	Durability v1alpha1.Durability
	// Revision is what the plan was made with; nil leaves the one before.
	Revision *v1alpha1.Revision
	// Endpoints for clients.
	Endpoints []string
	// Selector of the node pods.
	Selector string
	// Missing names what is asked for and whose API the cluster lacks.
	Missing []string
	// Problems that kept the plan from being carried out.
	Problems []Problem

	Deployment   *appsv1.Deployment
	NodePods     []corev1.Pod
	StatefulSet  *appsv1.StatefulSet
	BackbonePods []corev1.Pod
	Claims       []corev1.PersistentVolumeClaim
	// Backbone is the last answer of NATS; nil before the first.
	Backbone *Backbone
	// Restarting is why the next server of the backbone is, or isn't yet, restarted; empty if all run what they should.
	Restarting string
}

// Backbone is what NATS answered.
type Backbone struct {
	// Reachable says that a server answered.
	Reachable bool
	// Version of that server.
	Version string
	// Streams and buckets that are there with all their replicas, of those wanted.
	Streams, Wanted int
	// Reason is one of the API's, empty if all is well.
	Reason string
	// Message explains the reason.
	Message string
}

// Problem is what kept the plan from being carried out.
type Problem struct {
	// Condition is BackboneReady or NodesReady if one of them can't be True because of it; else empty.
	Condition string
	// Reason is one of the API's.
	Reason string
	// Message explains it.
	Message string
}

// Of is the status.
func Of(in Inputs) v1alpha1.ChatClusterStatus {
	before := in.Cluster.Status
	s := *before.DeepCopy()
	s.ObservedGeneration = in.Cluster.Generation
	s.Selector = in.Selector
	s.Endpoints = in.Endpoints
	if in.Revision != nil {
		s.Revision = in.Revision
	}

	nodes := viewNodes(in)
	s.Replicas, s.ReadyReplicas = nodes.there, nodes.ready
	s.Nodes = fmt.Sprintf("%d/%d", nodes.ready, nodes.wanted)
	s.Version = version(in.Deployment)
	s.Autoscaling = autoscaling(in.Cluster)

	servers := viewServers(in)
	s.Backbone = backbone(in, servers)

	verdicts := judge(in, nodes, servers)
	for _, c := range verdicts {
		c.ObservedGeneration = in.Cluster.Generation
		c.LastTransitionTime = in.Now
		c.Message = limited(c.Message)
		meta.SetStatusCondition(&s.Conditions, c)
	}
	s.Phase = phase(in.Cluster, s.Conditions, nodes)
	return s
}

// phase sums the conditions up.
func phase(c *v1alpha1.ChatCluster, conditions []metav1.Condition, nodes nodesView) v1alpha1.Phase {
	is := func(kind string) bool { return meta.IsStatusConditionTrue(conditions, kind) }
	switch {
	case c.DeletionTimestamp != nil:
		return v1alpha1.PhaseDeleting
	case c.Spec.Paused:
		return v1alpha1.PhasePaused
	case is(v1alpha1.ConditionDegraded):
		return v1alpha1.PhaseDegraded
	case is(v1alpha1.ConditionReady) && is(v1alpha1.ConditionProgressing):
		return v1alpha1.PhaseProgressing
	case is(v1alpha1.ConditionReady):
		return v1alpha1.PhaseReady
	case nodes.ready > 0:
		return v1alpha1.PhaseProgressing
	}
	return v1alpha1.PhasePending
}

// backbone is the part of the status about NATS.
func backbone(in Inputs, servers serversView) v1alpha1.BackboneStatus {
	last := in.Cluster.Status.Backbone
	b := v1alpha1.BackboneStatus{Type: in.Cluster.Spec.Backbone.Type, Version: last.Version, Streams: last.Streams}
	if in.Backbone != nil {
		b.Version = in.Backbone.Version
		b.Streams = int32(in.Backbone.Streams)
	}
	if b.Type == v1alpha1.BackboneExternal {
		b.Summary = strings.TrimSpace("External " + b.Version)
		return b
	}
	b.Durability = in.Durability
	b.Ready = servers.ready
	b.Summary = fmt.Sprintf("%d/%d %s", servers.ready, servers.wanted, in.Durability)
	return b
}

func autoscaling(c *v1alpha1.ChatCluster) v1alpha1.AutoscalingStatus {
	if a := c.Spec.Autoscaling; a != nil {
		return v1alpha1.AutoscalingStatus{Driver: "HPA",
			Reason: fmt.Sprintf("a HorizontalPodAutoscaler keeps between %d and %d nodes", a.MinReplicas, a.MaxReplicas)}
	}
	return v1alpha1.AutoscalingStatus{Driver: "None", Reason: "spec.autoscaling is absent"}
}

// version is the tag of the image of the nodes, or the beginning of its digest.
func version(d *appsv1.Deployment) string {
	if d == nil || len(d.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	image := d.Spec.Template.Spec.Containers[0].Image
	name, digest, pinned := strings.Cut(image, "@")
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		return name[at+1:]
	}
	if pinned {
		_, sum, _ := strings.Cut(digest, ":")
		return sum[:min(12, len(sum))]
	}
	return "latest"
}

// limited keeps a message within what the API server takes, and readable.
func limited(message string) string {
	const most = 1024
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most-1], "") + "…"
}
