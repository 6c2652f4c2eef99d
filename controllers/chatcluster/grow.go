package chatcluster

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

// grow expands the claims that are smaller than planned, and has a StatefulSet that asks for another size made anew: that can't be changed.
// Its pods and claims stay and are the new one's. If claims can't be expanded, the servers are left as they are: their StatefulSet can't be
// applied, and their configuration would let them fill volumes that are too small.
func (w *work) grow(ctx context.Context, p *plan.Plan, planned map[apply.Child]bool) error {
	at := slices.IndexFunc(p.Objects, func(o plan.Object) bool { _, is := o.(*appsv1.StatefulSet); return is })
	if at < 0 {
		return nil
	}
	for _, claim := range p.Grow {
		if err := w.expand(ctx, claim); err != nil {
			w.withhold(p, planned)
			return w.tolerate(err)
		}
	}
	live := w.seen.set
	if live == nil || live.DeletionTimestamp != nil || sizeOf(live) == sizeOf(p.Objects[at].(*appsv1.StatefulSet)) {
		return nil
	}
	err := w.client.Delete(ctx, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: live.Namespace, Name: live.Name}},
		client.Preconditions{UID: &live.UID}, client.PropagationPolicy(metav1.DeletePropagationOrphan))
	if err != nil && !apierrors.IsNotFound(err) {
		return w.tolerate(fmt.Errorf("making StatefulSet %s anew for larger volumes: %w", live.Name, err))
	}
	w.say(corev1.EventTypeNormal, "VolumesGrown", "Grow",
		fmt.Sprintf("expanded the volumes of the backbone to %s; StatefulSet %s is made anew, its pods go on running", sizeOf(p.Objects[at].(*appsv1.StatefulSet)), live.Name))
	return nil
}

// withhold takes what shapes the servers out of what is applied; it stays planned.
func (w *work) withhold(p *plan.Plan, planned map[apply.Child]bool) {
	name := plan.NamesOf(w.c).Backbone
	p.Objects = slices.DeleteFunc(slices.Clone(p.Objects), func(o plan.Object) bool {
		kind := o.GetObjectKind().GroupVersionKind().GroupKind()
		held := o.GetName() == name && (kind.Kind == "StatefulSet" || kind.Kind == "ConfigMap")
		if held {
			planned[apply.Child{Kind: kind, Name: name}] = true
		}
		return held
	})
}

func (w *work) expand(ctx context.Context, claim plan.Claim) error {
	at := slices.IndexFunc(w.seen.claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == claim.Name })
	if at < 0 {
		return nil
	}
	before := &w.seen.claims[at]
	after := before.DeepCopy()
	after.Spec.Resources.Requests[corev1.ResourceStorage] = claim.Size
	if err := w.client.Patch(ctx, after, client.MergeFrom(before), client.FieldOwner(apply.Operator)); err != nil {
		return fmt.Errorf("expanding volume claim %s to %s: %w", claim.Name, claim.Size.String(), err)
	}
	return nil
}

// sizeOf is what a StatefulSet asks of the volume of each pod.
func sizeOf(s *appsv1.StatefulSet) string {
	for _, template := range s.Spec.VolumeClaimTemplates {
		size := template.Spec.Resources.Requests[corev1.ResourceStorage]
		return size.String()
	}
	return ""
}
