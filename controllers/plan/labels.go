package plan

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Labels and annotations of children.
const (
	// LabelCluster names the ChatCluster. Together with LabelComponent it selects pods.
	LabelCluster = "chatfleet.dev/cluster"
	// LabelComponent is ComponentNode or ComponentBackbone.
	LabelComponent = "app.kubernetes.io/component"
	// LabelManagedBy is ManagedBy on every child.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "chatfleet"

	ComponentNode     = "node"
	ComponentBackbone = "backbone"

	// AnnotationTemplateHash, on the Deployment and the StatefulSet, is the hash of their pod template.
	AnnotationTemplateHash = "chatfleet.dev/template-hash"
)

// Labels are written on every child of that component, and on its pods.
func Labels(c *v1alpha1.ChatCluster, component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":     "chatfleet",
		"app.kubernetes.io/instance": c.Name,
		LabelManagedBy:               ManagedBy,
		LabelComponent:               component,
		LabelCluster:                 c.Name,
	}
}

// Selector finds the pods of that component.
func Selector(c *v1alpha1.ChatCluster, component string) map[string]string {
	return map[string]string{LabelCluster: c.Name, LabelComponent: component}
}

func selectorOf(c *v1alpha1.ChatCluster, component string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: Selector(c, component)}
}

// meta is the metadata of a child.
func meta(c *v1alpha1.ChatCluster, name, component string) metav1.ObjectMeta {
	controller := true
	return metav1.ObjectMeta{
		Namespace: c.Namespace,
		Name:      name,
		Labels:    Labels(c, component),
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "ChatCluster", Name: c.Name, UID: c.UID, Controller: &controller,
		}},
	}
}

func typeMeta(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

// merged gives the entries of all maps; later ones win. It is nil if there are none.
func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
