package apply

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LabelCluster names the ChatCluster on each of its children.
const LabelCluster = "chatfleet.dev/cluster"

// NameTakenError says that a child can't be made since an object of somebody else has its name.
type NameTakenError struct{ Kind, Name string }

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("%s %s exists and belongs to somebody else; rename or delete it", e.Kind, e.Name)
}

// Owned tells that the object is a child of the owner. A child that lost its owner reference, by hand or since its ChatCluster was deleted
// and kept its children, is known by its label and by having been applied by the operator, and becomes a child again.
func Owned(live *metav1.PartialObjectMetadata, owner Owner) bool {
	if controller := metav1.GetControllerOfNoCopy(live); controller != nil {
		return controller.UID == owner.UID
	}
	return live.Labels[LabelCluster] == owner.Name && appliedByOperator(live)
}

// appliedByOperator looks into the managed fields, which nobody writes by accident.
func appliedByOperator(live *metav1.PartialObjectMetadata) bool {
	for _, entry := range live.ManagedFields {
		if entry.Manager == Operator && entry.Operation == metav1.ManagedFieldsOperationApply {
			return true
		}
	}
	return false
}
