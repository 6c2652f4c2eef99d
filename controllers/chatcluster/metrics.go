package chatcluster

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// metrics are what Prometheus can know of ChatClusters. Their series go with them.
type metrics struct {
	conditions, ready, expiry *prometheus.GaugeVec
}

// newMetrics registers them, unless the registerer is nil.
func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string, more ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"chatcluster_namespace", "chatcluster"}, more...))
	}
	m := &metrics{
		conditions: gauge("chatfleet_condition", "1 if the condition of a ChatCluster is True, 0 if it is False, -1 if it is Unknown.", "condition"),
		ready:      gauge("chatfleet_ready_nodes", "Chat nodes that are ready."),
		expiry: gauge("chatfleet_certificate_expiry_timestamp_seconds",
			"When the first certificate of a ChatCluster ends. It is renewed after two thirds of its life."),
	}
	if r != nil {
		r.MustRegister(m.conditions, m.ready, m.expiry)
	}
	return m
}

// status shows what the status says.
func (m *metrics) status(key types.NamespacedName, s v1alpha1.ChatClusterStatus) {
	for _, c := range s.Conditions {
		value := map[metav1.ConditionStatus]float64{metav1.ConditionTrue: 1, metav1.ConditionFalse: 0, metav1.ConditionUnknown: -1}[c.Status]
		m.conditions.WithLabelValues(key.Namespace, key.Name, c.Type).Set(value)
	}
	m.ready.WithLabelValues(key.Namespace, key.Name).Set(float64(s.ReadyReplicas))
}

// certificates shows when the first of them ends.
func (m *metrics) certificates(key types.NamespacedName, end time.Time) {
	m.expiry.WithLabelValues(key.Namespace, key.Name).Set(float64(end.Unix()))
}

// forget takes the series of a ChatCluster that is gone away.
func (m *metrics) forget(key types.NamespacedName) {
	labels := prometheus.Labels{"chatcluster_namespace": key.Namespace, "chatcluster": key.Name}
	for _, vector := range []*prometheus.GaugeVec{m.conditions, m.ready, m.expiry} {
		vector.DeletePartialMatch(labels)
	}
}
