package access

import (
	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/chatfleet/chatfleet/controllers/apply"
)

// handler tells of changes. What was there when the watch began is not told: whoever opens a namespace looks at everything anyway.
func (o Options) handler(namespace string, secrets bool) toolscache.ResourceEventHandler {
	tell := func(in any) {
		if gone, ok := in.(toolscache.DeletedFinalStateUnknown); ok {
			in = gone.Obj
		}
		object, err := meta.Accessor(in)
		if err != nil {
			return
		}
		if cluster := object.GetLabels()[apply.LabelCluster]; cluster != "" {
			o.Changed(namespace, cluster)
		}
		if secrets {
			o.SecretChanged(namespace, object.GetName())
		}
	}
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(in any, initial bool) {
			if !initial {
				tell(in)
			}
		},
		UpdateFunc: func(before, after any) {
			a, errA := meta.Accessor(before)
			b, errB := meta.Accessor(after)
			if errA == nil && errB == nil && a.GetResourceVersion() == b.GetResourceVersion() {
				return
			}
			tell(after)
		},
		DeleteFunc: tell,
	}
}
