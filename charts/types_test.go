package charts

import (
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// kinds makes an object of each kind that a chart may render. The API of PodMonitor belongs to somebody else; its test is in operator_test.go.
var kinds = map[string]func() any{
	"ChatCluster":              func() any { return new(v1alpha1.ChatCluster) },
	"ClusterRole":              func() any { return new(rbacv1.ClusterRole) },
	"ClusterRoleBinding":       func() any { return new(rbacv1.ClusterRoleBinding) },
	"CustomResourceDefinition": func() any { return new(apiextensionsv1.CustomResourceDefinition) },
	"Deployment":               func() any { return new(appsv1.Deployment) },
	"Namespace":                func() any { return new(corev1.Namespace) },
	"NetworkPolicy":            func() any { return new(networkingv1.NetworkPolicy) },
	"Pod":                      func() any { return new(corev1.Pod) },
	"PodDisruptionBudget":      func() any { return new(policyv1.PodDisruptionBudget) },
	"PodMonitor":               func() any { return new(any) },
	"Role":                     func() any { return new(rbacv1.Role) },
	"RoleBinding":              func() any { return new(rbacv1.RoleBinding) },
	"Service":                  func() any { return new(corev1.Service) },
	"ServiceAccount":           func() any { return new(corev1.ServiceAccount) },
}

// decode reads an object into its type and refuses fields that the type doesn't have.
func decode(t *testing.T, object *unstructured.Unstructured, into any) {
	t.Helper()
	raw, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
}

func TestEveryObjectHasTheFieldsOfItsType(t *testing.T) {
	check := func(name string, objects []*unstructured.Unstructured) {
		t.Run(name, func(t *testing.T) {
			for _, o := range objects {
				typed, known := kinds[o.GetKind()]
				if !known {
					t.Errorf("an object of the unexpected kind %s", o.GetKind())
					continue
				}
				decode(t, o, typed())
			}
		})
	}
	for _, file := range cases(t, "operator") {
		check("operator "+filepath.Base(file), rendered(t, "chatfleet-operator", "op", "chat-system", "--values", file))
	}
	for _, file := range cases(t, "chatcluster") {
		check("chatcluster "+filepath.Base(file), rendered(t, "chatcluster", "lobby", "chat", "--values", file))
	}
	check("config/default", kustomized(t, "default"))
	check("config/samples", kustomized(t, "samples"))
}

// kustomized gives the objects of a folder of config.
func kustomized(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	_, kubectl := programs(t)
	out, err := run(t, kubectl, "kustomize", filepath.Join("..", "config", folder))
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, out)
}
