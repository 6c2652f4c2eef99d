package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Child names an object within the owner's namespace.
type Child struct {
	Kind schema.GroupKind
	Name string
}

// Prune deletes those of the children that are the owner's and planned no longer, and returns which.
func (a *Applier) Prune(ctx context.Context, owner Owner, children []metav1.PartialObjectMetadata, planned map[Child]bool) ([]Child, error) {
	var gone []Child
	for i := range children {
		child := &children[i]
		kind := child.GroupVersionKind()
		name := Child{Kind: kind.GroupKind(), Name: child.Name}
		controller := metav1.GetControllerOfNoCopy(child)
		if planned[name] || child.DeletionTimestamp != nil || controller == nil || controller.UID != owner.UID {
			continue
		}
		err := a.client.Delete(ctx, child,
			client.Preconditions{UID: &child.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
		if err != nil && !apierrors.IsNotFound(err) {
			return gone, fmt.Errorf("deleting %s: %w", describe(kind, child.Name), err)
		}
		a.drop(owner, target{manager: Operator, kind: name.Kind, name: name.Name})
		gone = append(gone, name)
	}
	return gone, nil
}
