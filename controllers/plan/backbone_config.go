package plan

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Users of the NATS servers: what a certificate must name as DNS subject to be that user.
const (
	UserNode     = "node.chatfleet.internal"
	UserOperator = "operator.chatfleet.internal"
	UserSystem   = "system.chatfleet.internal"
	UserMetrics  = "metrics.chatfleet.internal"
)

// backboneConfig is the configuration file of all servers. They follow its changes without a restart, but for what mode names.
func (r rendering) backboneConfig(t templates) Object {
	return &corev1.ConfigMap{
		TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: meta(r.c, r.names.Backbone, ComponentBackbone),
		Data: map[string]string{configFile: t.backboneOf(r).config(r)},
	}
}

// backboneConfig1 is the first configuration. The order of its parts never changes, so that equal settings give equal text.
func backboneConfig1(r rendering) string {
	c := r.c
	var b strings.Builder
	fmt.Fprintf(&b, `server_name: $NATS_SERVER_NAME
listen: "0.0.0.0:%d"
client_advertise: $NATS_CLIENT_ADVERTISE
https: "127.0.0.1:%d"
max_payload: 1MB
ping_interval: "20s"
lame_duck_duration: "%ds"
lame_duck_grace_period: "2s"

tls {
%s  verify_and_map: true
}

jetstream {
  store_dir: %q
  max_mem: 64MB
  max_file: %d
  sync_interval: %q
}
`, natsPort, monitorPort, lameDuck, serverTLS("  "), dataDir, StorageLimit(c), syncInterval(c))
	if c.Spec.Backbone.Managed.Replicas > 1 {
		r.cluster(&b)
	}
	accounts(&b, c)
	return b.String()
}

// syncInterval is when the servers sync what they have written: before each acknowledgement, or every two minutes.
func syncInterval(c *v1alpha1.ChatCluster) string {
	if Durability(c) == v1alpha1.DurabilityStrict {
		return "always"
	}
	return "2m"
}

// serverTLS names the files of the servers' certificate, the same for clients and for other servers.
func serverTLS(indent string) string {
	var b strings.Builder
	for _, file := range [][2]string{{"cert_file", "tls.crt"}, {"key_file", "tls.key"}, {"ca_file", "ca.crt"}} {
		fmt.Fprintf(&b, "%s%s: %q\n", indent, file[0], natsDir+"/tls/"+file[1])
	}
	return b.String() + indent + "timeout: 5\n"
}

// cluster lets in as servers only those whose certificates name one of the routes: a node's certificate, of the same authority, is
// not enough.
func (r rendering) cluster(b *strings.Builder) {
	fmt.Fprintf(b, `
cluster {
  name: %q
  listen: "0.0.0.0:%d"
  advertise: $NATS_ROUTE_ADVERTISE
  connect_retries: 120
  tls {
%s    verify_cert_and_check_known_urls: true
  }
  routes: [
`, r.names.Backbone, routePort, serverTLS("    "))
	for i := range r.c.Spec.Backbone.Managed.Replicas {
		fmt.Fprintf(b, "    \"nats-route://%s-%d.%s:%d\"\n", r.names.Backbone, i, r.peersDomain(), routePort)
	}
	b.WriteString("  ]\n}\n")
}

// accounts keep the chat nodes apart from the system, and to what they need.
func accounts(b *strings.Builder, c *v1alpha1.ChatCluster) {
	l, _ := Layout(c)
	rights := l.Rights()
	fmt.Fprintf(b, `
system_account: SYS
accounts {
  SYS {
    users: [ { user: %q } ]
  }
  CHAT {
    jetstream: enabled
    users: [
      { user: %q }
      {
        user: %q
        permissions: {
          publish: { allow: [
`, UserSystem, UserOperator, UserNode)
	subjects(b, rights.Publish)
	b.WriteString("          ] }\n          subscribe: { allow: [\n")
	subjects(b, rights.Subscribe)
	b.WriteString("          ] }\n        }\n      }\n    ]\n  }\n}\n")
}

func subjects(b *strings.Builder, all []string) {
	for _, subject := range all {
		fmt.Fprintf(b, "            %q\n", subject)
	}
}
