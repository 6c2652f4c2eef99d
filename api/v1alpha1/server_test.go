package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

func TestNames(t *testing.T) {
	c := kube.Start(t)
	const refusal = "<nil>: Invalid value: metadata.name must be a DNS label: at most 63 lower-case letters, digits and hyphens, beginning with a letter"
	for name, want := range map[string]string{
		"a":                     "",
		strings.Repeat("a", 63): "",
		strings.Repeat("a", 64): refusal,
		"lobby.eu":              refusal,
		"1st":                   refusal,
	} {
		t.Run(fmt.Sprintf("%s (%d)", name, len(name)), func(t *testing.T) {
			err := c.Client.Create(t.Context(), cluster(t, c.Namespace, name, `{}`))
			switch {
			case want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case want != "" && complaint(err) != want:
				t.Errorf("the server says\n%s\nwant\n%s", complaint(err), want)
			}
		})
	}
}

func TestColumnsThatKubectlPrints(t *testing.T) {
	c := kube.Start(t)
	shown := newTyped(t, c, "shown", `{}`)
	connections := int64(1234)
	shown.Status = v1alpha1.ChatClusterStatus{
		Nodes: "2/3", Connections: &connections, Version: "1.2.3",
		Backbone: v1alpha1.BackboneStatus{Summary: "3/3 Strict"},
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNodesNotReady, Message: "1 node is starting",
			LastTransitionTime: metav1.Now(),
		}},
	}
	if err := c.Client.Status().Update(t.Context(), shown); err != nil {
		t.Fatal(err)
	}
	table := tableOf(t, c, shown.Name)
	var columns []string
	for _, column := range table.ColumnDefinitions {
		columns = append(columns, fmt.Sprintf("%s/%d", column.Name, column.Priority))
	}
	if got, want := strings.Join(columns, " "), "Name/0 Ready/0 Nodes/0 Connections/0 Backbone/0 Version/0 Age/0 Reason/1 Message/1"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	cells := table.Rows[0].Cells
	if len(cells) != 9 || cells[6] == "" {
		t.Fatalf("cells %v", cells)
	}
	cells[6] = "age"
	if got, want := fmt.Sprint(cells), "[shown False 2/3 1234 3/3 Strict 1.2.3 age NodesNotReady 1 node is starting]"; got != want {
		t.Errorf("cells %s, want %s", got, want)
	}
}

// tableOf asks for one ChatCluster as kubectl does.
func tableOf(t *testing.T, c *kube.Cluster, name string) metav1.Table {
	t.Helper()
	config := dynamic.ConfigFor(c.Config)
	config.GroupVersion = &v1alpha1.GroupVersion
	config.APIPath = "/apis"
	api, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := api.Get().Namespace(c.Namespace).Resource("chatclusters").Name(name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(answer, &table); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return table
}

func TestScale(t *testing.T) {
	c := kube.Start(t)
	scaled := newTyped(t, c, "scaled", `{nodes: {replicas: 3}}`)
	scaled.Status.Replicas, scaled.Status.Selector = 2, "chatfleet.dev/cluster=scaled"
	if err := c.Client.Status().Update(t.Context(), scaled); err != nil {
		t.Fatal(err)
	}
	scale := &autoscalingv1.Scale{}
	if err := c.Client.SubResource("scale").Get(t.Context(), scaled, scale); err != nil {
		t.Fatal(err)
	}
	if scale.Spec.Replicas != 3 || scale.Status.Replicas != 2 || scale.Status.Selector != "chatfleet.dev/cluster=scaled" {
		t.Errorf("the scale is %+v and %+v", scale.Spec, scale.Status)
	}
}

// The patch is that of kubectl scale. It works although the field is absent; only reading the scale needs it.
func TestScaleSetsTheNumberOfNodes(t *testing.T) {
	c := kube.Start(t)
	scaled := newTyped(t, c, "patched", `{}`)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":7}}`))
	err := c.Client.SubResource("scale").Patch(t.Context(), scaled, patch, client.WithSubResourceBody(&autoscalingv1.Scale{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(scaled), scaled); err != nil {
		t.Fatal(err)
	}
	if scaled.Spec.Nodes.Replicas == nil || *scaled.Spec.Nodes.Replicas != 7 {
		t.Errorf("replicas are %v after a scale to 7", scaled.Spec.Nodes.Replicas)
	}
}

func TestScaleIsRefusedWhileTheAutoscalerOwnsTheNumber(t *testing.T) {
	c := kube.Start(t)
	owned := newTyped(t, c, "owned", `{autoscaling: {maxReplicas: 5}}`)
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":7}}`))
	err := c.Client.SubResource("scale").Patch(t.Context(), owned, patch, client.WithSubResourceBody(&autoscalingv1.Scale{}))
	const want = "spec.nodes.replicas: Forbidden: must not be set with spec.autoscaling, which owns the number of nodes"
	if got := complaint(err); got != want {
		t.Errorf("the server says %s, want %s", got, want)
	}
}

func TestFieldSelectors(t *testing.T) {
	c := kube.Start(t)
	newTyped(t, c, "managed", `{}`)
	external := newTyped(t, c, "external", `{backbone: {type: External, external: {urls: ["nats://nats:4222"]}}}`)
	external.Status.Phase = v1alpha1.PhaseDegraded
	if err := c.Client.Status().Update(t.Context(), external); err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string][]string{
		"spec.backbone.type=External":  {"external"},
		"spec.backbone.type=Managed":   {"managed"},
		"status.phase=Degraded":        {"external"},
		"status.phase!=Degraded":       {"managed"},
		"spec.backbone.type!=Whatever": {"external", "managed"},
	} {
		found := &v1alpha1.ChatClusterList{}
		if err := c.Client.List(t.Context(), found, client.InNamespace(c.Namespace), &client.ListOptions{Raw: &metav1.ListOptions{FieldSelector: selector}}); err != nil {
			t.Errorf("%s: %v", selector, err)
			continue
		}
		var names []string
		for _, item := range found.Items {
			names = append(names, item.Name)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s finds %v, want %v", selector, names, want)
		}
	}
}

func TestAMisspelledFieldIsRefusedWhereKubectlAsksForThat(t *testing.T) {
	c := kube.Start(t)
	strict := client.WithFieldValidation(c.Client, metav1.FieldValidationStrict)
	err := strict.Create(t.Context(), cluster(t, c.Namespace, "misspelled", `{node: {replicas: 3}}`))
	if err == nil || !strings.Contains(err.Error(), `unknown field "spec.node"`) {
		t.Errorf("the server says %v", err)
	}
}

// newTyped stores a ChatCluster with this spec.
func newTyped(t *testing.T, c *kube.Cluster, name, spec string) *v1alpha1.ChatCluster {
	t.Helper()
	if err := c.Client.Create(t.Context(), cluster(t, c.Namespace, name, spec)); err != nil {
		t.Fatal(err)
	}
	typed := &v1alpha1.ChatCluster{}
	if err := c.Client.Get(t.Context(), client.ObjectKey{Namespace: c.Namespace, Name: name}, typed); err != nil {
		t.Fatal(err)
	}
	return typed
}
