package chatcluster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/chatcluster"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { kube.Main(m) }

// fleet is one namespace with an operator.
type fleet struct {
	*kube.Cluster
	t *testing.T
	// requests are the operator's.
	requests *kube.Requests
	options  chatcluster.Options
	config   *rest.Config
	stop     func()
}

// newFleet starts an operator for a namespace of the test's own.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	c := kube.Start(t)
	f := &fleet{Cluster: c, t: t, requests: &kube.Requests{}, config: c.Config, options: chatcluster.Options{
		Defaults: plan.Defaults{NodeImage: "chatfleet/chatnode:1.0", BackboneImage: "chatfleet/nats:1.0"}, OperatorNamespace: "chatfleet",
	}}
	f.start()
	return f
}

// start runs an operator until stop or the end of the test.
func (f *fleet) start() {
	f.t.Helper()
	unique := true
	mgr, err := manager.New(f.requests.Through(f.config), manager.Options{
		Scheme: kube.Scheme, Cache: chatcluster.CacheOptions([]string{f.Namespace}),
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &unique},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	options := f.options
	options.Pool = backbone.NewPool(backbone.Options{})
	if err := chatcluster.Setup(mgr, options); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	ended := false
	f.stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("the manager ended: %v", err)
		}
		options.Pool.Close()
	}
	f.t.Cleanup(f.stop)
}

// external makes a ChatCluster on a NATS server of somebody else.
func (f *fleet) external(name string, nats *process.NATSCluster, change func(*v1alpha1.ChatCluster)) *v1alpha1.ChatCluster {
	f.t.Helper()
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: name}}
	c.Spec.Backbone = v1alpha1.BackboneSpec{Type: v1alpha1.BackboneExternal, Shards: 2,
		External: &v1alpha1.ExternalBackbone{URLs: nats.URLs()}}
	if change != nil {
		change(c)
	}
	if err := f.Client.Create(f.t.Context(), c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fleet) key(name string) client.ObjectKey {
	return types.NamespacedName{Namespace: f.Namespace, Name: name}
}

// condition waits until the ChatCluster has the condition with that status and reason, and returns its message.
func (f *fleet) condition(name, kind string, want metav1.ConditionStatus, reason string) string {
	f.t.Helper()
	message := ""
	kube.Wait(f.t, fmt.Sprintf("%s %s %s", kind, want, reason), func(ctx context.Context) error {
		c := &v1alpha1.ChatCluster{}
		if err := f.Client.Get(ctx, f.key(name), c); err != nil {
			return err
		}
		got := meta.FindStatusCondition(c.Status.Conditions, kind)
		if got == nil || got.Status != want || got.Reason != reason || got.ObservedGeneration != c.Generation {
			return fmt.Errorf("generation %d, status %+v", c.Generation, c.Status)
		}
		message = got.Message
		return nil
	})
	return message
}

// runNodes plays the Deployment controller: all nodes that are wanted are there and ready.
func (f *fleet) runNodes(name string) {
	f.t.Helper()
	kube.Wait(f.t, "the Deployment to be written", func(ctx context.Context) error {
		d := &appsv1.Deployment{}
		if err := f.Client.Get(ctx, f.key(name+"-node"), d); err != nil {
			return err
		}
		if d.Spec.Replicas == nil || *d.Spec.Replicas < 2 {
			return errors.New("not scaled yet")
		}
		n := *d.Spec.Replicas
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
		return f.Client.Status().Update(ctx, d)
	})
}
