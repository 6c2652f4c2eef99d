package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

// fleet gives the chatcluster chart's objects with the values of a case.
func fleet(t *testing.T, values string, args ...string) []*unstructured.Unstructured {
	t.Helper()
	return rendered(t, "chatcluster", "lobby", "chat", append([]string{"--values", filepath.Join("testdata", "chatcluster", values)}, args...)...)
}

func TestValuesBecomeTheSpec(t *testing.T) {
	var cluster v1alpha1.ChatCluster
	decode(t, only(t, fleet(t, "ingress.yaml"), "ChatCluster"), &cluster)
	s := cluster.Spec
	if *s.Nodes.Replicas != 3 || s.Backbone.Managed.Replicas != 3 || s.Backbone.Managed.Storage.Size.String() != "20Gi" ||
		s.Auth.JWT.SecretRef.Name != "chat-tokens" || s.Exposure.Host != "chat.example.com" ||
		s.Auth.ServerKeysSecretRef.Name != "chat-server-keys" || !s.Rooms.Explicit || len(s.AppLimits) != 2 || s.AppLimits[1].Connections != 500 ||
		s.Hooks.SecretRef.Name != "chat-hooks" || s.Hooks.Webhook.Timeout.Duration != 2*time.Second ||
		s.Hooks.Moderation.FailurePolicy != v1alpha1.FailureAccept || s.Search.Engine != v1alpha1.SearchDisabled {
		t.Errorf("spec %+v", s)
	}
	if cluster.Name != "lobby" || cluster.Namespace != "chat" || cluster.Labels["team"] != "chat" || cluster.Annotations["example.com/a"] != "b" {
		t.Errorf("metadata %+v", cluster.ObjectMeta)
	}
}

func TestAnEmptySpecIsEmpty(t *testing.T) {
	spec, found, err := unstructured.NestedMap(only(t, fleet(t, "default.yaml"), "ChatCluster").Object, "spec")
	if err != nil || !found || len(spec) != 0 {
		t.Errorf("spec %v (%v), want an empty one, that the API server fills in", spec, err)
	}
}

func TestTheCheckConnectsAsWhoMayConnect(t *testing.T) {
	for _, c := range []struct {
		values string
		args   []string
		want   []string // arguments; nil: no check
		secret string
	}{
		{values: "default.yaml"},
		{values: "ingress.yaml", want: []string{"--from=http://lobby.chat.svc:80", "--token-secret-file=/var/run/check/token", "--token-issuer=me", "--token-audience=chat"}, secret: "chat-tokens/secret"},
		{values: "ingress.yaml", args: []string{"--set", "exposure.tlsSecretName=t"}, want: []string{"--from=https://lobby.chat.svc:443"}, secret: "chat-tokens/secret"},
		{values: "ingress.yaml", args: []string{"--set", "check.enabled=false"}},
		{values: "autoscaled.yaml", want: []string{"--from=https://chat.example.com", "--token-file=/var/run/check/token", "--ca=/var/run/check-ca/ca.crt"}, secret: "check-token/token"},
		{values: "autoscaled.yaml", args: []string{"--set", "check.tokenSecretRef.name="}},
		{values: "external.yaml", want: []string{"--channel=public:check"}},
		{values: "external.yaml", args: []string{"--set", "check.channel=public:other"}, want: []string{"--channel=public:other"}},
	} {
		t.Run(strings.Join(append([]string{c.values}, c.args...), " "), func(t *testing.T) {
			pods := ofKind(fleet(t, c.values, c.args...), "Pod")
			if c.want == nil {
				if len(pods) != 0 {
					t.Errorf("there is a check that nobody may carry out: %v", pods[0].Object["spec"])
				}
				return
			}
			if len(pods) != 1 || pods[0].GetAnnotations()["helm.sh/hook"] != "test" {
				t.Fatalf("%d pods, want one that is a test", len(pods))
			}
			var pod corev1.Pod
			decode(t, pods[0], &pod)
			checkPod(t, pod, c.want, c.secret)
		})
	}
}

func checkPod(t *testing.T, pod corev1.Pod, want []string, secret string) {
	t.Helper()
	args := pod.Spec.Containers[0].Args
	for _, w := range want {
		if !slices.Contains(args, w) {
			t.Errorf("arguments %v lack %s", args, w)
		}
	}
	mounted := ""
	for _, v := range pod.Spec.Volumes {
		if v.Name == "token" {
			mounted = v.Secret.SecretName + "/" + v.Secret.Items[0].Key
		}
	}
	if mounted != secret {
		t.Errorf("the check reads secret %q, want %q", mounted, secret)
	}
	if strings.Contains(strings.Join(args, " "), "--token=") {
		t.Errorf("a token in the arguments %v", args)
	}
}

func TestTheCheckConnectsToTheServiceThatTheOperatorMakes(t *testing.T) {
	for _, name := range []string{"a", "lobby", strings.Repeat("a", 40), strings.Repeat("b", 41), strings.Repeat("c-", 31) + "c"} {
		pod := only(t, fleet(t, "ingress.yaml", "--set", "nameOverride="+name), "Pod")
		var check corev1.Pod
		decode(t, pod, &check)
		service := plan.NamesOf(&v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Name: name}}).Clients
		if want := "--from=http://" + service + ".chat.svc:80"; !slices.Contains(check.Spec.Containers[0].Args, want) {
			t.Errorf("%s: arguments %v lack %s", name, check.Spec.Containers[0].Args, want)
		}
		if len(check.Name) > 63 {
			t.Errorf("the check's name %s has %d bytes", check.Name, len(check.Name))
		}
	}
}

func TestTheSpecOfEverySampleCanBeGivenAsValues(t *testing.T) {
	for _, sample := range kustomized(t, "samples") {
		raw, err := yaml.Marshal(sample.Object["spec"])
		if err != nil {
			t.Fatal(err)
		}
		values := filepath.Join(t.TempDir(), "values.yaml")
		if err := os.WriteFile(values, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		var want, got v1alpha1.ChatCluster
		decode(t, sample, &want)
		decode(t, only(t, rendered(t, "chatcluster", "lobby", "chat", "--values", values), "ChatCluster"), &got)
		if !equality.Semantic.DeepEqual(want.Spec, got.Spec) {
			t.Errorf("%s: spec %+v, want %+v", sample.GetName(), got.Spec, want.Spec)
		}
	}
}
