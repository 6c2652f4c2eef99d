package chatcluster_test

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestAReconcileThatChangesNothingSendsNothing(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), everything)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	f.quiet(time.Second)

	// A label of the ChatCluster changes nothing of its children, and has it reconciled.
	mark := f.requests.Count()
	reconciles := f.reconciles()
	f.touch("lobby")
	kube.Wait(t, "a reconcile", func(context.Context) error { return f.reconciledSince(reconciles) })
	f.quiet(time.Second)
	for _, request := range f.sent(mark) {
		t.Errorf("sent %v", request)
	}
}

func TestARestartOfTheOperatorChangesNothing(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), everything)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	before := f.settled("lobby")
	status := f.get("lobby").ResourceVersion

	f.stop()
	f.options.Defaults.NodeImage = "chatfleet/chatnode:2.0"
	f.options.Defaults.BackboneImage = "chatfleet/nats:2.0"
	reconciles := f.reconciles()
	f.start()
	kube.Wait(t, "a reconcile", func(context.Context) error { return f.reconciledSince(reconciles) })
	after := f.settled("lobby")
	for name, old := range before {
		if now := after[name]; now.PartialObjectMetadata == nil || now.UID != old.UID || now.ResourceVersion != old.ResourceVersion {
			t.Errorf("%s was changed from %+v to %+v", name, old.PartialObjectMetadata, now.PartialObjectMetadata)
		}
	}
	if now := f.get("lobby"); now.ResourceVersion != status {
		t.Errorf("the ChatCluster was written: %+v", now.Status)
	}
}
