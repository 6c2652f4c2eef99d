package chatcluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

// install gives the API server a kind that takes anything, until the end of the test.
func install(t *testing.T, f *fleet, kind schema.GroupVersionKind) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	api, err := client.New(f.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	plural, keep := strings.ToLower(kind.Kind)+"s", true
	crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: plural + "." + kind.Group,
		Annotations: map[string]string{"api-approved.kubernetes.io": "unapproved, for a test"}}}
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: kind.Group, Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Kind: kind.Kind},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: kind.Version, Served: true, Storage: true,
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &keep}}}},
	}
	if err := api.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), crd); err != nil {
			t.Error(err)
		}
	})
	asking, err := discovery.NewDiscoveryClientForConfig(f.Config)
	if err != nil {
		t.Fatal(err)
	}
	kube.Wait(t, "the API of "+kind.Kind, func(context.Context) error {
		_, err := asking.ServerResourcesForGroupVersion(kind.GroupVersion().String())
		return err
	})
}

func TestAnAPIThatIsMissingIsToldAndFoundWhenItComes(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for looks that are seconds apart; make test runs it")
	}
	route := schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
	monitor := schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PodMonitor"}
	f := newFleet(t)
	f.external("lobby", process.StartNATS(t, 1).URLs(), func(c *v1alpha1.ChatCluster) {
		c.Spec.Exposure = v1alpha1.ExposureSpec{Host: "chat.example", Gateway: &v1alpha1.GatewaySpec{ParentRefs: []v1alpha1.GatewayReference{{Name: "gate"}}}}
	})
	f.runNodes("lobby")
	t.Log(f.condition("lobby", v1alpha1.ConditionDegraded, metav1.ConditionTrue, v1alpha1.ReasonAPIMissing))

	install(t, f, monitor) // nobody waits for it: it is found with the one that is missing
	install(t, f, route)
	lives := func(kind schema.GroupVersionKind, want bool) {
		t.Helper()
		kube.Wait(t, kind.Kind, func(ctx context.Context) error {
			list := &unstructured.UnstructuredList{}
			list.SetGroupVersionKind(kind)
			if err := f.Client.List(ctx, list, client.InNamespace(f.Namespace)); err != nil {
				return err
			}
			if (len(list.Items) == 1) != want {
				return errors.New("not yet")
			}
			return nil
		})
	}
	lives(route, true)
	lives(monitor, true)
	f.condition("lobby", v1alpha1.ConditionDegraded, metav1.ConditionFalse, v1alpha1.ReasonAsExpected)

	f.settled("lobby")
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(route)
	object.SetNamespace(f.Namespace)
	object.SetName("lobby")
	if err := f.Client.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	lives(route, true)
	f.change("lobby", func(c *v1alpha1.ChatCluster) {
		c.Spec.Exposure.Gateway, c.Spec.Monitoring.PodMonitor = nil, v1alpha1.Disabled
	})
	lives(route, false)
	lives(monitor, false)
}
