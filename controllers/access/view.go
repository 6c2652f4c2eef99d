package access

import (
	"context"
	"errors"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/apply"
)

// byCluster is the index of objects by the ChatCluster that their label names.
const byCluster = "cluster"

// View is what an opened namespace has of ChatClusters. All reads are from memory.
type View struct {
	namespace string
	cache     cache.Cache
	ctx       context.Context
	end       context.CancelFunc

	mutex   sync.Mutex
	bound   bool
	started bool
	watched map[schema.GroupVersionKind]bool
	// synced is how many kinds were watched when all of them had been seen.
	synced int
	kinds  []schema.GroupVersionKind
}

// ready binds, begins the watches that are missing, and waits until they have seen everything.
func (v *View) ready(ctx context.Context, n *Namespaces, optional []schema.GroupVersionKind) error {
	synced, err := v.begin(ctx, n, optional)
	if err != nil || synced {
		return err
	}
	if !v.cache.WaitForCacheSync(ctx) {
		return errors.New("the watches have not begun yet: the operator's rights there may not be in force, or the API server is slow")
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.synced = len(v.watched)
	return nil
}

// begin tells whether everything that is watched has been seen before.
func (v *View) begin(ctx context.Context, n *Namespaces, optional []schema.GroupVersionKind) (bool, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if !v.bound {
		if err := n.options.bind(ctx, v.namespace); err != nil {
			return false, err
		}
		v.bound = true
	}
	for _, object := range v.missing(optional) {
		if err := v.watch(ctx, n.options, object); err != nil {
			return false, err
		}
	}
	if !v.started {
		v.started = true
		n.run(func() {
			_ = v.cache.Start(v.ctx) // ends with its context, and tells of nothing else
		})
	}
	return v.synced == len(v.watched), nil
}

// missing are the objects, by kind, that aren't watched yet.
func (v *View) missing(optional []schema.GroupVersionKind) []client.Object {
	var objects []client.Object
	if !v.started {
		objects = whole()
	}
	for _, kinds := range [][]schema.GroupVersionKind{asMetadata, optional} {
		for _, kind := range kinds {
			if !v.watched[kind] {
				objects = append(objects, metadata(kind))
			}
		}
	}
	return objects
}

func (v *View) watch(ctx context.Context, o Options, object client.Object) error {
	kind := object.GetObjectKind().GroupVersionKind()
	if err := v.cache.IndexField(ctx, object, byCluster, clusterOf); err != nil {
		return fmt.Errorf("indexing %T %s: %w", object, kind.Kind, err)
	}
	informer, err := v.cache.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching %T %s: %w", object, kind.Kind, err)
	}
	if _, err := informer.AddEventHandler(o.handler(v.namespace, kind == kindSecret)); err != nil {
		return fmt.Errorf("listening to %T %s: %w", object, kind.Kind, err)
	}
	if kind.Kind != "" {
		v.watched[kind] = true
		v.kinds = append(v.kinds, kind)
	}
	return nil
}

func clusterOf(object client.Object) []string {
	if name := object.GetLabels()[apply.LabelCluster]; name != "" {
		return []string{name}
	}
	return nil
}

// Live is the metadata of an object; nil if there is none with the label of a ChatCluster.
func (v *View) Live(ctx context.Context, kind schema.GroupVersionKind, name string) (*metav1.PartialObjectMetadata, error) {
	var object client.Object
	switch kind {
	case kindDeployment:
		object = &appsv1.Deployment{}
	case kindStatefulSet:
		object = &appsv1.StatefulSet{}
	default:
		object = metadata(kind)
	}
	if found, err := v.get(ctx, name, object); err != nil || !found {
		return nil, err
	}
	return metadataOf(object, kind), nil
}

// SecretVersion is the resource version of a secret, empty if it isn't there.
func (v *View) SecretVersion(ctx context.Context, name string) (string, error) {
	object := metadata(kindSecret)
	if found, err := v.get(ctx, name, object); err != nil || !found {
		return "", err
	}
	return object.ResourceVersion, nil
}

// Deployment is nil if it isn't there.
func (v *View) Deployment(ctx context.Context, name string) (*appsv1.Deployment, error) {
	object := &appsv1.Deployment{}
	if found, err := v.get(ctx, name, object); err != nil || !found {
		return nil, err
	}
	return object, nil
}

// StatefulSet is nil if it isn't there.
func (v *View) StatefulSet(ctx context.Context, name string) (*appsv1.StatefulSet, error) {
	object := &appsv1.StatefulSet{}
	if found, err := v.get(ctx, name, object); err != nil || !found {
		return nil, err
	}
	return object, nil
}

// Pods are all pods of a ChatCluster.
func (v *View) Pods(ctx context.Context, cluster string) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := v.cache.List(ctx, &list, client.InNamespace(v.namespace), client.MatchingFields{byCluster: cluster}); err != nil {
		return nil, fmt.Errorf("listing pods of %s: %w", cluster, err)
	}
	return list.Items, nil
}

// Claims are all volume claims of a ChatCluster.
func (v *View) Claims(ctx context.Context, cluster string) ([]corev1.PersistentVolumeClaim, error) {
	var list corev1.PersistentVolumeClaimList
	if err := v.cache.List(ctx, &list, client.InNamespace(v.namespace), client.MatchingFields{byCluster: cluster}); err != nil {
		return nil, fmt.Errorf("listing volume claims of %s: %w", cluster, err)
	}
	return list.Items, nil
}

// Children are all objects with the label of a ChatCluster, of all kinds that it may have children of.
func (v *View) Children(ctx context.Context, cluster string) ([]metav1.PartialObjectMetadata, error) {
	v.mutex.Lock()
	kinds := v.kinds
	v.mutex.Unlock()
	var all []metav1.PartialObjectMetadata
	for _, kind := range kinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := v.cache.List(ctx, list, client.InNamespace(v.namespace), client.MatchingFields{byCluster: cluster}); err != nil {
			return nil, fmt.Errorf("listing %s of %s: %w", kind.Kind, cluster, err)
		}
		for _, item := range list.Items {
			item.SetGroupVersionKind(kind)
			all = append(all, item)
		}
	}
	return all, nil
}

func (v *View) get(ctx context.Context, name string, object client.Object) (bool, error) {
	err := v.cache.Get(ctx, client.ObjectKey{Namespace: v.namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %T %s: %w", object, name, err)
	}
	return true, nil
}

func metadataOf(object client.Object, kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	if m, ok := object.(*metav1.PartialObjectMetadata); ok {
		m.SetGroupVersionKind(kind)
		return m
	}
	m := metadata(kind)
	switch object := object.(type) {
	case *appsv1.Deployment:
		m.ObjectMeta = object.ObjectMeta
	case *appsv1.StatefulSet:
		m.ObjectMeta = object.ObjectMeta
	}
	return m
}
