package chatcluster

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// CacheOptions are those of the manager's cache: ChatClusters, in these namespaces or in all if there are none. Anything else that is read
// through it is an error, so that nothing is watched that isn't needed.
func CacheOptions(namespaces []string) cache.Options {
	o := cache.Options{
		ReaderFailOnMissingInformer: true,
		ByObject:                    map[client.Object]cache.ByObject{&v1alpha1.ChatCluster{}: {Transform: slim}},
	}
	for _, namespace := range namespaces {
		if o.DefaultNamespaces == nil {
			o.DefaultNamespaces = map[string]cache.Config{}
		}
		o.DefaultNamespaces[namespace] = cache.Config{}
	}
	return o
}

// slim leaves out what nobody here reads, before it is kept.
func slim(in any) (any, error) {
	if object, err := meta.Accessor(in); err == nil {
		object.SetManagedFields(nil)
	}
	return in, nil
}
