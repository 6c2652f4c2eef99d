package plan

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func named(name string) func(*v1alpha1.ChatCluster) {
	return func(c *v1alpha1.ChatCluster) { c.Name = name }
}

func TestNamesThatDifferOnlyLateStayApart(t *testing.T) {
	long := strings.Repeat("lobby-", 10)[:59]
	one, two := NamesOf(lobby(named(long+"-one"))), NamesOf(lobby(named(long+"-two")))
	a, b := reflect.ValueOf(one), reflect.ValueOf(two)
	for i := range a.NumField() {
		if a.Field(i).String() == b.Field(i).String() {
			t.Errorf("%s is %s for both", a.Type().Field(i).Name, a.Field(i))
		}
	}
	if len(one.Base) != maxBase {
		t.Errorf("base %s has %d bytes, want %d", one.Base, len(one.Base), maxBase)
	}
}

func TestShortNamesAreKept(t *testing.T) {
	for _, name := range []string{"a", "lobby", strings.Repeat("x", 40)} {
		if got := NamesOf(lobby(named(name))).Base; got != name {
			t.Errorf("%s became %s", name, got)
		}
	}
}

// clusterName is any name that the API takes.
var clusterName = rapid.StringMatching(`[a-z]([-a-z0-9]{0,61}[a-z0-9])?`)

func TestAnyChatClusterGivesValidNamesAndLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := lobby(servers(rapid.SampledFrom([]int32{1, 3, 5}).Draw(t, "servers")), everything, chatting, speaking)
		c.Name = clusterName.Draw(t, "name")
		c.Namespace = clusterName.Draw(t, "namespace")
		if rapid.Bool().Draw(t, "external") {
			c.Spec.Backbone.Managed = nil
			external(c)
		}
		p, err := Make(Inputs{Cluster: c, Observed: allAPIs(), Defaults: release()})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, o := range p.Objects {
			where := o.GetObjectKind().GroupVersionKind().Kind + " " + o.GetName()
			if seen[where] {
				t.Errorf("%s is there twice", where)
			}
			seen[where] = true
			valid(t, where, o)
		}
	})
}

// valid checks what an API server checks of any object's metadata, and what its controllers make of its name.
func valid(t *rapid.T, where string, o Object) {
	complain := func(what string, errs []string) {
		if len(errs) > 0 {
			t.Errorf("%s: %s: %s", where, what, strings.Join(errs, ", "))
		}
	}
	complain("name", validation.IsDNS1035Label(o.GetName()))
	complain("namespace", validation.IsDNS1123Label(o.GetNamespace()))
	labels := []map[string]string{o.GetLabels()}
	switch o := o.(type) {
	case *appsv1.Deployment:
		labels = append(labels, o.Spec.Template.Labels)
		complain("pod", validation.IsDNS1123Label(o.Name+"-5d4f8c7b9d-x2x2x"))
	case *appsv1.StatefulSet:
		labels = append(labels, o.Spec.Template.Labels)
		complain("revision label", validation.IsValidLabelValue(o.Name+"-5d4f8c7b9d"))
		complain("pod", validation.IsDNS1123Label(o.Name+"-4"))
		complain("claim", validation.IsDNS1123Subdomain(ClaimTemplate+"-"+o.Name+"-4"))
	}
	for _, set := range labels {
		for key, value := range set {
			complain("label "+key, slices.Concat(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)))
		}
	}
	for key := range o.GetAnnotations() {
		complain("annotation "+key, validation.IsQualifiedName(strings.ToLower(key)))
	}
}

func TestChildrenBelongToTheirChatCluster(t *testing.T) {
	c := lobby(everything)
	for _, o := range made(t, c).Objects {
		if !metav1.IsControlledBy(o, c) {
			t.Errorf("%T %s has owners %+v", o, o.GetName(), o.GetOwnerReferences())
		}
		if o.GetNamespace() != "shop" || o.GetLabels()[LabelManagedBy] != ManagedBy || o.GetLabels()[LabelCluster] != "lobby" {
			t.Errorf("%T %s is in %s with labels %v", o, o.GetName(), o.GetNamespace(), o.GetLabels())
		}
		if gvk := o.GetObjectKind().GroupVersionKind(); gvk.Kind == "" || gvk.Version == "" {
			t.Errorf("%T %s has no kind", o, o.GetName())
		}
	}
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func TestPrefixesAreShortAndDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := lobby(external), lobby(external)
		one.Name, one.Namespace = clusterName.Draw(t, "name"), clusterName.Draw(t, "namespace")
		two.Name, two.Namespace = clusterName.Draw(t, "other name"), clusterName.Draw(t, "other namespace")
		if head, tail, ok := strings.Cut(one.Name, "-"); ok && tail != "" && rapid.Bool().Draw(t, "alike") {
			two.Namespace, two.Name = one.Namespace+"-"+head, tail
		}
		a, b := Prefix(one), Prefix(two)
		if !prefixPattern.MatchString(a) || len(a) > maxPrefix {
			t.Errorf("prefix %s", a)
		}
		same := one.Name == two.Name && one.Namespace == two.Namespace
		if a == b && !same {
			t.Errorf("%s/%s and %s/%s share prefix %s", one.Namespace, one.Name, two.Namespace, two.Name, a)
		}
	})
	if got := Prefix(lobby(external)); got != "shop_lobby" {
		t.Errorf("prefix %s", got)
	}
	if got := Prefix(lobby()); got != "chat" {
		t.Errorf("prefix on a managed backbone %s", got)
	}
}
