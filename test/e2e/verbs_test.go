package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// right is one verb on one resource.
type right struct{ group, resource, verb string }

func (r right) String() string { return strings.TrimPrefix(r.verb+" "+r.resource+"."+r.group, ".") }

// foreignGroups are APIs that a cluster may have.
var foreignGroups = []string{"gateway.networking.k8s.io", "monitoring.coreos.com", "cert-manager.io"}

// audited is what this test reads of a line of the audit log.
type audited struct {
	Verb string
	User struct{ Username string }
	// ObjectRef is absent for requests that are about no object.
	ObjectRef *struct{ APIGroup, Resource, Subresource string }
}

// used reads from the audit log which rights a service account has used.
func used(t *testing.T, file, user string) map[right]bool {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rights := map[right]bool{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), user) {
			continue
		}
		var a audited
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil || a.User.Username != user || a.ObjectRef == nil {
			continue
		}
		resource := a.ObjectRef.Resource
		if a.ObjectRef.Subresource != "" {
			resource += "/" + a.ObjectRef.Subresource
		}
		rights[right{a.ObjectRef.APIGroup, resource, a.Verb}] = true
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("read the audit log: %v", err)
	}
	return rights
}

// Every right that the operator is given is used by these tests, so it stands last: with -run it tells what the chosen ones leave unused.
func TestVerbsThatAreGrantedAreUsed(t *testing.T) {
	kube := needOperator(t)
	file := fromEnvironment("E2E_AUDIT_LOG", cache("cluster", "audit.log"))
	if !exists(file) {
		t.Skipf("SKIPPED: there is no audit log at %s; E2E_AUDIT_LOG names one", file)
	}
	user := "system:serviceaccount:" + operatorNamespace + ":" + operatorName
	have := used(t, file, user)
	var granted []rbacv1.PolicyRule
	for _, name := range []string{operatorName, "chatfleet-namespace"} {
		var role rbacv1.ClusterRole
		if err := kube.Get(t.Context(), client.ObjectKey{Name: name}, &role); err != nil {
			t.Fatal(err)
		}
		granted = append(granted, role.Rules...)
	}
	var roles rbacv1.RoleList
	if err := kube.List(t.Context(), &roles, client.InNamespace(operatorNamespace)); err != nil {
		t.Fatal(err)
	}
	for _, role := range roles.Items {
		granted = append(granted, role.Rules...)
	}
	var unused []string
	for _, r := range rights(granted) {
		if !have[r] && !have[implied(r)] && !slices.Contains(foreignGroups, r.group) {
			unused = append(unused, r.String())
		}
	}
	if len(unused) > 0 {
		t.Errorf("granted and never used: %s", strings.Join(unused, ", "))
	}
	t.Logf("%d rights are used", len(have))
}

// implied is the right under whose name the use of another one is logged: server-side apply of what isn't there is a patch that needs
// create too, and a watch that begins with all objects takes the place of a list, but not with every API server.
func implied(r right) right {
	switch r.verb {
	case "create":
		r.verb = "patch"
	case "list":
		r.verb = "watch"
	}
	return r
}

// rights lists each verb that rules give. Verbs that the API server itself looks up (bind, escalate, a finalizer's update) leave no request.
func rights(rules []rbacv1.PolicyRule) []right {
	var all []right
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					if verb == "bind" || strings.HasSuffix(resource, "/finalizers") {
						continue
					}
					all = append(all, right{group, resource, verb})
				}
			}
		}
	}
	return all
}
