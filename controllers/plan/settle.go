package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Defaults of the schema.
const (
	defaultClaim  = "10Gi"
	defaultIndex  = "1Gi"
	defaultShards = 16
	defaultDrain  = 2 * time.Minute
	defaultMaxAge = 720 * time.Hour
)

// settle gives a copy of the ChatCluster in which everything is filled in that has a default, as the schema does for what comes from
// an API server.
func settle(c *v1alpha1.ChatCluster) *v1alpha1.ChatCluster {
	c = c.DeepCopy()
	s := &c.Spec
	orDefault(&s.Backbone.Type, v1alpha1.BackboneManaged)
	orDefault(&s.Backbone.Shards, defaultShards)
	durationOr(&s.Drain.Period, defaultDrain)
	durationOr(&s.History.MaxAge, defaultMaxAge)
	orDefault(&s.Exposure.Service.Type, corev1.ServiceTypeClusterIP)
	orDefault(&s.Monitoring.PodMonitor, v1alpha1.Auto)
	orDefault(&s.Monitoring.Rules, v1alpha1.Auto)
	orDefault(&s.Monitoring.Dashboard, v1alpha1.Auto)
	if s.NetworkPolicy.Enabled == nil {
		enabled := true
		s.NetworkPolicy.Enabled = &enabled
	}
	if a := s.Autoscaling; a != nil {
		orDefault(&a.MinReplicas, v1alpha1.DefaultNodes)
		orDefault(&a.CPUUtilization, 70)
	}
	orDefault(&s.Search.Engine, v1alpha1.SearchEmbedded)
	if s.Search.Size.IsZero() {
		s.Search.Size = resource.MustParse(defaultIndex)
	}
	if s.Hooks != nil {
		settleHooks(s.Hooks)
	}
	if s.Protocols != nil {
		settleProtocols(s.Protocols)
	}
	if s.TLS.IssuerRef != nil {
		orDefault(&s.TLS.IssuerRef.Kind, "Issuer")
	}
	if s.Nodes.Resources == nil {
		s.Nodes.Resources = resources("100m", "128Mi", "512Mi")
	}
	if s.Backbone.Type == v1alpha1.BackboneManaged {
		if s.Backbone.Managed == nil {
			s.Backbone.Managed = &v1alpha1.ManagedBackbone{}
		}
		settleManaged(s.Backbone.Managed)
	}
	return c
}

func settleManaged(m *v1alpha1.ManagedBackbone) {
	orDefault(&m.Replicas, 1)
	orDefault(&m.DeletionPolicy, "Retain")
	if m.Storage.Size.IsZero() {
		m.Storage.Size = resource.MustParse(defaultClaim)
	}
	if m.Resources == nil {
		m.Resources = resources("250m", "512Mi", "512Mi")
	}
	if m.Durability == "" {
		m.Durability = v1alpha1.DurabilityStrict
		if m.Replicas == 1 {
			m.Durability = v1alpha1.DurabilityRelaxed
		}
	}
}

func settleHooks(h *v1alpha1.HooksSpec) {
	if w := h.Webhook; w != nil {
		orDefault(&w.Form, v1alpha1.WebhookFormChatfleet)
		if len(w.Events) == 0 {
			w.Events = []v1alpha1.HookEvent{"message", "edit", "delete", "reaction", "member", "room"}
		}
		durationOr(&w.Timeout, 5*time.Second)
		durationOr(&w.GiveUp, time.Hour)
	}
	if m := h.Moderation; m != nil {
		durationOr(&m.Timeout, time.Second)
		orDefault(&m.FailurePolicy, v1alpha1.FailureRefuse)
	}
}

func durationOr(field **metav1.Duration, value time.Duration) {
	if *field == nil {
		*field = &metav1.Duration{Duration: value}
	}
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func resources(cpu, memory, memoryLimit string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memoryLimit)},
	}
}
