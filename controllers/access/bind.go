package access

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacapply "k8s.io/client-go/applyconfigurations/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/apply"
)

const (
	// ClusterRole holds the rights within a namespace; the operator may bind it, and has them nowhere before.
	ClusterRole = "chatfleet-namespace"
	// RoleBinding binds them in a namespace that has a ChatCluster.
	RoleBinding = "chatfleet-operator"
)

// bind applies the RoleBinding.
func (o Options) bind(ctx context.Context, namespace string) error {
	if o.ServiceAccount.Name == "" {
		return nil
	}
	binding := rbacapply.RoleBinding(RoleBinding, namespace).
		WithLabels(map[string]string{"app.kubernetes.io/name": "chatfleet", "app.kubernetes.io/managed-by": "chatfleet"}).
		WithSubjects(rbacapply.Subject().WithKind(rbacv1.ServiceAccountKind).
			WithName(o.ServiceAccount.Name).WithNamespace(o.ServiceAccount.Namespace)).
		WithRoleRef(rbacapply.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("ClusterRole").WithName(ClusterRole))
	if err := o.Client.Apply(ctx, binding, client.FieldOwner(apply.Operator), client.ForceOwnership); err != nil {
		return fmt.Errorf("binding the operator's rights by RoleBinding %s: %w", RoleBinding, err)
	}
	return nil
}

// unbind deletes the RoleBinding. A namespace that is gone took it along.
func (o Options) unbind(ctx context.Context, namespace string) error {
	if o.ServiceAccount.Name == "" {
		return nil
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: RoleBinding, Namespace: namespace}}
	if err := o.Client.Delete(ctx, binding); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("giving the operator's rights in namespace %s back: %w", namespace, err)
	}
	return nil
}
