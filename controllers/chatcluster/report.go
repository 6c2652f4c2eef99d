package chatcluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/controllers/status"
)

// refresh puts the status that was written last in place of an older one from the cache.
func (w *work) refresh() {
	if w.session.written == nil || w.session.version == w.c.ResourceVersion {
		return
	}
	if seen, err := strconv.ParseUint(w.c.ResourceVersion, 10, 64); err == nil {
		if written, err := strconv.ParseUint(w.session.version, 10, 64); err == nil && seen < written {
			w.c.Status = *w.session.written.DeepCopy()
		}
	}
}

// report writes the status, if it says anything new, and tells people what has changed.
func (w *work) report(ctx context.Context) error {
	in := w.in
	in.Now = metav1.NewTime(w.now())
	in.Durability = plan.Durability(w.c)
	in.Endpoints = plan.Endpoints(w.c)
	in.Selector = labels.SelectorFromSet(plan.Selector(w.c, plan.ComponentNode)).String()
	in.Deployment, in.NodePods = w.seen.deployment, w.seen.nodes
	in.StatefulSet, in.BackbonePods, in.Claims = w.seen.set, w.seen.servers, w.seen.claims
	if last := w.health.last(w.key); last != nil {
		in.Backbone = &status.Backbone{Reachable: last.Reachable, Version: last.Version, Streams: last.Streams, Wanted: last.Wanted,
			Reason: last.Reason, Message: last.Message}
	}
	if made := w.health.take(w.key); len(made) > 0 {
		w.say(corev1.EventTypeNormal, "StreamsChanged", "Ensure", fmt.Sprintf("%d changes in NATS: %s", len(made), strings.Join(made, ", ")))
	}
	before := w.c.Status.DeepCopy()
	after := status.Of(in)
	w.metrics.status(w.key, after)
	if starts(after.Conditions) {
		w.lookAgain(startInterval)
	}
	if equality.Semantic.DeepEqual(*before, after) {
		return nil
	}
	if err := w.write(ctx, after); err != nil {
		return err
	}
	for _, condition := range after.Conditions {
		w.tell(meta.FindStatusCondition(before.Conditions, condition.Type), condition)
	}
	return nil
}

// startInterval lies between two looks at a start that may turn out to be trouble without anything happening.
const startInterval = 10 * time.Second

func starts(conditions []metav1.Condition) bool {
	return slices.ContainsFunc(conditions, func(c metav1.Condition) bool {
		return c.Status == metav1.ConditionFalse && c.Reason == v1alpha1.ReasonStarting
	})
}

// write patches the status, which nobody else writes. A ChatCluster that is gone needs none.
func (w *work) write(ctx context.Context, s v1alpha1.ChatClusterStatus) error {
	changed := w.c.DeepCopy()
	changed.Status = s
	err := w.client.Status().Patch(ctx, changed, client.MergeFrom(w.c), client.FieldOwner(apply.Operator))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	w.session.written, w.session.version = changed.Status.DeepCopy(), changed.ResourceVersion
	w.c.Status = changed.Status
	return nil
}

// tell makes an event of a condition that has turned. A start that goes well makes one when it is done.
func (w *work) tell(before *metav1.Condition, after metav1.Condition) {
	if before != nil && before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	was := metav1.ConditionUnknown
	if before != nil {
		was = before.Status
	}
	yes := after.Status == metav1.ConditionTrue
	switch after.Type {
	case v1alpha1.ConditionReady:
		if yes {
			w.say(corev1.EventTypeNormal, "Ready", "Observe", after.Message)
		} else if was == metav1.ConditionTrue {
			w.say(corev1.EventTypeWarning, "NotReady", "Observe", after.Message)
		}
	case v1alpha1.ConditionBackboneReady, v1alpha1.ConditionNodesReady:
		if yes {
			w.say(corev1.EventTypeNormal, after.Type, "Observe", after.Message)
		} else if after.Reason != v1alpha1.ReasonStarting && after.Reason != v1alpha1.ReasonConnecting {
			w.say(corev1.EventTypeWarning, after.Reason, "Observe", after.Message)
		}
	case v1alpha1.ConditionDegraded:
		switch after.Reason {
		case v1alpha1.ReasonNameTaken, v1alpha1.ReasonApplyFailed, v1alpha1.ReasonAPIMissing:
			w.say(corev1.EventTypeWarning, after.Reason, "Apply", after.Message)
		}
	case v1alpha1.ConditionPaused:
		if yes {
			w.say(corev1.EventTypeNormal, "Paused", "Pause", after.Message)
		} else if was == metav1.ConditionTrue {
			w.say(corev1.EventTypeNormal, "Resumed", "Pause", after.Message)
		}
	}
}

func (w *work) say(kind, reason, action, note string) {
	w.events.Eventf(w.c, nil, kind, reason, action, "%s", cut(note))
}

// cut keeps a note within what events take.
func cut(note string) string {
	const most = 1000
	if len(note) <= most {
		return note
	}
	return strings.ToValidUTF8(note[:most], "") + "…"
}
