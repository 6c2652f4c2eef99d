package plan

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

type spec = v1alpha1.ChatClusterSpec

// What a change of a field restarts.
type restarts string

const (
	nothing       restarts = "nothing"
	theNodes      restarts = "nodes"
	theBackbone   restarts = "backbone"
	nodesBackbone restarts = "nodes and backbone"
)

// field is a field of the spec that is changed.
type field struct {
	restarts restarts
	// base makes the ChatCluster that has the field; nil is one with a managed backbone of three servers.
	base func(*v1alpha1.ChatCluster)
	// change gives the field another value than base.
	change func(*spec)
}

func withToken(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	c.Spec.Auth.JWT = &v1alpha1.JWTSpec{SecretRef: &v1alpha1.JWTSecretReference{Name: "tokens"}}
}

func withScaling(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5}
}

func withIngress(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	c.Spec.Exposure.Host = "chat.example"
	c.Spec.Exposure.Ingress = &v1alpha1.IngressSpec{}
}

func withGateway(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	c.Spec.Exposure.Host = "chat.example"
	c.Spec.Exposure.Gateway = &v1alpha1.GatewaySpec{ParentRefs: []v1alpha1.GatewayReference{{Name: "edge"}}}
}

func withIssuer(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	c.Spec.TLS.IssuerRef = &v1alpha1.IssuerReference{Name: "inner"}
}

func withChat(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	chatting(c)
}

func withProtocols(c *v1alpha1.ChatCluster) {
	servers(3)(c)
	speaking(c)
}

func more(cpu string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

func placement(at func(*spec) *v1alpha1.PodPlacement, path string, what restarts, all map[string]field) {
	change := func(f func(*v1alpha1.PodPlacement)) func(*spec) {
		return func(s *spec) { f(at(s)) }
	}
	all[path+".nodeSelector"] = field{what, nil, change(func(p *v1alpha1.PodPlacement) { p.NodeSelector = map[string]string{"a": "b"} })}
	all[path+".tolerations"] = field{what, nil, change(func(p *v1alpha1.PodPlacement) { p.Tolerations = []corev1.Toleration{{Key: "a"}} })}
	all[path+".priorityClassName"] = field{what, nil, change(func(p *v1alpha1.PodPlacement) { p.PriorityClassName = "high" })}
	all[path+".podAnnotations"] = field{what, nil, change(func(p *v1alpha1.PodPlacement) { p.PodAnnotations = map[string]string{"a": "b"} })}
	all[path+".podLabels"] = field{what, nil, change(func(p *v1alpha1.PodPlacement) { p.PodLabels = map[string]string{"a": "b"} })}
}

// specFields says of every field of the spec what its change restarts. A field that is not here fails the test: whoever adds one
// decides.
func specFields() map[string]field {
	period := int32(7)
	all := map[string]field{
		"image":            {theNodes, nil, func(s *spec) { s.Image = "other:1" }},
		"imagePullPolicy":  {nodesBackbone, nil, func(s *spec) { s.ImagePullPolicy = "Always" }},
		"imagePullSecrets": {nodesBackbone, nil, func(s *spec) { s.ImagePullSecrets = []v1alpha1.SecretReference{{Name: "pull"}} }},

		"nodes.replicas":  {nothing, nil, func(s *spec) { s.Nodes.Replicas = pointer(int32(7)) }},
		"nodes.resources": {theNodes, nil, func(s *spec) { s.Nodes.Resources = more("2") }},
		"nodes.env":       {theNodes, nil, func(s *spec) { s.Nodes.Env = []v1alpha1.EnvVar{{Name: "A", Value: "b"}} }},

		"autoscaling.minReplicas":       {nothing, withScaling, func(s *spec) { s.Autoscaling.MinReplicas = 3 }},
		"autoscaling.maxReplicas":       {nothing, withScaling, func(s *spec) { s.Autoscaling.MaxReplicas = 30 }},
		"autoscaling.cpuUtilization":    {nothing, withScaling, func(s *spec) { s.Autoscaling.CPUUtilization = 50 }},
		"autoscaling.memoryUtilization": {nothing, withScaling, func(s *spec) { s.Autoscaling.MemoryUtilization = pointer(int32(50)) }},
		"autoscaling.scaleUp": {nothing, withScaling, func(s *spec) {
			s.Autoscaling.ScaleUp = &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &period}
		}},
		"autoscaling.scaleDown": {nothing, withScaling, func(s *spec) {
			s.Autoscaling.ScaleDown = &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &period}
		}},

		"drain.period":              {theNodes, nil, func(s *spec) { s.Drain.Period = &metav1.Duration{Duration: time.Minute} }},
		"drain.reconnectsPerSecond": {nothing, nil, func(s *spec) { s.Drain.ReconnectsPerSecond = 7 }},

		"backbone.type":                       {nodesBackbone, nil, func(s *spec) { s.Backbone = externalSpec().Backbone }},
		"backbone.shards":                     {theNodes, nil, func(s *spec) { s.Backbone.Shards = 8 }},
		"backbone.managed.replicas":           {nothing, nil, func(s *spec) { s.Backbone.Managed.Replicas = 5 }},
		"backbone.managed.storage.size":       {nothing, nil, func(s *spec) { s.Backbone.Managed.Storage.Size = resource.MustParse("20Gi") }},
		"backbone.managed.storage.className":  {nothing, nil, func(s *spec) { s.Backbone.Managed.Storage.ClassName = pointer("fast") }},
		"backbone.managed.resources":          {theBackbone, nil, func(s *spec) { s.Backbone.Managed.Resources = more("2") }},
		"backbone.managed.durability":         {nodesBackbone, nil, func(s *spec) { s.Backbone.Managed.Durability = v1alpha1.DurabilityRelaxed }},
		"backbone.managed.deletionPolicy":     {nothing, nil, func(s *spec) { s.Backbone.Managed.DeletionPolicy = "Delete" }},
		"backbone.managed.image":              {theBackbone, nil, func(s *spec) { s.Backbone.Managed.Image = "other:1" }},
		"backbone.external.urls":              {theNodes, external, func(s *spec) { s.Backbone.External.URLs = []string{"nats://c:4222"} }},
		"backbone.external.prefix":            {theNodes, external, func(s *spec) { s.Backbone.External.Prefix = "other" }},
		"backbone.external.tlsSecretRef.name": {theNodes, external, func(s *spec) { s.Backbone.External.TLSSecretRef.Name = "other" }},
		"backbone.external.credentialsSecretRef.name": {theNodes, external, func(s *spec) {
			s.Backbone.External.CredentialsSecretRef.Name = "other"
		}},
		"backbone.external.credentialsSecretRef.key": {theNodes, external, func(s *spec) {
			s.Backbone.External.CredentialsSecretRef.Key = "other"
		}},

		"history.maxAge":   {nothing, nil, func(s *spec) { s.History.MaxAge = &metav1.Duration{Duration: time.Hour} }},
		"history.maxBytes": {nothing, nil, func(s *spec) { s.History.MaxBytes = pointer(resource.MustParse("1Gi")) }},
		"history.replicas": {nothing, nil, func(s *spec) { s.History.Replicas = pointer(int32(1)) }},

		"auth.jwt.secretRef.name": {theNodes, withToken, func(s *spec) { s.Auth.JWT.SecretRef.Name = "other" }},
		"auth.jwt.secretRef.key":  {theNodes, withToken, func(s *spec) { s.Auth.JWT.SecretRef.Key = "other" }},
		"auth.jwt.jwks.url":       {theNodes, nil, func(s *spec) { s.Auth.JWT = &v1alpha1.JWTSpec{JWKS: &v1alpha1.JWKSSpec{URL: "https://keys"}} }},
		"auth.jwt.issuer":         {theNodes, withToken, func(s *spec) { s.Auth.JWT.Issuer = "other" }},
		"auth.jwt.audience":       {theNodes, withToken, func(s *spec) { s.Auth.JWT.Audience = "other" }},
		"auth.anonymous":          {theNodes, nil, func(s *spec) { s.Auth.Anonymous = true }},
		"auth.openChannels":       {theNodes, nil, func(s *spec) { s.Auth.OpenChannels = []string{"news*"} }},
		"auth.origins":            {theNodes, nil, func(s *spec) { s.Auth.Origins = []string{"https://shop.example"} }},

		"auth.serverKeysSecretRef.name": {theNodes, withChat, func(s *spec) { s.Auth.ServerKeysSecretRef.Name = "other" }},
		"auth.serverKeysSecretRef.key":  {theNodes, withChat, func(s *spec) { s.Auth.ServerKeysSecretRef.Key = "other" }},
		"rooms.explicit":                {theNodes, nil, func(s *spec) { s.Rooms.Explicit = true }},
		"appLimits":                     {nothing, withChat, func(s *spec) { s.AppLimits[0].Rooms = 7 }},

		"search.engine": {theNodes, nil, func(s *spec) { s.Search.Engine = v1alpha1.SearchDisabled }},
		"search.size":   {theNodes, nil, func(s *spec) { s.Search.Size = resource.MustParse("2Gi") }},

		"hooks.secretRef.name":           {theNodes, withChat, func(s *spec) { s.Hooks.SecretRef.Name = "other" }},
		"hooks.secretRef.key":            {theNodes, withChat, func(s *spec) { s.Hooks.SecretRef.Key = "other" }},
		"hooks.webhook.url":              {theNodes, withChat, func(s *spec) { s.Hooks.Webhook.URL = "https://other" }},
		"hooks.webhook.form":             {theNodes, withChat, func(s *spec) { s.Hooks.Webhook.Form = v1alpha1.WebhookFormChat21 }},
		"hooks.webhook.events":           {theNodes, withChat, func(s *spec) { s.Hooks.Webhook.Events = []v1alpha1.HookEvent{"edit"} }},
		"hooks.webhook.timeout":          {theNodes, withChat, func(s *spec) { s.Hooks.Webhook.Timeout = &metav1.Duration{Duration: time.Minute} }},
		"hooks.webhook.giveUp":           {theNodes, withChat, func(s *spec) { s.Hooks.Webhook.GiveUp = &metav1.Duration{Duration: time.Minute} }},
		"hooks.moderation.url":           {theNodes, withChat, func(s *spec) { s.Hooks.Moderation.URL = "https://other" }},
		"hooks.moderation.timeout":       {theNodes, withChat, func(s *spec) { s.Hooks.Moderation.Timeout = &metav1.Duration{Duration: 2 * time.Second} }},
		"hooks.moderation.failurePolicy": {theNodes, withChat, func(s *spec) { s.Hooks.Moderation.FailurePolicy = v1alpha1.FailureRefuse }},

		"protocols.heimdallr.app":              {theNodes, withProtocols, func(s *spec) { s.Protocols.Heimdallr.App = "other" }},
		"protocols.heimdallr.port":             {nothing, withProtocols, func(s *spec) { s.Protocols.Heimdallr.Port = 80 }},
		"protocols.heimdallr.admin":            {theNodes, withProtocols, func(s *spec) { s.Protocols.Heimdallr.Admin = false }},
		"protocols.heimdallr.tls":              {theNodes, withProtocols, func(s *spec) { s.Protocols.Heimdallr.TLS = !s.Protocols.Heimdallr.TLS }},
		"protocols.heimdallr.clientNamespaces": {nothing, withProtocols, func(s *spec) { s.Protocols.Heimdallr.ClientNamespaces = nil }},
		"protocols.pull.app":                   {theNodes, withProtocols, func(s *spec) { s.Protocols.Pull.App = "other" }},
		"protocols.pull.port":                  {nothing, withProtocols, func(s *spec) { s.Protocols.Pull.Port = 81 }},
		"protocols.pull.dialect":               {theNodes, withProtocols, func(s *spec) { s.Protocols.Pull.Dialect = "a" }},
		"protocols.pull.tls":                   {theNodes, withProtocols, func(s *spec) { s.Protocols.Pull.TLS = !s.Protocols.Pull.TLS }},
		"protocols.pull.clientNamespaces":      {nothing, withProtocols, func(s *spec) { s.Protocols.Pull.ClientNamespaces = nil }},
		"protocols.push.app":                   {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.App = "other" }},
		"protocols.push.port":                  {nothing, withProtocols, func(s *spec) { s.Protocols.Push.Port = 80 }},
		"protocols.push.shape":                 {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.Shape = v1alpha1.PushShapeCpp }},
		"protocols.push.closed":                {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.Closed = false }},
		"protocols.push.concurrency":           {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.Concurrency = v1alpha1.PushConcurrencyFirst }},
		"protocols.push.interval":              {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.Interval = false }},
		"protocols.push.tls":                   {theNodes, withProtocols, func(s *spec) { s.Protocols.Push.TLS = !s.Protocols.Push.TLS }},
		"protocols.push.clientNamespaces":      {nothing, withProtocols, func(s *spec) { s.Protocols.Push.ClientNamespaces = nil }},

		"protocols.comet.app":                    {theNodes, withProtocols, func(s *spec) { s.Protocols.Comet.App = "other" }},
		"protocols.comet.port":                   {nothing, withProtocols, func(s *spec) { s.Protocols.Comet.Port = 8088 }},
		"protocols.comet.sqlPort":                {nothing, withProtocols, func(s *spec) { s.Protocols.Comet.SQLPort = 3308 }},
		"protocols.comet.passwordSecretRef.name": {theNodes, withProtocols, func(s *spec) { s.Protocols.Comet.PasswordSecretRef.Name = "other" }},
		"protocols.comet.passwordSecretRef.key":  {theNodes, withProtocols, func(s *spec) { s.Protocols.Comet.PasswordSecretRef.Key = "other" }},
		"protocols.comet.tls":                    {theNodes, withProtocols, func(s *spec) { s.Protocols.Comet.TLS = !s.Protocols.Comet.TLS }},
		"protocols.comet.clientNamespaces":       {nothing, withProtocols, func(s *spec) { s.Protocols.Comet.ClientNamespaces = nil }},
		"protocols.comet.backendNamespaces":      {nothing, withProtocols, func(s *spec) { s.Protocols.Comet.BackendNamespaces = nil }},

		"protocols.mqtt.port":             {nothing, withProtocols, func(s *spec) { s.Protocols.MQTT.Port = 1885 }},
		"protocols.mqtt.httpPort":         {nothing, withProtocols, func(s *spec) { s.Protocols.MQTT.HTTPPort = 8005 }},
		"protocols.mqtt.secretRef.name":   {theNodes, withProtocols, func(s *spec) { s.Protocols.MQTT.SecretRef.Name = "other" }},
		"protocols.mqtt.secretRef.key":    {theNodes, withProtocols, func(s *spec) { s.Protocols.MQTT.SecretRef.Key = "other" }},
		"protocols.mqtt.tls":              {theNodes, withProtocols, func(s *spec) { s.Protocols.MQTT.TLS = !s.Protocols.MQTT.TLS }},
		"protocols.mqtt.clientNamespaces": {nothing, withProtocols, func(s *spec) { s.Protocols.MQTT.ClientNamespaces = nil }},

		"exposure.host":                           {nothing, nil, func(s *spec) { s.Exposure.Host = "other.example" }},
		"exposure.ingress.className":              {nothing, withIngress, func(s *spec) { s.Exposure.Ingress.ClassName = pointer("other") }},
		"exposure.ingress.annotations":            {nothing, withIngress, func(s *spec) { s.Exposure.Ingress.Annotations = map[string]string{"a": "b"} }},
		"exposure.ingress.tlsSecretName":          {nothing, withIngress, func(s *spec) { s.Exposure.Ingress.TLSSecretName = "other" }},
		"exposure.gateway.parentRefs.name":        {nothing, withGateway, func(s *spec) { s.Exposure.Gateway.ParentRefs[0].Name = "other" }},
		"exposure.gateway.parentRefs.namespace":   {nothing, withGateway, func(s *spec) { s.Exposure.Gateway.ParentRefs[0].Namespace = "other" }},
		"exposure.gateway.parentRefs.sectionName": {nothing, withGateway, func(s *spec) { s.Exposure.Gateway.ParentRefs[0].SectionName = "other" }},
		"exposure.service.type":                   {nothing, nil, func(s *spec) { s.Exposure.Service.Type = corev1.ServiceTypeLoadBalancer }},
		"exposure.service.annotations":            {nothing, nil, func(s *spec) { s.Exposure.Service.Annotations = map[string]string{"a": "b"} }},
		"exposure.tlsSecretName":                  {theNodes, nil, func(s *spec) { s.Exposure.TLSSecretName = "other" }},

		"monitoring.podMonitor": {nothing, nil, func(s *spec) { s.Monitoring.PodMonitor = v1alpha1.Disabled }},
		"monitoring.rules":      {nothing, nil, func(s *spec) { s.Monitoring.Rules = v1alpha1.Disabled }},
		"monitoring.dashboard":  {nothing, nil, func(s *spec) { s.Monitoring.Dashboard = v1alpha1.Disabled }},

		"networkPolicy.enabled":          {nothing, nil, func(s *spec) { s.NetworkPolicy.Enabled = pointer(false) }},
		"networkPolicy.clientNamespaces": {nothing, nil, func(s *spec) { s.NetworkPolicy.ClientNamespaces = &metav1.LabelSelector{} }},

		"tls.issuerRef.name": {nothing, withIssuer, func(s *spec) { s.TLS.IssuerRef.Name = "other" }},
		"tls.issuerRef.kind": {nothing, withIssuer, func(s *spec) { s.TLS.IssuerRef.Kind = "ClusterIssuer" }},

		"operatorUpgrade": {nothing, nil, func(s *spec) { s.OperatorUpgrade = upgradeImmediately }},
		"paused":          {nothing, nil, func(s *spec) { s.Paused = true }},
	}
	placement(func(s *spec) *v1alpha1.PodPlacement { return &s.Nodes.PodPlacement }, "nodes", theNodes, all)
	placement(func(s *spec) *v1alpha1.PodPlacement { return &s.Backbone.Managed.PodPlacement }, "backbone.managed", theBackbone, all)
	return all
}

func externalSpec() v1alpha1.ChatClusterSpec { return lobby(external).Spec }
