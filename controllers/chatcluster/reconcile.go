package chatcluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/access"
	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/status"
)

// session is what is remembered of one ChatCluster between reconciles; losing it costs requests, nothing else.
type session struct {
	uid types.UID
	// written is the status that was written last, and version that of the ChatCluster then.
	written *v1alpha1.ChatClusterStatus
	version string
	// restarted is the pod that was deleted last for a restart.
	restarted types.UID
	// readyServers is how many pods of the backbone were ready last.
	readyServers int32
	// missing says that an API was missing that is asked for.
	missing bool
	// secrets are the names of those that were read.
	secrets []string
}

// work is one reconcile of one ChatCluster.
type work struct {
	*reconciler
	key     types.NamespacedName
	c       *v1alpha1.ChatCluster
	owner   apply.Owner
	session *session
	view    *access.View
	seen    seen
	in      status.Inputs
	// again is when to look again if nothing happens before; zero is never.
	again time.Duration
}

// Reconcile makes one ChatCluster what its spec wants.
func (r *reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	c := &v1alpha1.ChatCluster{}
	err := r.clusters.Get(ctx, request.NamespacedName, c)
	if apierrors.IsNotFound(err) {
		return reconcile.Result{}, r.forget(ctx, request.NamespacedName)
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("reading the ChatCluster: %w", err)
	}
	w := &work{reconciler: r, key: request.NamespacedName, c: c, session: r.session(request.NamespacedName, c),
		owner: apply.Owner{UID: c.UID, Namespace: c.Namespace, Name: c.Name}}
	w.refresh()
	err = w.do(ctx)
	var rebound error
	if apierrors.IsForbidden(err) && !terminating(err) {
		rebound = r.namespaces.Rebind(ctx, c.Namespace)
	}
	if terminating(err) || terminating(rebound) {
		return reconcile.Result{}, nil // with the namespace goes everything, without a hand of ours
	}
	err = errors.Join(err, rebound)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: w.again}, nil
}

// terminating tells that the namespace is being deleted.
func terminating(err error) bool {
	return err != nil && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// do looks, acts and reports. What fails for one child is reported, and returned so that it is tried again.
func (w *work) do(ctx context.Context) error {
	// Whoever installs an API that was missing expects it to be found; and a changed spec may ask for one.
	kinds, err := w.apis.have(w.session.missing || w.c.Generation != w.c.Status.ObservedGeneration)
	if err != nil {
		return err
	}
	if w.view, err = w.namespaces.Open(ctx, w.c.Namespace, kinds); err != nil {
		return err
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	w.in = status.Inputs{Cluster: w.c}
	var failed error
	switch {
	case w.c.DeletionTimestamp != nil:
		w.leave()
	case w.c.Spec.Paused:
		w.health.pause(w.key)
	default:
		failed = w.act(ctx, apisOf(kinds))
	}
	return errors.Join(failed, w.report(ctx))
}

// leave lets go of NATS. Children need no hand: they go with their owner.
func (w *work) leave() {
	w.health.forget(w.key)
	w.options.Pool.Release(w.key.String())
}

// forget drops everything of a ChatCluster that is gone, and closes the namespace behind the last.
func (r *reconciler) forget(ctx context.Context, key types.NamespacedName) error {
	r.health.forget(key)
	r.options.Pool.Release(key.String())
	r.metrics.forget(key)
	r.mutex.Lock()
	gone := r.sessions[key]
	delete(r.sessions, key)
	r.mutex.Unlock()
	if gone != nil {
		r.applier.Forget(gone.uid)
		r.secrets.forgetAll(key.Namespace, gone.secrets)
	}
	return r.namespaces.Close(ctx, key.Namespace, func() bool {
		var rest v1alpha1.ChatClusterList
		err := r.clusters.List(ctx, &rest, client.InNamespace(key.Namespace))
		return err != nil || len(rest.Items) > 0
	})
}

// session finds what is remembered, and forgets what was of another ChatCluster with this name.
func (r *reconciler) session(key types.NamespacedName, c *v1alpha1.ChatCluster) *session {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s := r.sessions[key]
	if s == nil || s.uid != c.UID {
		if s != nil {
			r.applier.Forget(s.uid)
		}
		s = &session{uid: c.UID}
		r.sessions[key] = s
	}
	return s
}
