package operator

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	readyDeadline = 20 * time.Minute
	editDeadline  = 30 * time.Second
	memoryBound   = 200 << 20
	tick          = 500 * time.Millisecond
)

// What must hold with a thousand ChatClusters is asserted: nothing is sent while nothing happens, and the memory's bound. Times are figures.
func BenchmarkThousandClusters(b *testing.B) {
	s, nats := prepare(b)
	began := time.Now()
	s.makeClusters(b, nats)
	s.awaitReady(b)
	b.ReportMetric(time.Since(began).Seconds(), "s/all-ready")

	s.awaitQuiet(b)
	s.measureIdle(b)
	s.measureEdits(b)
	kept := memory(b, s.operator.PID())
	b.ReportMetric(kept/(1<<20), "MiB/operator")
	if kept > memoryBound {
		b.Errorf("the operator keeps %.0f MiB, more than %d", kept/(1<<20), memoryBound>>20)
	}
	b.ReportMetric(0, "ns/op")
}

func (s *stage) namespace(i int) string { return fmt.Sprintf("bench-%d", i%s.namespaces) }

// makeClusters makes small fleets on one NATS: two streams and three buckets each.
func (s *stage) makeClusters(b *testing.B, nats *process.NATSCluster) {
	b.Cleanup(func() { s.awaitGone(b) }) // while KWOK can still end the pods
	for i := range s.namespaces {
		s.make(b, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace(i)}})
	}
	nobody := "none" // an ingress controller would be measured too
	for i := range s.clusters {
		c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace(i), Name: fmt.Sprintf("lobby-%d", i)}}
		c.Spec.Backbone = v1alpha1.BackboneSpec{
			Type: v1alpha1.BackboneExternal, Shards: 1, External: &v1alpha1.ExternalBackbone{URLs: []string{nats.URL()}},
		}
		c.Spec.Exposure = v1alpha1.ExposureSpec{Host: fmt.Sprintf("lobby-%d.example", i), Ingress: &v1alpha1.IngressSpec{ClassName: &nobody}}
		c.Spec.Nodes.NodeSelector = map[string]string{playedLabel: ""}
		c.Spec.Nodes.Tolerations = []corev1.Toleration{{Key: playedLabel, Operator: corev1.TolerationOpExists}}
		if err := s.api.Create(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// awaitGone returns when nothing is left in the namespaces, nor they themselves.
func (s *stage) awaitGone(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	await(ctx, b, func() error {
		for i := range s.namespaces {
			if err := s.api.Get(ctx, client.ObjectKey{Name: s.namespace(i)}, &corev1.Namespace{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("namespace %s is still there: %w", s.namespace(i), err)
			}
		}
		return nil
	})
}

// awaitReady returns when every ChatCluster is Ready.
func (s *stage) awaitReady(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), readyDeadline)
	defer cancel()
	await(ctx, b, func() error {
		var all v1alpha1.ChatClusterList
		if err := s.api.List(ctx, &all); err != nil {
			return err
		}
		ready, why := 0, ""
		for _, c := range all.Items {
			if condition := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady); condition != nil && condition.Status == metav1.ConditionTrue {
				ready++
			} else if condition != nil {
				why = c.Name + ": " + condition.Reason + ": " + condition.Message
			}
		}
		if ready < s.clusters {
			return fmt.Errorf("%d of %d are Ready; %s", ready, s.clusters, why)
		}
		return nil
	})
}

// awaitQuiet returns when the operator has sent nothing but routine for ten seconds: the last pods have been noted.
func (s *stage) awaitQuiet(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), readyDeadline)
	defer cancel()
	await(ctx, b, func() error {
		now := time.Now()
		if sent := s.notRoutine(b, now.Add(-10*time.Second), now); len(sent) > 0 {
			return fmt.Errorf("it still sends: %d in 10 s, such as %s %s", len(sent), sent[0].Verb, sent[0].URI)
		}
		return nil
	})
}

func (s *stage) notRoutine(b *testing.B, from, to time.Time) []request {
	sent, err := sentBy(s.auditLog, operatorUser, from, to)
	if err != nil {
		b.Fatal(err)
	}
	return slices.DeleteFunc(sent, request.routine)
}

// measureIdle lets the time pass: that is what is measured.
func (s *stage) measureIdle(b *testing.B) {
	from := time.Now()
	select {
	case <-time.After(s.idle):
	case <-b.Context().Done():
	}
	sent := s.notRoutine(b, from, time.Now())
	b.ReportMetric(float64(len(sent)), "requests/idle")
	for _, r := range sent[:min(len(sent), 10)] {
		b.Errorf("while nothing happened the operator sent: %s %s", r.Verb, r.URI)
	}
}

// measureEdits changes the host of one ChatCluster after the other, and a label of its pods, and takes the time until the last child has it.
func (s *stage) measureEdits(b *testing.B) {
	took := make([]time.Duration, 0, s.edits)
	for i := range s.edits {
		took = append(took, s.edit(b, i*s.clusters/s.edits, i))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms/edit-p50")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms/edit-p99")
}

func (s *stage) edit(b *testing.B, which, number int) time.Duration {
	ctx, cancel := context.WithTimeout(b.Context(), editDeadline)
	defer cancel()
	namespace := s.namespace(which)
	value := fmt.Sprintf("edit-%d", number)
	deployed := s.changed(ctx, b, &appsv1.DeploymentList{}, namespace, func(o client.Object) bool {
		d, is := o.(*appsv1.Deployment)
		return is && d.Spec.Template.Labels["edit"] == value
	})
	routed := s.changed(ctx, b, &networkingv1.IngressList{}, namespace, func(o client.Object) bool {
		in, is := o.(*networkingv1.Ingress)
		return is && len(in.Spec.Rules) > 0 && in.Spec.Rules[0].Host == value+".example"
	})
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("lobby-%d", which)}}
	change := fmt.Sprintf(`{"spec":{"exposure":{"host":"%s.example"},"nodes":{"podLabels":{"edit":%q}}}}`, value, value)
	began := time.Now()
	if err := s.api.Patch(ctx, c, client.RawPatch("application/merge-patch+json", []byte(change))); err != nil {
		b.Fatal(err)
	}
	last := began
	for _, seen := range []<-chan time.Time{deployed, routed} {
		select {
		case at := <-seen:
			if at.After(last) {
				last = at
			}
		case <-ctx.Done():
			b.Fatalf("edit %d of %s has not reached its children in %v", number, c.Name, editDeadline)
		}
	}
	return last.Sub(began)
}

// changed tells when an object of a kind that fulfils the condition is seen.
func (s *stage) changed(ctx context.Context, b *testing.B, kind client.ObjectList, namespace string, is func(client.Object) bool) <-chan time.Time {
	w, err := s.api.Watch(ctx, kind, client.InNamespace(namespace))
	if err != nil {
		b.Fatal(err)
	}
	seen := make(chan time.Time, 1)
	go func() {
		defer w.Stop()
		for event := range w.ResultChan() {
			if o, isObject := event.Object.(client.Object); isObject && event.Type == watch.Modified && is(o) {
				seen <- time.Now()
				return
			}
		}
	}()
	return seen
}

// await asks for a condition again and again until it returns nil, and ends the benchmark with its last error when the context ends.
func await(ctx context.Context, b *testing.B, condition func() error) {
	b.Helper()
	if err := wait.Until(ctx, tick, func(context.Context) error { return condition() }); err != nil {
		b.Fatal(err)
	}
}
