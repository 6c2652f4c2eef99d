package chatcluster

import (
	"context"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/controllers/plan"
)

// seen is what there is of a ChatCluster.
type seen struct {
	deployment *appsv1.Deployment
	set        *appsv1.StatefulSet
	nodes      []corev1.Pod
	servers    []corev1.Pod
	claims     []corev1.PersistentVolumeClaim
}

// look reads everything from memory.
func (w *work) look(ctx context.Context) error {
	names := plan.NamesOf(w.c)
	var err error
	if w.seen.deployment, err = w.view.Deployment(ctx, names.Node); err != nil {
		return err
	}
	if w.seen.set, err = w.view.StatefulSet(ctx, names.Backbone); err != nil {
		return err
	}
	pods, err := w.view.Pods(ctx, w.c.Name)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		switch pod.Labels[plan.LabelComponent] {
		case plan.ComponentNode:
			w.seen.nodes = append(w.seen.nodes, pod)
		case plan.ComponentBackbone:
			w.seen.servers = append(w.seen.servers, pod)
		}
	}
	w.seen.claims, err = w.view.Claims(ctx, w.c.Name)
	return err
}

// showsCertificate tells that the nodes show NATS a certificate.
func (s seen) showsCertificate() bool {
	return s.deployment != nil && slices.ContainsFunc(s.deployment.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, "--nats-cert=") })
	})
}

// observed is what of it the plan depends on.
func (s seen) observed() plan.Observed {
	var o plan.Observed
	for _, claim := range s.claims {
		o.Claims = append(o.Claims, plan.Claim{Name: claim.Name, Size: claim.Spec.Resources.Requests[corev1.ResourceStorage]})
	}
	if s.deployment != nil {
		o.Replicas = s.deployment.Spec.Replicas
		o.NodeTemplateHash = s.deployment.Annotations[plan.AnnotationTemplateHash]
	}
	if s.set != nil {
		o.BackboneTemplateHash = s.set.Annotations[plan.AnnotationTemplateHash]
	}
	return o
}
