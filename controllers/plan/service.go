package plan

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// clientService is where clients come in, those of other systems each on a port of their own.
func (r rendering) clientService() Object {
	ports := append([]corev1.ServicePort{r.clientServicePort()}, r.protocolServicePorts()...)
	s := service(r, r.names.Clients, ComponentNode, ports...)
	s.Spec.Type = r.c.Spec.Exposure.Service.Type
	s.Annotations = merged(r.c.Spec.Exposure.Service.Annotations)
	return s
}

// clientServicePort is 80, or 443 if the nodes serve TLS themselves.
func (r rendering) clientServicePort() corev1.ServicePort {
	if r.c.Spec.Exposure.TLSSecretName != "" {
		return port("https", 443, clientPortName)
	}
	return port("http", 80, clientPortName)
}

// nodesService gives each chat node's admin port a name, also while it drains or starts.
func (r rendering) nodesService() Object {
	return headless(service(r, r.names.Nodes, ComponentNode, port(adminPortName, nodeAdminPort, adminPortName)))
}

// backboneService is where chat nodes and the operator find a NATS server that is ready.
func (r rendering) backboneService() Object {
	return service(r, r.names.Backbone, ComponentBackbone, port(natsPortName, natsPort, natsPortName))
}

// peersService gives each NATS server a name, also before it is ready: they need each other to become that.
func (r rendering) peersService() Object {
	return headless(service(r, r.names.Peers, ComponentBackbone,
		port(natsPortName, natsPort, natsPortName), port(routePortName, routePort, routePortName)))
}

func service(r rendering, name, component string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"), ObjectMeta: meta(r.c, name, component),
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Selector: Selector(r.c, component), Ports: ports},
	}
}

func headless(s *corev1.Service) *corev1.Service {
	s.Spec.ClusterIP = corev1.ClusterIPNone
	s.Spec.PublishNotReadyAddresses = true
	return s
}

func port(name string, number int32, target string) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number, TargetPort: intstr.FromString(target), Protocol: corev1.ProtocolTCP}
}
