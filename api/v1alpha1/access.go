package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SecretReference names a secret in the namespace of the ChatCluster.
type SecretReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// JWTSecretReference names the secret, in the namespace of the ChatCluster, that signs tokens.
type JWTSecretReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default=secret
	// +optional
	Key string `json:"key,omitempty"`
}

// ServerKeysReference names the secret, in the namespace of the ChatCluster, that holds the keys of applications' servers.
type ServerKeysReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default="server-keys"
	// +optional
	Key string `json:"key,omitempty"`
}

// AuthSpec is how clients show who they are.
type AuthSpec struct {
	// JWT says whose tokens are believed. Absent: nobody's.
	// +optional
	JWT *JWTSpec `json:"jwt,omitempty"`

	// ServerKeysSecretRef names the secret with the keys by which servers of applications call the chat service: lines of an application's name
	// and a key of at least 32 characters. Absent: none may. A change is taken over without a restart.
	// +optional
	ServerKeysSecretRef *ServerKeysReference `json:"serverKeysSecretRef,omitempty"`

	// Anonymous lets connections without a token in.
	// +kubebuilder:default=false
	// +optional
	Anonymous bool `json:"anonymous,omitempty"`

	// OpenChannels are channels outside the chat vocabulary that anybody may use; * stands for any text.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:Pattern=`^[^,\s]+$`
	// +listType=atomic
	// +optional
	OpenChannels []string `json:"openChannels,omitempty"`

	// Origins of web pages that may connect, besides the host they are served from; * stands for any text.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:items:Pattern=`^[^,\s]+$`
	// +listType=atomic
	// +optional
	Origins []string `json:"origins,omitempty"`
}

// JWTSpec says whose tokens are believed.
//
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) != has(self.jwks)",message="exactly one of secretRef and jwks is needed"
type JWTSpec struct {
	// SecretRef names the secret that holds the HS256 secret, at least 32 bytes. A change is taken over without a restart.
	// +optional
	SecretRef *JWTSecretReference `json:"secretRef,omitempty"`

	// JWKS is where the public keys of RS256, ES256 and EdDSA tokens are.
	// +optional
	JWKS *JWKSSpec `json:"jwks,omitempty"`

	// Issuer that tokens must name.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// Audience that tokens must name.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Audience string `json:"audience,omitempty"`
}

// JWKSSpec is where public keys are.
type JWKSSpec struct {
	// URL of the key set.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^https?://\S+$`
	URL string `json:"url"`
}

// ExposureSpec is how clients reach the nodes: a Service always, and an Ingress or a route of a Gateway if asked for.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.ingress) && has(self.gateway))",message="must not be set with ingress: clients come in by one of them",fieldPath=".gateway",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!(has(self.ingress) || has(self.gateway)) || has(self.host)",message="must be given with ingress or gateway",fieldPath=".host",reason=FieldValueRequired
type ExposureSpec struct {
	// Host name under which clients come.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	Host string `json:"host,omitempty"`

	// Ingress asks for an Ingress.
	// +optional
	Ingress *IngressSpec `json:"ingress,omitempty"`

	// Gateway asks for an HTTPRoute of the Gateway API.
	// +optional
	Gateway *GatewaySpec `json:"gateway,omitempty"`

	// Service is what the Service for clients looks like.
	// +kubebuilder:default={}
	// +optional
	Service ServiceSpec `json:"service,omitzero"`

	// TLSSecretName names a secret with tls.crt and tls.key that the nodes themselves serve with. Absent: plain HTTP, as ingress controllers
	// expect. Behind a Gateway it needs a BackendTLSPolicy of yours.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
}

// IngressSpec asks for an Ingress.
type IngressSpec struct {
	// ClassName of the ingress controller; absent, the default one of the cluster.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName *string `json:"className,omitempty"`

	// Annotations for the ingress controller.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// TLSSecretName names the secret with the certificate of the host.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
}

// GatewaySpec asks for an HTTPRoute.
type GatewaySpec struct {
	// ParentRefs are the Gateways that carry the route.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	ParentRefs []GatewayReference `json:"parentRefs"`
}

// GatewayReference names a Gateway, or one of its listeners.
type GatewayReference struct {
	// Name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Namespace of the Gateway; absent, that of the ChatCluster.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// SectionName is the listener.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SectionName string `json:"sectionName,omitempty"`
}

// ServiceSpec is what the Service for clients looks like.
type ServiceSpec struct {
	// Type of the Service.
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	// +kubebuilder:default=ClusterIP
	// +optional
	Type corev1.ServiceType `json:"type,omitempty"`

	// Annotations for whatever implements the Service.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Switch says whether something is made.
// +kubebuilder:validation:Enum=Auto;Enabled;Disabled
type Switch string

// The switches.
const (
	// Auto makes it if its API exists in the cluster.
	Auto Switch = "Auto"
	// Enabled makes it, and says so in a condition if its API is missing.
	Enabled Switch = "Enabled"
	// Disabled doesn't make it.
	Disabled Switch = "Disabled"
)

// MonitoringSpec is what is made for Prometheus and Grafana.
type MonitoringSpec struct {
	// PodMonitor tells the Prometheus operator to scrape the nodes.
	// +kubebuilder:default=Auto
	// +optional
	PodMonitor Switch `json:"podMonitor,omitempty"`
	// Rules are alerts for the Prometheus operator.
	// +kubebuilder:default=Auto
	// +optional
	Rules Switch `json:"rules,omitempty"`
	// Dashboard is a ConfigMap that Grafana's sidecar picks up. Auto makes it together with the PodMonitor.
	// +kubebuilder:default=Auto
	// +optional
	Dashboard Switch `json:"dashboard,omitempty"`
}

// NetworkPolicySpec limits who may talk to the nodes and the backbone.
type NetworkPolicySpec struct {
	// Enabled makes the policies: the backbone takes connections from the nodes and the operator alone.
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// ClientNamespaces limits clients to pods of namespaces with these labels, for example those of the ingress controller. Absent: anybody
	// may connect.
	// +optional
	ClientNamespaces *metav1.LabelSelector `json:"clientNamespaces,omitempty"`
}

// TLSSpec is who signs the certificates between nodes, backbone and operator.
type TLSSpec struct {
	// IssuerRef names an issuer of cert-manager. Absent: the operator has an authority of its own for each ChatCluster. Give each ChatCluster an
	// issuer of its own, since nodes of one are let in by the backbones of all with the same issuer.
	// +optional
	IssuerRef *IssuerReference `json:"issuerRef,omitempty"`
}

// IssuerReference names an issuer of cert-manager.
type IssuerReference struct {
	// Name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Kind of the issuer: an Issuer of the same namespace, or a ClusterIssuer.
	// +kubebuilder:validation:Enum=Issuer;ClusterIssuer
	// +kubebuilder:default=Issuer
	// +optional
	Kind string `json:"kind,omitempty"`
}
