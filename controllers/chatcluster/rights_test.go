package chatcluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/access"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

// clusterRole reads one that is shipped.
func clusterRole(t *testing.T, file string) *rbacv1.ClusterRole {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../config/rbac", file))
	if err != nil {
		t.Fatal(err)
	}
	document, _, _ := strings.Cut(string(raw), "\n---\n")
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict([]byte(document), role); err != nil || len(role.Rules) == 0 {
		t.Fatalf("%s: %v", file, err)
	}
	return role
}

func (f *fleet) create(objects ...client.Object) {
	f.t.Helper()
	for _, object := range objects {
		if err := f.Client.Create(f.t.Context(), object); err != nil {
			f.t.Fatal(err)
		}
	}
}

// createForAll makes objects outside namespaces, until the end of the test.
func (f *fleet) createForAll(objects ...client.Object) {
	f.t.Helper()
	f.create(objects...)
	f.t.Cleanup(func() {
		for _, object := range objects {
			if err := f.Client.Delete(context.WithoutCancel(f.t.Context()), object); err != nil {
				f.t.Error(err)
			}
		}
	})
}

// exercise has the operator do all that it does with children.
func (f *fleet) exercise() {
	f.t.Helper()
	nats := process.StartNATS(f.t, 1)
	f.external("lobby", nats.URLs(), everything)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	f.change("lobby", nothing)
	f.hpa(false)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonAsExpected)
	f.event("lobby", "Removed")
}

func TestTheShippedRightsSuffice(t *testing.T) {
	f := newNamespace(t)
	home := f.NewNamespace(t)
	role := clusterRole(t, "cluster_role.yaml")
	f.createForAll(role, clusterRole(t, "namespace_role.yaml"), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: home, Name: "operator"}},
	})
	f.config = f.User(t, "system:serviceaccount:"+home+":operator")
	f.options.ServiceAccount = types.NamespacedName{Namespace: home, Name: "operator"}
	f.watched = nil
	f.start()
	f.exercise()

	binding := &rbacv1.RoleBinding{}
	if err := f.Client.Get(t.Context(), f.key(access.RoleBinding), binding); err != nil {
		t.Fatal(err)
	}
	if err := f.Client.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Monitoring.Dashboard = v1alpha1.Enabled })
	kube.Wait(t, "the rights to be given again", func(ctx context.Context) error { return f.Client.Get(ctx, f.key(access.RoleBinding), binding) })
	kube.Wait(t, "the dashboard", func(ctx context.Context) error {
		all, err := f.children(ctx, "lobby")
		if _, found := all["ConfigMap lobby-dashboard"]; err == nil && !found {
			err = errors.New("it isn't there")
		}
		return err
	})

	if err := f.Client.Delete(t.Context(), f.get("lobby")); err != nil {
		t.Fatal(err)
	}
	kube.Wait(t, "the rights to be given back", func(ctx context.Context) error {
		err := f.Client.Get(ctx, f.key(access.RoleBinding), binding)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("the RoleBinding is still there"), err)
	})
}

func TestInNamespacedModeNothingOutsideIsAskedFor(t *testing.T) {
	f := newNamespace(t)
	rules := append(clusterRole(t, "namespace_role.yaml").Rules,
		rbacv1.PolicyRule{APIGroups: []string{"chatfleet.dev"}, Resources: []string{"chatclusters"}, Verbs: []string{"list", "watch"}},
		rbacv1.PolicyRule{APIGroups: []string{"chatfleet.dev"}, Resources: []string{"chatclusters/status"}, Verbs: []string{"patch"}})
	here := metav1.ObjectMeta{Namespace: f.Namespace, Name: "operator"}
	f.create(&rbacv1.Role{ObjectMeta: here, Rules: rules}, &rbacv1.RoleBinding{ObjectMeta: here,
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: here.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "elsewhere", Name: "operator"}}})
	f.config = f.User(t, "system:serviceaccount:elsewhere:operator")
	f.start()
	f.exercise()
	for _, r := range f.requests.Since(0) {
		discovery := r.Method == "GET" && strings.Count(r.Path, "/") <= 3
		if !discovery && !strings.Contains(r.Path, "/namespaces/"+f.Namespace+"/") {
			t.Errorf("sent %v", r)
		}
	}
}
