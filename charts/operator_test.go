package charts

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// operator gives the operator chart's objects with the values of a case.
func operator(t *testing.T, values string) []*unstructured.Unstructured {
	t.Helper()
	return rendered(t, "chatfleet-operator", "op", "chat-system", "--values", filepath.Join("testdata", "operator", values))
}

func TestTheDefinitionStaysWhenTheReleaseGoes(t *testing.T) {
	crd := only(t, operator(t, "default.yaml"), "CustomResourceDefinition")
	if crd.GetAnnotations()["helm.sh/resource-policy"] != "keep" {
		t.Errorf("annotations %v lack the policy that keeps it", crd.GetAnnotations())
	}
	if len(ofKind(operator(t, "least.yaml"), "CustomResourceDefinition")) != 0 {
		t.Error("crds.install=false renders it all the same")
	}
}

func TestNamespacedModeGrantsNothingClusterWide(t *testing.T) {
	objects := operator(t, "namespaced.yaml")
	for _, o := range objects {
		if strings.HasPrefix(o.GetKind(), "ClusterRole") {
			t.Errorf("%s %s", o.GetKind(), o.GetName())
		}
	}
	for _, kind := range []string{"Role", "RoleBinding"} {
		var where []string
		for _, o := range ofKind(objects, kind) {
			where = append(where, o.GetNamespace())
		}
		slices.Sort(where)
		if want := []string{"chat", "chat-staging", "chat-system"}; !slices.Equal(where, want) {
			t.Errorf("%ss in %v, want %v", kind, where, want)
		}
	}
	if args := arguments(t, objects); !slices.Contains(args, "--namespaces=chat,chat-staging") {
		t.Errorf("the operator is not told its namespaces: %v", args)
	}
}

func TestClusterModeReadsNoSecretsOutsideOfNamespacesWithAChatCluster(t *testing.T) {
	objects := operator(t, "default.yaml")
	var binding rbacv1.ClusterRoleBinding
	decode(t, only(t, objects, "ClusterRoleBinding"), &binding)
	for _, o := range ofKind(objects, "ClusterRole") {
		if o.GetName() != binding.RoleRef.Name {
			continue
		}
		var role rbacv1.ClusterRole
		decode(t, o, &role)
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Resources, "*") || slices.Contains(rule.Verbs, "*") {
				t.Errorf("cluster-wide: %+v", rule)
			}
			if (slices.Contains(rule.Resources, "rolebindings") || slices.Contains(rule.Verbs, "bind")) && len(rule.ResourceNames) != 1 {
				t.Errorf("roles can be given without a name: %+v", rule)
			}
		}
	}
}

func TestImagesFollowRegistryAndVersion(t *testing.T) {
	for values, want := range map[string]struct{ operator, node, backbone string }{
		"default.yaml":    {"chatfleet/operator:dev", "chatfleet/chatnode:dev", "chatfleet/nats:2."},
		"everything.yaml": {"registry.example.com/mirror/chatfleet/operator:1.2.3", "registry.example.com/chat/node:7", "registry.example.com/mirror/chatfleet/nats:2."},
	} {
		objects := operator(t, values)
		args := arguments(t, objects)
		if image := deployment(t, objects).Spec.Template.Spec.Containers[0].Image; image != want.operator {
			t.Errorf("%s: operator is %s, want %s", values, image, want.operator)
		}
		if !slices.Contains(args, "--node-image="+want.node) {
			t.Errorf("%s: arguments %v lack node image %s", values, args, want.node)
		}
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--backbone-image="+want.backbone) }) {
			t.Errorf("%s: arguments %v lack backbone image %s…", values, args, want.backbone)
		}
	}
}

func TestRolesAreGivenToTheAccountThatTheOperatorRunsAs(t *testing.T) {
	for _, values := range []string{"default.yaml", "namespaced.yaml", "everything.yaml"} {
		objects := operator(t, values)
		account := only(t, objects, "ServiceAccount").GetName()
		if got := deployment(t, objects).Spec.Template.Spec.ServiceAccountName; got != account {
			t.Errorf("%s: runs as %s, account is %s", values, got, account)
		}
		if !slices.Contains(arguments(t, objects), "--service-account="+account) {
			t.Errorf("%s: the operator is not told its account", values)
		}
		for _, o := range append(ofKind(objects, "RoleBinding"), ofKind(objects, "ClusterRoleBinding")...) {
			var binding rbacv1.RoleBinding
			decode(t, o, &binding)
			if s := binding.Subjects; len(s) != 1 || s[0].Name != account || s[0].Namespace != "chat-system" {
				t.Errorf("%s: %s binds %+v", values, o.GetName(), s)
			}
		}
	}
}

func deployment(t *testing.T, objects []*unstructured.Unstructured) appsv1.Deployment {
	t.Helper()
	var d appsv1.Deployment
	decode(t, only(t, objects, "Deployment"), &d)
	return d
}

func arguments(t *testing.T, objects []*unstructured.Unstructured) []string {
	t.Helper()
	return deployment(t, objects).Spec.Template.Spec.Containers[0].Args
}
