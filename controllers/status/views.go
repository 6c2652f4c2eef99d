package status

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// nodesView is what matters of the chat nodes.
type nodesView struct {
	wanted, there, ready int32
	// changing says that pods are being replaced, scaling that their number changes.
	changing, scaling bool
	stuck             string
}

func viewNodes(in Inputs) nodesView {
	v := nodesView{wanted: v1alpha1.DefaultNodes}
	if n := in.Cluster.Spec.Nodes.Replicas; n != nil {
		v.wanted = *n
	}
	if a := in.Cluster.Spec.Autoscaling; a != nil {
		v.wanted = a.MinReplicas
	}
	d := in.Deployment
	if d == nil || d.Status.ObservedGeneration == 0 {
		// A Deployment that was lost and made again takes its pods over, and until then knows of none.
		v.changing = true
		v.there, v.ready = count(in.NodePods)
	}
	if d == nil {
		return v
	}
	// What the spec leaves open is as many as there were; a Deployment has fewer for a moment, right after it was made.
	if d.Spec.Replicas != nil && in.Cluster.Spec.Nodes.Replicas == nil {
		v.wanted = max(v.wanted, *d.Spec.Replicas)
	}
	if d.Status.ObservedGeneration > 0 {
		v.there, v.ready = d.Status.Replicas, d.Status.ReadyReplicas
	}
	v.changing = d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < min(v.wanted, d.Status.Replicas) ||
		d.Status.Replicas > d.Status.UpdatedReplicas
	v.scaling = v.there != v.wanted
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == "True" {
			v.stuck = c.Message
		}
	}
	return v
}

// serversView is what matters of the servers of a managed backbone.
type serversView struct {
	managed       bool
	there         bool
	wanted, ready int32
	changing      bool
}

func viewServers(in Inputs) serversView {
	if in.Cluster.Spec.Backbone.Type == v1alpha1.BackboneExternal {
		return serversView{}
	}
	v := serversView{managed: true, wanted: 1}
	if m := in.Cluster.Spec.Backbone.Managed; m != nil && m.Replicas > 0 {
		v.wanted = m.Replicas
	}
	s := in.StatefulSet
	if s == nil || s.Status.ObservedGeneration == 0 {
		v.changing = true
		v.there = s != nil
		_, v.ready = count(in.BackbonePods)
		return v
	}
	v.there = true
	v.ready = s.Status.ReadyReplicas
	v.changing = s.Status.ObservedGeneration < s.Generation || in.Restarting != ""
	return v
}

// count tells how many pods there are that don't end, and how many of them are ready.
func count(pods []corev1.Pod) (there, ready int32) {
	for i := range pods {
		if pods[i].DeletionTimestamp != nil {
			continue
		}
		there++
		if isReady(&pods[i]) {
			ready++
		}
	}
	return there, ready
}
