// Package chatcluster reconciles ChatClusters: load, plan, apply, prune, observe, report. In go watches on ChatClusters and everything of
// theirs, and what NATS answers; out come children, streams and buckets, a status, and events.
//
// What a ChatCluster consists of is decided by package plan, how it is doing is said by package status, and which server may restart by
// package rollout, all without a client. Here is what carries that out. A reconcile that finds everything as it left it sends nothing.
package chatcluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/access"
	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

// Name of the controller, and of whom events are reported by.
const Name = "chatfleet"

const (
	// workers is how many ChatClusters are reconciled at a time.
	workers = 8
	// reconcileDeadline bounds one reconcile.
	reconcileDeadline = time.Minute
	// firstBackoff and lastBackoff bound the time between two attempts at what failed.
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 30 * time.Second
)

// Options are what the operator was told.
type Options struct {
	// Defaults are the images of this release.
	Defaults plan.Defaults
	// OperatorNamespace is where the operator runs; network policies let it in.
	OperatorNamespace string
	// ServiceAccount is whom rights are given to in namespaces with ChatClusters. Empty: they are there already.
	ServiceAccount types.NamespacedName
	// Pool has the connections to NATS. The caller closes it when the manager has ended.
	Pool *backbone.Pool
	// Registerer of metrics; nil: none.
	Registerer prometheus.Registerer
}

// reconciler does the work.
type reconciler struct {
	options    Options
	clusters   cache.Cache
	client     client.Client // reads from the API server
	applier    *apply.Applier
	namespaces *access.Namespaces
	health     *health
	apis       *optionalAPIs
	events     events.EventRecorder
	secrets    *secrets
	metrics    *metrics
	now        func() time.Time

	mutex    sync.Mutex
	queue    workqueue.TypedRateLimitingInterface[reconcile.Request]
	sessions map[types.NamespacedName]*session
}

// Setup adds the controller to the manager, whose cache must be of ChatClusters alone.
func Setup(mgr manager.Manager, o Options) error {
	api, err := client.New(mgr.GetConfig(), client.Options{HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	finder, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making a discovery client: %w", err)
	}
	r := &reconciler{
		options: o, clusters: mgr.GetCache(), client: api, applier: apply.New(api), events: mgr.GetEventRecorder(Name),
		apis: &optionalAPIs{discovery: finder, now: time.Now}, secrets: newSecrets(api), metrics: newMetrics(o.Registerer), now: time.Now,
		sessions: map[types.NamespacedName]*session{},
	}
	r.health = newHealth(o.Pool.Ensure, r.enqueue)
	r.namespaces = access.New(access.Options{
		Config: mgr.GetConfig(), HTTPClient: mgr.GetHTTPClient(), Mapper: mgr.GetRESTMapper(), Scheme: mgr.GetScheme(), Client: api,
		ServiceAccount: o.ServiceAccount,
		Changed:        func(namespace, cluster string) { r.enqueue(types.NamespacedName{Namespace: namespace, Name: cluster}) },
		SecretChanged:  r.secretChanged,
	})
	for _, runnable := range []manager.Runnable{r.health, r.namespaces} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("adding to the manager: %w", err)
		}
	}
	if err := r.clusters.IndexField(context.Background(), &v1alpha1.ChatCluster{}, bySecret, secretsOf); err != nil {
		return fmt.Errorf("indexing ChatClusters by their secrets: %w", err)
	}
	return r.control(mgr)
}

// control adds the controller itself.
func (r *reconciler) control(mgr manager.Manager) error {
	warm := true
	c, err := controller.New(Name, mgr, controller.Options{
		Reconciler:              r,
		MaxConcurrentReconciles: workers,
		ReconciliationTimeout:   reconcileDeadline,
		EnableWarmup:            &warm,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstBackoff, lastBackoff),
	})
	if err != nil {
		return fmt.Errorf("making the controller: %w", err)
	}
	// The status is the operator's own: its changes are no reason to look again.
	spec := predicate.Or[*v1alpha1.ChatCluster](
		predicate.TypedGenerationChangedPredicate[*v1alpha1.ChatCluster]{}, predicate.TypedLabelChangedPredicate[*v1alpha1.ChatCluster]{},
		predicate.NewTypedPredicateFuncs(func(c *v1alpha1.ChatCluster) bool { return c.DeletionTimestamp != nil }))
	if err := c.Watch(source.Kind(r.clusters, &v1alpha1.ChatCluster{}, &handler.TypedEnqueueRequestForObject[*v1alpha1.ChatCluster]{}, spec)); err != nil {
		return fmt.Errorf("watching ChatClusters: %w", err)
	}
	return c.Watch(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.queue = queue
		return nil
	}))
}

// enqueue has a ChatCluster reconciled. It doesn't block.
func (r *reconciler) enqueue(key types.NamespacedName) {
	r.mutex.Lock()
	queue := r.queue
	r.mutex.Unlock()
	if queue != nil {
		queue.Add(reconcile.Request{NamespacedName: key})
	}
}
