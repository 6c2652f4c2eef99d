package apply

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

var (
	owner = Owner{UID: "cluster-1", Namespace: "chat", Name: "lobby"}
	yes   = true
)

func live(change func(*metav1.PartialObjectMetadata)) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.UID, m.ResourceVersion, m.Generation = "child-1", "20", 3
	m.Labels = map[string]string{LabelCluster: "lobby", "theirs": "x"}
	m.OwnerReferences = []metav1.OwnerReference{{UID: "cluster-1", Controller: &yes}}
	change(m)
	return m
}

func TestAnObjectIsLeftAloneOnlyIfItIsAsItWasLeft(t *testing.T) {
	wanted := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"labels": map[string]any{LabelCluster: "lobby"}}}}
	sum, err := hash(wanted)
	if err != nil {
		t.Fatal(err)
	}
	last := record{sum: sum, uid: "child-1", version: "20", generation: 3}
	without := record{sum: sum, uid: "child-1", version: "20"}
	tests := []struct {
		name   string
		last   record
		change func(*metav1.PartialObjectMetadata)
		want   bool
	}{
		{"untouched", last, func(*metav1.PartialObjectMetadata) {}, true},
		{"another configuration", record{uid: "child-1", version: "20", generation: 3}, func(*metav1.PartialObjectMetadata) {}, false},
		{"another object of that name", last, func(m *metav1.PartialObjectMetadata) { m.UID = "child-2" }, false},
		{"the cache has not seen the last write", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion, m.Generation = "19", 2 }, true},
		{"only the status has changed", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion = "21" }, true},
		{"the spec has changed", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion, m.Generation = "21", 4 }, false},
		{"a label of ours has changed", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion = "21"; m.Labels[LabelCluster] = "other" }, false},
		{"a label of somebody else has changed", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion = "21"; m.Labels["theirs"] = "y" }, true},
		{"the owner is gone", last, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion = "21"; m.OwnerReferences = nil }, false},
		{"anything has changed where nothing is counted", without, func(m *metav1.PartialObjectMetadata) { m.ResourceVersion, m.Generation = "21", 0 }, false},
	}
	for _, test := range tests {
		if got := test.last.holds(sum, live(test.change), wanted); got != test.want {
			t.Errorf("%s: left alone is %v, want %v", test.name, got, test.want)
		}
	}
}

func TestOnlyChildrenOfOursAreOurs(t *testing.T) {
	ours := []metav1.ManagedFieldsEntry{{Manager: Operator, Operation: metav1.ManagedFieldsOperationApply}}
	tests := []struct {
		name   string
		change func(*metav1.PartialObjectMetadata)
		want   bool
	}{
		{"a child", func(*metav1.PartialObjectMetadata) {}, true},
		{"a child of another", func(m *metav1.PartialObjectMetadata) {
			m.OwnerReferences[0].UID, m.ManagedFields = "cluster-2", ours
		}, false},
		{"somebody's, with our label", func(m *metav1.PartialObjectMetadata) { m.OwnerReferences = nil }, false},
		{"a child that lost its owner", func(m *metav1.PartialObjectMetadata) { m.OwnerReferences, m.ManagedFields = nil, ours }, true},
		{"an orphan of another name", func(m *metav1.PartialObjectMetadata) {
			m.OwnerReferences, m.ManagedFields = nil, ours
			m.Labels[LabelCluster] = "other"
		}, false},
	}
	for _, test := range tests {
		if got := Owned(live(test.change), owner); got != test.want {
			t.Errorf("%s: ours is %v, want %v", test.name, got, test.want)
		}
	}
}

func TestAConfigurationClaimsNothingThatNobodyMeant(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x", UID: types.UID("")}}
	if _, err := desired(pod); err == nil {
		t.Error("an object that doesn't say its kind was taken")
	}
	pod.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	u, err := desired(pod)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := u.Object["status"]; found {
		t.Error("it has a status")
	}
	if containers, found, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "containers"); found {
		t.Errorf("it has containers: %v", containers)
	}
	volumes, _, _ := unstructured.NestedSlice(u.Object, "spec", "volumes")
	if _, kept := volumes[0].(map[string]any)["emptyDir"]; !kept {
		t.Errorf("an empty struct that means something is gone: %v", volumes)
	}
	theirs := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "X", "status": map[string]any{}, "metadata": map[string]any{"name": "x"}}}
	if _, err := desired(theirs); err != nil {
		t.Fatal(err)
	}
	if _, changed := theirs.Object["status"]; !changed {
		t.Error("the object itself was changed")
	}
}
