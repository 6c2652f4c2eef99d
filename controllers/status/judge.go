package status

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// judge gives every condition its status, reason and message.
func judge(in Inputs, nodes nodesView, servers serversView) []metav1.Condition {
	backboneReady, serving := judgeBackbone(in, servers)
	nodesReady := judgeNodes(in, nodes)
	return []metav1.Condition{
		judgeReady(in, nodes, backboneReady, nodesReady, serving),
		backboneReady,
		nodesReady,
		judgeProgress(in, nodes, servers),
		judgeDegraded(in, servers, backboneReady, nodesReady, serving),
		judgePause(in),
	}
}

// judgeBackbone also tells whether messages are kept, which a backbone that lacks a server still does.
func judgeBackbone(in Inputs, servers serversView) (metav1.Condition, bool) {
	const kind = v1alpha1.ConditionBackboneReady
	serving := keeps(in)
	if p, found := problem(in.Problems, kind); found {
		return no(kind, p.Reason, p.Message), false
	}
	if servers.managed && servers.ready < servers.wanted {
		up := fmt.Sprintf("%d of %d servers are ready", servers.ready, servers.wanted)
		// A server that is restarted, by the operator or by chance, is back within a minute and worries nobody before.
		t, found := worst(in.BackbonePods, in.Claims, in.Now.Time)
		if found && (weight[t.reason] > 0 || serving && young(in.BackbonePods, in.Now.Time)) {
			return no(kind, t.reason, up+": "+t.message), serving
		}
		if serving {
			return no(kind, v1alpha1.ReasonServersDown, up), true
		}
		return no(kind, v1alpha1.ReasonStarting, up), false
	}
	switch b := in.Backbone; {
	case b == nil:
		// The operator has just begun, or is told to pause: what was known is the best there is.
		if last := meta.FindStatusCondition(in.Cluster.Status.Conditions, kind); last != nil {
			return *last, serving
		}
		return no(kind, v1alpha1.ReasonConnecting, "NATS has not answered yet"), false
	case b.Reason != "" && servers.managed && starting(in, b.Reason):
		return no(kind, v1alpha1.ReasonStarting, "the servers are up and find each other: "+b.Message), serving
	case b.Reason != "":
		return no(kind, b.Reason, b.Message), serving
	case !b.Reachable:
		return no(kind, v1alpha1.ReasonUnreachable, cmp.Or(b.Message, "no NATS server answers")), false
	}
	return yes(kind, v1alpha1.ReasonAsExpected,
		fmt.Sprintf("NATS %s, %d streams and buckets with all their replicas", in.Backbone.Version, in.Backbone.Streams)), true
}

// findingGrace is how long servers that are up may take until NATS answers and all replicas are there.
const findingGrace = time.Minute

// starting tells that a managed backbone was never ready before, or not for long, and that its trouble may pass.
func starting(in Inputs, reason string) bool {
	if reason != v1alpha1.ReasonUnreachable && reason != v1alpha1.ReasonReplicasLag {
		return false
	}
	last := meta.FindStatusCondition(in.Cluster.Status.Conditions, v1alpha1.ConditionBackboneReady)
	return last != nil && last.Status == metav1.ConditionFalse && last.Reason == v1alpha1.ReasonStarting &&
		in.Now.Sub(last.LastTransitionTime.Time) < findingGrace
}

// keeps tells whether messages are kept, as far as is known.
func keeps(in Inputs) bool {
	b := in.Backbone
	if b == nil {
		last := meta.FindStatusCondition(in.Cluster.Status.Conditions, v1alpha1.ConditionReady)
		return last != nil && last.Reason != v1alpha1.ReasonBackboneNotReady
	}
	return b.Reachable && (b.Reason == "" || b.Reason == v1alpha1.ReasonReplicasLag || b.Reason == v1alpha1.ReasonServersDown)
}

func judgeNodes(in Inputs, nodes nodesView) metav1.Condition {
	const kind = v1alpha1.ConditionNodesReady
	up := fmt.Sprintf("%d of %d nodes are ready", nodes.ready, nodes.wanted)
	if nodes.ready >= nodes.wanted {
		return yes(kind, v1alpha1.ReasonAsExpected, up)
	}
	if p, found := problem(in.Problems, kind); found {
		return no(kind, p.Reason, up+": "+p.Message)
	}
	if t, found := worst(in.NodePods, nil, in.Now.Time); found {
		return no(kind, t.reason, up+": "+t.message)
	}
	if nodes.stuck != "" {
		return no(kind, v1alpha1.ReasonStarting, up+": "+nodes.stuck)
	}
	return no(kind, v1alpha1.ReasonStarting, up)
}

func judgeReady(in Inputs, nodes nodesView, backbone, nodesReady metav1.Condition, serving bool) metav1.Condition {
	const kind = v1alpha1.ConditionReady
	switch {
	case in.Cluster.DeletionTimestamp != nil:
		return no(kind, v1alpha1.ReasonDeleting, "the ChatCluster is being deleted")
	case !serving:
		return no(kind, v1alpha1.ReasonBackboneNotReady, backbone.Message)
	case nodes.ready == 0 && nodes.wanted > 0:
		return no(kind, v1alpha1.ReasonNodesNotReady, nodesReady.Message)
	}
	return yes(kind, v1alpha1.ReasonAsExpected, "clients are served and messages are kept")
}

func judgeProgress(in Inputs, nodes nodesView, servers serversView) metav1.Condition {
	const kind = v1alpha1.ConditionProgressing
	if in.Cluster.Spec.Paused {
		return no(kind, v1alpha1.ReasonPaused, "spec.paused is set")
	}
	if p, found := problem(in.Problems, ""); found {
		return no(kind, p.Reason, p.Message)
	}
	switch {
	case nodes.ready == 0 && nodes.wanted > 0:
		return yes(kind, v1alpha1.ReasonStarting, "the nodes are starting")
	case servers.managed && !servers.there:
		return yes(kind, v1alpha1.ReasonStarting, "the servers of the backbone are starting")
	case nodes.changing:
		return yes(kind, v1alpha1.ReasonRollingOut, "nodes are being replaced")
	case servers.changing:
		return yes(kind, v1alpha1.ReasonRollingOut, cmp.Or(in.Restarting, "servers of the backbone are being replaced"))
	case nodes.scaling:
		return yes(kind, v1alpha1.ReasonScaling, fmt.Sprintf("%d nodes become %d", nodes.there, nodes.wanted))
	}
	return no(kind, v1alpha1.ReasonAsExpected, "nothing is being changed")
}

func judgeDegraded(in Inputs, servers serversView, backbone, nodes metav1.Condition, serving bool) metav1.Condition {
	const kind = v1alpha1.ConditionDegraded
	if p, found := problem(in.Problems, ""); found {
		return yes(kind, p.Reason, p.Message)
	}
	if backbone.Status != metav1.ConditionTrue && !passing(in, backbone) {
		reason := v1alpha1.ReasonBackboneNotReady
		if serving && (backbone.Reason == v1alpha1.ReasonReplicasLag || servers.ready < servers.wanted) {
			reason = v1alpha1.ReasonServersDown
			if backbone.Reason == v1alpha1.ReasonReplicasLag {
				reason = v1alpha1.ReasonReplicasLag
			}
		}
		return yes(kind, reason, backbone.Message)
	}
	if nodes.Status != metav1.ConditionTrue && !passing(in, nodes) {
		return yes(kind, v1alpha1.ReasonNodesNotReady, nodes.Message)
	}
	if len(in.Missing) > 0 {
		return yes(kind, v1alpha1.ReasonAPIMissing, "the cluster doesn't have the API of "+strings.Join(in.Missing, ", "))
	}
	return no(kind, v1alpha1.ReasonAsExpected, "nothing is missing")
}

// startGrace is how long a start may take until it is trouble.
const startGrace = 2 * time.Minute

// passing tells that a condition is part of a start, which needs nobody's attention unless it takes too long.
func passing(in Inputs, c metav1.Condition) bool {
	if c.Reason != v1alpha1.ReasonStarting && c.Reason != v1alpha1.ReasonConnecting {
		return false
	}
	last := meta.FindStatusCondition(in.Cluster.Status.Conditions, c.Type)
	return last == nil || last.Status == metav1.ConditionTrue || in.Now.Sub(last.LastTransitionTime.Time) < startGrace
}

func judgePause(in Inputs) metav1.Condition {
	if in.Cluster.Spec.Paused {
		return yes(v1alpha1.ConditionPaused, v1alpha1.ReasonPaused, "spec.paused is set: nothing is changed, and what runs goes on running")
	}
	return no(v1alpha1.ConditionPaused, v1alpha1.ReasonNotPaused, "spec.paused is not set")
}

// problem is the first of those about the condition.
func problem(all []Problem, condition string) (Problem, bool) {
	for _, p := range all {
		if p.Condition == condition {
			return p, true
		}
	}
	return Problem{}, false
}

func yes(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func no(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}
