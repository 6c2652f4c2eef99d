package chatcluster

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestMetricsGoWithTheirChatCluster(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := newMetrics(registry)
	lobby, shop := types.NamespacedName{Namespace: "chat", Name: "lobby"}, types.NamespacedName{Namespace: "chat", Name: "shop"}
	for _, key := range []types.NamespacedName{lobby, shop} {
		m.certificates(key, time.Unix(1000, 0))
		m.status(key, v1alpha1.ChatClusterStatus{ReadyReplicas: 2, Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionPaused, Status: metav1.ConditionFalse},
		}})
	}
	m.forget(shop)
	want := `
# HELP chatfleet_certificate_expiry_timestamp_seconds When the first certificate of a ChatCluster ends. It is renewed after two thirds of its life.
# TYPE chatfleet_certificate_expiry_timestamp_seconds gauge
chatfleet_certificate_expiry_timestamp_seconds{chatcluster="lobby",chatcluster_namespace="chat"} 1000
# HELP chatfleet_condition 1 if the condition of a ChatCluster is True, 0 if it is False, -1 if it is Unknown.
# TYPE chatfleet_condition gauge
chatfleet_condition{chatcluster="lobby",chatcluster_namespace="chat",condition="Paused"} 0
chatfleet_condition{chatcluster="lobby",chatcluster_namespace="chat",condition="Ready"} 1
# HELP chatfleet_ready_nodes Chat nodes that are ready.
# TYPE chatfleet_ready_nodes gauge
chatfleet_ready_nodes{chatcluster="lobby",chatcluster_namespace="chat"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
