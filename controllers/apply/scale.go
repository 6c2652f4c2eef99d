package apply

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var kindDeployment = appsv1.SchemeGroupVersion.WithKind("Deployment")

// ScaleTo applies the number of pods of a Deployment, and nothing else, against whoever set it before. It tells whether that took a request
// that changes something. live is what a cache has, nil if it has nothing yet; the Deployment must have been applied then. Never to be
// called while an autoscaler owns the number: that is what LeaveScale is for.
func (a *Applier) ScaleTo(ctx context.Context, owner Owner, name string, live *appsv1.Deployment, replicas int32) (bool, error) {
	if a.Replaced(owner, name, live) {
		live = nil
	}
	uid, version := a.applied(owner, name)
	if live != nil {
		uid, version = live.UID, live.ResourceVersion
	}
	if uid == "" {
		return false, nil
	}
	at := target{manager: Scale, kind: kindDeployment.GroupKind(), name: name}
	wanted := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": name, "namespace": owner.Namespace, "uid": string(uid)},
		"spec":     map[string]any{"replicas": int64(replicas)},
	}}
	wanted.SetGroupVersionKind(kindDeployment)
	sum, err := hash(wanted)
	if err != nil {
		return false, fmt.Errorf("hashing the scale of %s: %w", name, err)
	}
	if last, found := a.record(owner, at); found && last.sum == sum && last.scaled(live, replicas) {
		return false, nil
	}
	if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner(Scale), client.ForceOwnership); err != nil {
		return false, fmt.Errorf("scaling Deployment %s to %d: %w", name, replicas, err)
	}
	a.remember(owner, at, recordOf(sum, wanted))
	return version != wanted.GetResourceVersion(), nil
}

// scaled tells that the live number is still the one that was applied.
func (r record) scaled(live *appsv1.Deployment, replicas int32) bool {
	return live == nil || older(live.ResourceVersion, r.version) || live.Spec.Replicas != nil && *live.Spec.Replicas == replicas
}

// Replaced tells that the operator has since made a Deployment in the place of the one that a cache has.
func (a *Applier) Replaced(owner Owner, name string, live *appsv1.Deployment) bool {
	uid, version := a.applied(owner, name)
	return live != nil && uid != "" && uid != live.UID && older(live.ResourceVersion, version)
}

// applied is what the operator's own apply left of a Deployment.
func (a *Applier) applied(owner Owner, name string) (types.UID, string) {
	last, _ := a.record(owner, target{manager: Operator, kind: kindDeployment.GroupKind(), name: name})
	return last.uid, last.version
}

// LeaveScale is to be called while somebody else owns the number of pods: no request, since an apply without the field would reset it.
func (a *Applier) LeaveScale(owner Owner, name string) {
	a.drop(owner, target{manager: Scale, kind: kindDeployment.GroupKind(), name: name})
}
