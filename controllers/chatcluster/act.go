package chatcluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/controllers/status"
)

// nameTakenRetry is the time between two looks at a name that somebody else has: their objects aren't watched.
const nameTakenRetry = 30 * time.Second

// conflictRetry is the time until what somebody else did has surely reached the cache.
const conflictRetry = 200 * time.Millisecond

// missingRetry is the time between two questions for an API that is asked for and missing.
const missingRetry = 10 * time.Second

// act carries the plan out.
func (w *work) act(ctx context.Context, apis plan.APIs) error {
	named, problems, err := w.lacking(ctx, w.view, w.c)
	if err != nil {
		return err
	}
	w.in.Problems = problems

	observed := w.seen.observed()
	observed.APIs = apis
	observed.OperatorNamespace = w.options.OperatorNamespace
	observed.ClientCertificate = w.hasClientCertificate(named)
	p, err := plan.Make(plan.Inputs{Cluster: w.c, Observed: observed, Defaults: w.options.Defaults})
	if err != nil {
		w.problem(v1alpha1.ReasonApplyFailed, err.Error())
		return nil
	}
	w.in.Missing, w.session.missing = p.Missing, len(p.Missing) > 0
	if w.session.missing {
		w.lookAgain(missingRetry)
	}
	w.session.secrets = secretNames(w.c)
	if err := w.promise(ctx, p.Revision); err != nil {
		return err
	}
	planned := map[apply.Child]bool{}
	failed := w.certify(ctx, planned)
	failed = errors.Join(failed, w.grow(ctx, &p, planned))
	failed = errors.Join(failed, w.applyAll(ctx, p, planned))
	failed = errors.Join(failed, w.prune(ctx, planned))
	failed = errors.Join(failed, w.scale(ctx, p))
	target, ready, err := w.target(ctx, named)
	if err != nil {
		return errors.Join(failed, err)
	}
	if !ready {
		w.health.forget(w.key)
		return failed
	}
	w.health.watch(w.key, target)
	return errors.Join(failed, w.restart(ctx, target))
}

// hasClientCertificate tells whether the secret that is named for a foreign backbone holds a certificate for clients. While that secret can't
// be read, what the nodes do stays as it is.
func (w *work) hasClientCertificate(named map[string]map[string][]byte) bool {
	external := w.c.Spec.Backbone.External
	if external == nil || external.TLSSecretRef == nil {
		return false
	}
	data, read := named[external.TLSSecretRef.Name]
	if !read {
		return w.seen.showsCertificate()
	}
	return len(data[corev1.TLSCertKey]) > 0 && len(data[corev1.TLSPrivateKeyKey]) > 0
}

// promise writes the revision before anything is made with it, so that whatever happens next the same pods are made.
func (w *work) promise(ctx context.Context, revision v1alpha1.Revision) error {
	if w.c.Status.Revision != nil && *w.c.Status.Revision == revision {
		return nil
	}
	s := w.c.Status.DeepCopy()
	s.Revision = &revision
	return w.write(ctx, *s)
}

// applyAll applies every object, also after one has failed.
func (w *work) applyAll(ctx context.Context, p plan.Plan, planned map[apply.Child]bool) error {
	var failed error
	made := 0
	for _, object := range p.Objects {
		kind := object.GetObjectKind().GroupVersionKind().GroupKind()
		planned[apply.Child{Kind: kind, Name: object.GetName()}] = true
		changed, err := w.applier.Apply(ctx, w.owner, w.view, object, w.beginning(object, p.Replicas))
		if changed {
			made++
		}
		failed = errors.Join(failed, w.tolerate(err))
	}
	if made > 0 && w.c.Status.ObservedGeneration == 0 {
		w.say(corev1.EventTypeNormal, "Created", "Apply", fmt.Sprintf("made %d objects", made))
	}
	return failed
}

// beginning is a Deployment that has its number of nodes: one that began with a single node, however shortly, would take the pods away that it
// finds. An autoscaler's number is that of the Deployment that was seen last. The next apply leaves the number to whom it belongs, who has
// applied it by then.
func (w *work) beginning(object plan.Object, replicas *int32) client.Object {
	d, is := object.(*appsv1.Deployment)
	if !is {
		return nil
	}
	if replicas == nil && w.seen.deployment != nil {
		replicas = w.seen.deployment.Spec.Replicas
	}
	d = d.DeepCopy()
	d.Spec.Replicas = replicas
	return d
}

// tolerate turns an error into a problem for the status. What is left is to be tried again soon.
func (w *work) tolerate(err error) error {
	var taken *apply.NameTakenError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &taken):
		w.problem(v1alpha1.ReasonNameTaken, taken.Error())
		w.lookAgain(nameTakenRetry)
		return nil
	case apierrors.IsConflict(err):
		w.lookAgain(conflictRetry) // somebody was faster; what they did is about to be seen
		return nil
	case errors.Is(err, context.Canceled), terminating(err):
		return err
	}
	w.problem(v1alpha1.ReasonApplyFailed, err.Error())
	return err
}

func (w *work) prune(ctx context.Context, planned map[apply.Child]bool) error {
	children, err := w.view.Children(ctx, w.c.Name)
	if err != nil {
		return err
	}
	gone, err := w.applier.Prune(ctx, w.owner, children, planned)
	if len(gone) > 0 {
		w.say(corev1.EventTypeNormal, "Removed", "Prune", "removed what the spec asks for no longer: "+list(gone))
	}
	return w.tolerate(err)
}

// scale sets the number of nodes, unless an autoscaler does, which finds a number in a new Deployment too.
func (w *work) scale(ctx context.Context, p plan.Plan) error {
	name := plan.NamesOf(w.c).Node
	d, replicas := w.seen.deployment, p.Replicas
	if replicas == nil && w.applier.Replaced(w.owner, name, d) {
		replicas = d.Spec.Replicas
	}
	if replicas == nil {
		w.applier.LeaveScale(w.owner, name)
		return nil
	}
	changed, err := w.applier.ScaleTo(ctx, w.owner, name, d, *replicas)
	if changed && d != nil && d.Spec.Replicas != nil && *d.Spec.Replicas != *replicas {
		w.say(corev1.EventTypeNormal, "Scaled", "Scale", fmt.Sprintf("scaled the nodes from %d to %d", *d.Spec.Replicas, *replicas))
	}
	return w.tolerate(err)
}

func (w *work) problem(reason, message string) {
	p := status.Problem{Reason: reason, Message: message}
	if !slices.ContainsFunc(w.in.Problems, func(other status.Problem) bool { return equality.Semantic.DeepEqual(p, other) }) {
		w.in.Problems = append(w.in.Problems, p)
	}
}

// lookAgain asks for another reconcile at the latest after that time.
func (w *work) lookAgain(after time.Duration) {
	if after > 0 && (w.again == 0 || after < w.again) {
		w.again = after
	}
}

func list(children []apply.Child) string {
	var all []string
	for _, child := range children {
		all = append(all, child.Kind.Kind+" "+child.Name)
	}
	return strings.Join(all, ", ")
}
