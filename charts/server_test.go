package charts

import (
	"context"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	rbacapply "k8s.io/client-go/applyconfigurations/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

func TestMain(m *testing.M) { kube.Main(m) }

// install applies objects as an installer would, and fails for fields that the server doesn't know.
func install(t *testing.T, c *kube.Cluster, objects []*unstructured.Unstructured, options ...client.ApplyOption) {
	t.Helper()
	options = append(options, client.FieldOwner("installer"), client.ForceOwnership)
	for _, o := range objects {
		if o.GetKind() == "PodMonitor" {
			continue // its API belongs to the Prometheus operator
		}
		if err := client.WithFieldValidation(c.Client, metav1.FieldValidationStrict).Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), options...); err != nil {
			t.Errorf("%s %s: %v", o.GetKind(), o.GetName(), err)
		}
	}
}

func TestTheServerTakesWhatIsRendered(t *testing.T) {
	c := kube.Start(t)
	for _, namespace := range []string{"chat", "chat-staging", "chatfleet-system"} {
		if err := c.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range cases(t, "operator") {
		t.Run("operator "+filepath.Base(file), func(t *testing.T) {
			install(t, c, rendered(t, "chatfleet-operator", "op", c.Namespace, "--values", file), client.DryRunAll)
		})
	}
	for _, file := range cases(t, "chatcluster") {
		t.Run("chatcluster "+filepath.Base(file), func(t *testing.T) {
			install(t, c, rendered(t, "chatcluster", "lobby", c.Namespace, "--values", file), client.DryRunAll)
		})
	}
	t.Run("config/default", func(t *testing.T) { install(t, c, kustomized(t, "default"), client.DryRunAll) })
	t.Run("config/samples", func(t *testing.T) {
		samples := kustomized(t, "samples")
		for _, sample := range samples {
			sample.SetNamespace(c.Namespace)
		}
		install(t, c, samples, client.DryRunAll)
	})
}

// TestPodsMeetTheRestrictedStandard makes the operator's pods in a namespace that demands it; the pod of `helm test` is made by
// TestTheServerTakesWhatIsRendered.
func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	c := kube.Start(t)
	for _, file := range cases(t, "operator") {
		d := deployment(t, rendered(t, "chatfleet-operator", "op", c.Namespace, "--values", file))
		pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
		pod.Namespace, pod.GenerateName = c.Namespace, "operator-"
		pod.Spec.PriorityClassName = "" // the one of the case is for kube-system
		if err := c.Client.Create(t.Context(), pod, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		pod.Spec.SecurityContext.RunAsNonRoot, pod.Spec.SecurityContext.RunAsUser = nil, nil
		if err := c.Client.Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("the server doesn't demand restricted pods: %v", err)
		}
	}
}

// TestTheOperatorOpensNamespacesAndNothingElse acts with exactly the rights that the chart gives.
func TestTheOperatorOpensNamespacesAndNothingElse(t *testing.T) {
	c := kube.Start(t)
	install(t, c, rendered(t, "chatfleet-operator", "chatfleet-operator", c.Namespace))
	operator, err := client.New(c.User(t, "system:serviceaccount:"+c.Namespace+":chatfleet-operator"), client.Options{Scheme: kube.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	opened, other := c.NewNamespace(t), c.NewNamespace(t)
	secrets := func(namespace string) error {
		return operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace(namespace))
	}
	bind := func(name, role string) error {
		return operator.Apply(t.Context(), rbacapply.RoleBinding(name, opened).
			WithRoleRef(rbacapply.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("ClusterRole").WithName(role)).
			WithSubjects(rbacapply.Subject().WithKind(rbacv1.ServiceAccountKind).WithName("chatfleet-operator").WithNamespace(c.Namespace)),
			client.FieldOwner("operator"))
	}
	if err := secrets(opened); !apierrors.IsForbidden(err) {
		t.Errorf("it reads secrets before it has opened the namespace: %v", err)
	}
	if err := bind("chatfleet-operator", "cluster-admin"); !apierrors.IsForbidden(err) {
		t.Errorf("it makes itself an administrator: %v", err)
	}
	if err := bind("another", "chatfleet-namespace"); !apierrors.IsForbidden(err) {
		t.Errorf("it makes other bindings: %v", err)
	}
	if err := bind("chatfleet-operator", "chatfleet-namespace"); err != nil {
		t.Fatalf("it can't open a namespace: %v", err)
	}
	// The authorizer learns of the binding by a watch.
	kube.Wait(t, "rights in the opened namespace", func(context.Context) error { return secrets(opened) })
	for _, namespace := range []string{other, ""} {
		if err := secrets(namespace); !apierrors.IsForbidden(err) {
			t.Errorf("it reads secrets in %q: %v", namespace, err)
		}
	}
	if err := operator.Delete(t.Context(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: opened, Name: "chatfleet-operator"}}); err != nil {
		t.Errorf("it can't close the namespace again: %v", err)
	}
}

func TestInNamespacedModeTheOperatorSeesItsNamespacesAlone(t *testing.T) {
	c := kube.Start(t)
	watched, other := c.NewNamespace(t), c.NewNamespace(t)
	install(t, c, rendered(t, "chatfleet-operator", "op", c.Namespace, "--set", "watchNamespaces={"+watched+"}"))
	operator, err := client.New(c.User(t, "system:serviceaccount:"+c.Namespace+":op-chatfleet-operator"), client.Options{Scheme: kube.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []client.ObjectList{&v1alpha1.ChatClusterList{}, &corev1.SecretList{}, &corev1.PodList{}} {
		kube.Wait(t, "rights in the watched namespace", func(ctx context.Context) error {
			return operator.List(ctx, list, client.InNamespace(watched))
		})
		for _, namespace := range []string{other, c.Namespace, ""} {
			if err := operator.List(t.Context(), list, client.InNamespace(namespace)); !apierrors.IsForbidden(err) {
				t.Errorf("it lists %T in %q: %v", list, namespace, err)
			}
		}
	}
}
