package chatcluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	appsv1 "k8s.io/api/apps/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/chatcluster"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/test/kube"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	kube.Main(m)
	// Connections to the API server stay open for the next client, the log is flushed for ever, and a watch of metadata that ends while it
	// has something to tell goes on offering it (controller-runtime 0.25).
	if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*clientConnReadLoop).run"), goleak.IgnoreAnyFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		goleak.IgnoreTopFunction("k8s.io/apimachinery/pkg/watch.(*filteredWatch).loop")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fleet is one namespace with an operator.
type fleet struct {
	*kube.Cluster
	t *testing.T
	// requests are the operator's.
	requests *kube.Requests
	options  chatcluster.Options
	config   *rest.Config
	// watched are the operator's namespaces, none for all.
	watched []string
	stop    func()
}

// newFleet starts an operator for a namespace of the test's own.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := newNamespace(t)
	f.start()
	return f
}

// newNamespace has no operator yet.
func newNamespace(t *testing.T) *fleet {
	t.Helper()
	c := kube.Start(t)
	return &fleet{Cluster: c, t: t, requests: &kube.Requests{}, config: c.Config, options: chatcluster.Options{
		Defaults: plan.Defaults{NodeImage: "chatfleet/chatnode:1.0", BackboneImage: "chatfleet/nats:1.0"}, OperatorNamespace: "chatfleet",
	}, watched: []string{c.Namespace}}
}

// start runs an operator until stop or the end of the test.
func (f *fleet) start() {
	f.t.Helper()
	unique := true
	mgr, err := manager.New(f.requests.Through(f.config), manager.Options{
		Scheme: kube.Scheme, Cache: chatcluster.CacheOptions(f.watched),
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
func (f *fleet) external(name string, urls []string, change func(*v1alpha1.ChatCluster)) *v1alpha1.ChatCluster {
	f.t.Helper()
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: name}}
	c.Spec.Backbone = v1alpha1.BackboneSpec{Type: v1alpha1.BackboneExternal, Shards: 2,
		External: &v1alpha1.ExternalBackbone{URLs: urls}}
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

// unreachable are the addresses of a backbone that never answers, for tests that need none.
var unreachable = []string{"nats://127.0.0.1:1"}

// everything asks for all that has a child of its own.
func everything(c *v1alpha1.ChatCluster) {
	c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 8}
	c.Spec.Exposure = v1alpha1.ExposureSpec{Host: "chat.example", Ingress: &v1alpha1.IngressSpec{}}
	c.Spec.Monitoring.Dashboard = v1alpha1.Enabled
}

// nothing takes back what everything asks for, and more.
func nothing(c *v1alpha1.ChatCluster) {
	off := false
	c.Spec.Autoscaling = nil
	c.Spec.Exposure = v1alpha1.ExposureSpec{}
	c.Spec.Monitoring.Dashboard = v1alpha1.Disabled
	c.Spec.NetworkPolicy.Enabled = &off
}

// get reads the ChatCluster.
func (f *fleet) get(name string) *v1alpha1.ChatCluster {
	f.t.Helper()
	c := &v1alpha1.ChatCluster{}
	if err := f.Client.Get(f.t.Context(), f.key(name), c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// change edits the ChatCluster as a user does.
func (f *fleet) change(name string, edit func(*v1alpha1.ChatCluster)) {
	f.t.Helper()
	before := f.get(name)
	after := before.DeepCopy()
	edit(after)
	if err := f.Client.Patch(f.t.Context(), after, client.MergeFrom(before), client.FieldOwner("user")); err != nil {
		f.t.Fatal(err)
	}
}

// touch has the ChatCluster reconciled, by a label that nobody reads.
func (f *fleet) touch(name string) {
	f.t.Helper()
	f.change(name, func(c *v1alpha1.ChatCluster) {
		c.Labels = map[string]string{"example.org/touched": fmt.Sprint(time.Now().UnixNano())}
	})
}

// reconciles counts those of all operators of this process.
func (f *fleet) reconciles() float64 {
	f.t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() != "controller_runtime_reconcile_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			total += m.GetCounter().GetValue()
		}
	}
	return total
}

func (f *fleet) reconciledSince(before float64) error {
	if f.reconciles() > before {
		return nil
	}
	return errors.New("none yet")
}

// managed makes a ChatCluster whose NATS servers the operator runs.
func (f *fleet) managed(name string, change func(*v1alpha1.ChatCluster)) {
	f.t.Helper()
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: name}}
	if change != nil {
		change(c)
	}
	if err := f.Client.Create(f.t.Context(), c); err != nil {
		f.t.Fatal(err)
	}
}

// class is a storage class whose volumes can grow, or not.
func (f *fleet) class(grow bool) string {
	f.t.Helper()
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: f.Namespace}, Provisioner: "example.org/none", AllowVolumeExpansion: &grow}
	if err := f.Client.Create(f.t.Context(), class); err != nil {
		f.t.Fatal(err)
	}
	return class.Name
}

// fieldsOf are the names at the end of all paths that a manager owns.
func fieldsOf(e metav1.ManagedFieldsEntry) []string {
	var tree map[string]any
	if json.Unmarshal(e.FieldsV1.GetRawBytes(), &tree) != nil {
		return nil
	}
	var names []string
	var walk func(map[string]any)
	walk = func(at map[string]any) {
		for name, below := range at {
			names = append(names, name)
			if inner, ok := below.(map[string]any); ok {
				walk(inner)
			}
		}
	}
	walk(tree)
	return names
}
