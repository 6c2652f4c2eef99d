package access

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/apply"
)

var (
	kindDeployment  = appsv1.SchemeGroupVersion.WithKind("Deployment")
	kindStatefulSet = appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	kindSecret      = corev1.SchemeGroupVersion.WithKind("Secret")
)

// asMetadata are the kinds of children of which only metadata is kept.
var asMetadata = []schema.GroupVersionKind{
	corev1.SchemeGroupVersion.WithKind("ServiceAccount"),
	corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	corev1.SchemeGroupVersion.WithKind("Service"),
	kindSecret,
	policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
	networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
	networkingv1.SchemeGroupVersion.WithKind("Ingress"),
	autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
}

// whole are the kinds whose status matters.
func whole() []client.Object {
	return []client.Object{&appsv1.Deployment{}, &appsv1.StatefulSet{}, &corev1.Pod{}, &corev1.PersistentVolumeClaim{}}
}

// cacheOptions limit a cache to one namespace and to objects of ChatClusters; secrets, which a spec may name, are there all.
func cacheOptions(o Options, namespace string) cache.Options {
	ours, err := labels.NewRequirement(apply.LabelCluster, selection.Exists, nil)
	if err != nil {
		panic(err) // a constant label is valid
	}
	return cache.Options{
		HTTPClient:           o.HTTPClient,
		Scheme:               o.Scheme,
		Mapper:               o.Mapper,
		DefaultNamespaces:    map[string]cache.Config{namespace: {}},
		DefaultLabelSelector: labels.NewSelector().Add(*ours),
		DefaultTransform:     slim,
		// Watches go on for minutes after the rights are lost, and then find out.
		DefaultWatchErrorHandler: func(ctx context.Context, r *toolscache.Reflector, err error) {
			if apierrors.IsForbidden(err) {
				ctx, cancel := context.WithTimeout(ctx, syncDeadline)
				defer cancel()
				err = errors.Join(err, o.bind(ctx, namespace))
			}
			toolscache.DefaultWatchErrorHandler(ctx, r, err)
		},
		ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: {Label: labels.Everything()}},
	}
}

func metadata(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(kind)
	return m
}

// slim leaves out what nobody here reads, before it is kept. Of the managed fields it stays whether the operator applied the object.
func slim(in any) (any, error) {
	object, err := meta.Accessor(in)
	if err != nil {
		return in, nil
	}
	var applied []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == apply.Operator && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			applied = []metav1.ManagedFieldsEntry{{Manager: entry.Manager, Operation: entry.Operation}}
		}
	}
	object.SetManagedFields(applied)
	if pod, ok := in.(*corev1.Pod); ok {
		slimPod(pod)
	}
	return in, nil
}

func slimPod(pod *corev1.Pod) {
	kept := corev1.PodSpec{NodeName: pod.Spec.NodeName}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			kept.Volumes = append(kept.Volumes, v)
		}
	}
	pod.Spec = kept
}
