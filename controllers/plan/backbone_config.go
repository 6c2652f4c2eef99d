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

// Places are where the NATS servers listen and keep their files. Make uses those of a pod; a test may move them elsewhere.
type Places struct {
	// Listen is the address for clients, RouteListen that for other servers, MonitorListen that for health and statistics.
	Listen, RouteListen, MonitorListen string
	// Routes are the addresses of all servers; none for a server that runs alone.
	Routes []string
	// TLSDir has tls.crt, tls.key and ca.crt; StoreDir is for the messages.
	TLSDir, StoreDir string
}

// backboneConfig1 is the first configuration.
func backboneConfig1(r rendering) string {
	places := Places{
		Listen: fmt.Sprintf("0.0.0.0:%d", natsPort), RouteListen: fmt.Sprintf("0.0.0.0:%d", routePort),
		MonitorListen: "127.0.0.1:8222", TLSDir: natsDir + "/tls", StoreDir: dataDir + "/jetstream",
	}
	if n := r.c.Spec.Backbone.Managed.Replicas; n > 1 {
		for i := range n {
			places.Routes = append(places.Routes, fmt.Sprintf("nats-route://%s-%d.%s:%d", r.names.Backbone, i, r.peersDomain(), routePort))
		}
	}
	return natsConfig(r.c, r.names, places)
}

// natsConfig writes the configuration. The order of its parts never changes, so that equal settings give equal text.
func natsConfig(c *v1alpha1.ChatCluster, names Names, p Places) string {
	var b strings.Builder
	fmt.Fprintf(&b, `server_name: $NATS_SERVER_NAME
listen: %q
client_advertise: $NATS_CLIENT_ADVERTISE
https: %q
max_payload: 1MB
ping_interval: "20s"
lame_duck_duration: "%ds"
lame_duck_grace_period: "2s"

tls {
  cert_file: %q
  key_file: %q
  ca_file: %q
  verify_and_map: true
  timeout: 5
}

jetstream {
  store_dir: %q
  max_mem: 64MB
  max_file: %d
  sync_interval: %q
}
`, p.Listen, p.MonitorListen, lameDuck, p.TLSDir+"/tls.crt", p.TLSDir+"/tls.key", p.TLSDir+"/ca.crt",
		p.StoreDir, StorageLimit(c), syncInterval(c))
	if len(p.Routes) > 0 {
		cluster(&b, names, p)
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

// cluster lets in as servers only those whose certificates name one of the routes: a node's certificate, of the same authority, is
// not enough.
func cluster(b *strings.Builder, names Names, p Places) {
	fmt.Fprintf(b, `
cluster {
  name: %q
  listen: %q
  advertise: $NATS_ROUTE_ADVERTISE
  connect_retries: 120
  tls {
    cert_file: %q
    key_file: %q
    ca_file: %q
    verify_cert_and_check_known_urls: true
    timeout: 5
  }
  routes: [
`, names.Backbone, p.RouteListen, p.TLSDir+"/tls.crt", p.TLSDir+"/tls.key", p.TLSDir+"/ca.crt")
	for _, route := range p.Routes {
		fmt.Fprintf(b, "    %q\n", route)
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
