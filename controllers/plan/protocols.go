package plan

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Ports of heimdallr in chat nodes.
const (
	heimdallrPort       = 8000
	heimdallrHealthPort = 8099
	heimdallrAdminPort  = 8090
)

// pullPort is that of clients of distributed-chat in chat nodes.
const pullPort = 8081

// pushPort is where clients of cHaTTP come in, in chat nodes.
const pushPort = 8082

// Ports of CppComet in chat nodes, and the file with its password.
const (
	cometPort    = 8087
	cometSQLPort = 3307
	cometDir     = "/etc/chatfleet/comet"
	cometFile    = "password"
)

// Ports of chat21 in chat nodes, and the file with the secret of its tokens.
const (
	mqttPort     = 1883
	mqttHTTPPort = 15675
	mqttDir      = "/etc/chatfleet/mqtt"
	mqttFile     = "secret"
)

// protocolPlan is what a protocol of another system asks of the nodes, and of what leads to them.
type protocolPlan struct {
	// name is that of the container's port and of the Service's, which are listen and port.
	name         string
	listen, port int32
	// pods are the ports that only the pods have.
	pods []podPort
	// args are those besides --NAME-listen.
	args []string
	// clients limits who may connect; nil if the ChatCluster's own rule does.
	clients *metav1.LabelSelector
}

// overTLS are the protocols whose clients come with it, as the nodes call them.
func overTLS(s *v1alpha1.ProtocolsSpec) (names []string) {
	for _, p := range []struct {
		name string
		tls  bool
	}{
		{"heimdallr", s.Heimdallr != nil && s.Heimdallr.TLS}, {"pull", s.Pull != nil && s.Pull.TLS}, {"push", s.Push != nil && s.Push.TLS},
		{"comet", s.Comet != nil && s.Comet.TLS}, {"mqtt", s.MQTT != nil && s.MQTT.TLS},
	} {
		if p.tls {
			names = append(names, p.name)
		}
	}
	return names
}

// podPort is a port that no Service has.
type podPort struct {
	name   string
	number int32
}

// protocols are those that the ChatCluster asks for, always in the same order.
func protocols(c *v1alpha1.ChatCluster) (all []protocolPlan) {
	s := c.Spec.Protocols
	if s == nil {
		return nil
	}
	if h := s.Heimdallr; h != nil {
		all = append(all, heimdallr(h))
	}
	if p := s.Pull; p != nil {
		all = append(all, protocolPlan{
			name: "pull", listen: pullPort, port: p.Port, clients: p.ClientNamespaces,
			args: []string{"--pull-app=" + literal(p.App), "--pull-dialect=" + literal(string(p.Dialect))},
		})
	}
	if p := s.Push; p != nil {
		all = append(all, push(p))
	}
	if m := s.Comet; m != nil {
		all = append(all, comet(m)...)
	}
	if m := s.MQTT; m != nil {
		all = append(all, mqtt(m)...)
	}
	return all
}

func push(p *v1alpha1.PushProtocol) protocolPlan {
	plan := protocolPlan{
		name: "push", listen: pushPort, port: p.Port, clients: p.ClientNamespaces,
		args: []string{
			"--push-app=" + literal(p.App), "--push-shape=" + strings.ToLower(string(p.Shape)),
			"--push-concurrency=" + strings.ToLower(string(p.Concurrency)),
		},
	}
	if p.Closed {
		plan.args = append(plan.args, "--push-closed")
	}
	if p.Interval {
		plan.args = append(plan.args, "--push-interval")
	}
	return plan
}

func heimdallr(h *v1alpha1.HeimdallrProtocol) protocolPlan {
	p := protocolPlan{
		name: "heimdallr", listen: heimdallrPort, port: h.Port, clients: h.ClientNamespaces,
		args: []string{"--heimdallr-app=" + literal(h.App)},
	}
	if h.Admin {
		p.pods = []podPort{{"heimdallr-hlth", heimdallrHealthPort}, {"heimdallr-admin", heimdallrAdminPort}}
		p.args = append(p.args, "--heimdallr-health-listen="+everywhere(heimdallrHealthPort), "--heimdallr-admin-listen="+everywhere(heimdallrAdminPort))
	}
	return p
}

// comet has two ports, since not all who may listen may also drive everything.
func comet(m *v1alpha1.CometProtocol) []protocolPlan {
	backends := m.BackendNamespaces
	if backends == nil {
		backends = m.ClientNamespaces
	}
	return []protocolPlan{
		{
			name: "comet", listen: cometPort, port: m.Port, clients: m.ClientNamespaces,
			args: []string{"--comet-app=" + literal(m.App), "--comet-password-file=" + cometDir + "/" + cometFile},
		},
		{name: "comet-sql", listen: cometSQLPort, port: m.SQLPort, clients: backends},
	}
}

// mqtt has a port for TCP, and one for WebSockets and the HTTP API.
func mqtt(m *v1alpha1.MQTTProtocol) []protocolPlan {
	return []protocolPlan{
		{
			name: "mqtt", listen: mqttPort, port: m.Port, clients: m.ClientNamespaces,
			args: []string{"--mqtt-jwt-secret-file=" + mqttDir + "/" + mqttFile},
		},
		{name: "mqtt-http", listen: mqttHTTPPort, port: m.HTTPPort, clients: m.ClientNamespaces},
	}
}

// protocolFiles are what these arguments name.
func protocolFiles(c *v1alpha1.ChatCluster) (files []mounted) {
	s := c.Spec.Protocols
	if s == nil {
		return nil
	}
	if s.Comet != nil {
		ref := s.Comet.PasswordSecretRef
		files = append(files, mounted{secretVolume("comet", ref.Name, item(ref.Key, cometFile)), cometDir})
	}
	if s.MQTT != nil {
		ref := s.MQTT.SecretRef
		files = append(files, mounted{secretVolume("mqtt", ref.Name, item(ref.Key, mqttFile)), mqttDir})
	}
	return files
}

// everywhere is the address of a port on all interfaces.
func everywhere(port int32) string { return ":" + strconv.Itoa(int(port)) }

// protocolArgs have the nodes speak the protocols.
func protocolArgs(c *v1alpha1.ChatCluster) (args []string) {
	for _, p := range protocols(c) {
		args = append(args, "--"+p.name+"-listen="+everywhere(p.listen))
		args = append(args, p.args...)
	}
	if s := c.Spec.Protocols; s != nil {
		if names := overTLS(s); len(names) > 0 {
			args = append(args, "--protocols-tls="+strings.Join(names, ","))
		}
	}
	return args
}

// nodePorts are the ports of a chat node.
func (r rendering) nodePorts() []corev1.ContainerPort {
	all := []corev1.ContainerPort{
		{Name: clientPortName, ContainerPort: clientPort, Protocol: corev1.ProtocolTCP},
		{Name: adminPortName, ContainerPort: nodeAdminPort, Protocol: corev1.ProtocolTCP},
	}
	for _, p := range protocols(r.c) {
		for _, each := range slices.Concat([]podPort{{p.name, p.listen}}, p.pods) {
			all = append(all, corev1.ContainerPort{Name: each.name, ContainerPort: each.number, Protocol: corev1.ProtocolTCP})
		}
	}
	return all
}

// protocolServicePorts are those that clients of other systems use.
func (r rendering) protocolServicePorts() (all []corev1.ServicePort) {
	for _, p := range protocols(r.c) {
		all = append(all, port(p.name, p.port, p.name))
	}
	return all
}

// protocolRules let the clients of other systems in, each protocol's from where it says, or else from where all clients come.
func (r rendering) protocolRules() (all []networkingv1.NetworkPolicyIngressRule) {
	for _, p := range protocols(r.c) {
		from := p.clients
		if from == nil {
			from = r.c.Spec.NetworkPolicy.ClientNamespaces
		}
		rule := clientRule(from, p.listen)
		for _, each := range p.pods {
			rule.Ports = append(rule.Ports, policyPort(each.number))
		}
		all = append(all, rule)
	}
	return all
}

// settleProtocols fills in the defaults of the schema.
func settleProtocols(s *v1alpha1.ProtocolsSpec) {
	if h := s.Heimdallr; h != nil {
		orDefault(&h.App, "default")
		orDefault(&h.Port, heimdallrPort)
	}
	if p := s.Pull; p != nil {
		orDefault(&p.App, "default")
		orDefault(&p.Port, pullPort)
		orDefault(&p.Dialect, "default")
	}
	if p := s.Push; p != nil {
		orDefault(&p.App, "default")
		orDefault(&p.Port, pushPort)
		orDefault(&p.Shape, v1alpha1.PushShapeCpp)
		orDefault(&p.Concurrency, v1alpha1.PushConcurrencyFirst)
	}
	if m := s.Comet; m != nil {
		orDefault(&m.App, "default")
		orDefault(&m.Port, cometPort)
		orDefault(&m.SQLPort, cometSQLPort)
		orDefault(&m.PasswordSecretRef.Key, cometFile)
	}
	if m := s.MQTT; m != nil {
		orDefault(&m.Port, mqttPort)
		orDefault(&m.HTTPPort, mqttHTTPPort)
		orDefault(&m.SecretRef.Key, mqttFile)
	}
}
