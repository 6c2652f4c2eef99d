package plan

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// What nats-server itself makes of the configuration.
func TestServersUnderstandTheirConfiguration(t *testing.T) {
	for count, strict := range map[int32]bool{1: false, 3: true, 5: true} {
		w := newWorld(t, lobby(servers(count)))
		var routes []int
		for i := range count {
			if count > 1 {
				routes = append(routes, 16220+int(i))
			}
		}
		o := w.configure(0, routes)
		if o.SyncAlways != strict {
			t.Errorf("%d servers: every write is synced: %v, want %v", count, o.SyncAlways, strict)
		}
		if want := int64(10<<30) / 100 * 85; o.JetStreamMaxStore != want {
			t.Errorf("%d servers: room for %d bytes, want %d", count, o.JetStreamMaxStore, want)
		}
		if o.StoreDir != filepath.Join(w.dir, "0") || o.ServerName != "lobby-nats-0-f00b42" {
			t.Errorf("%d servers: store %s, name %s", count, o.StoreDir, o.ServerName)
		}
		if o.LameDuckDuration != lameDuck*time.Second || !o.TLSMap || o.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert || o.HTTPSPort == 0 || o.HTTPPort != 0 || o.HTTPHost != "127.0.0.1" {
			t.Errorf("%d servers: lame duck %v, users by certificate %v, monitor https %s:%d http %d",
				count, o.LameDuckDuration, o.TLSMap, o.HTTPHost, o.HTTPSPort, o.HTTPPort)
		}
		wantRoutes := int(count)
		if count == 1 { // a cluster of one would wait for others for ever
			wantRoutes = 0
		}
		if len(o.Routes) != wantRoutes || (o.Cluster.Name != "") != (wantRoutes > 0) || o.Cluster.TLSCheckKnownURLs != (wantRoutes > 0) {
			t.Errorf("%d servers: %d routes in cluster %q, known names only: %v", count, len(o.Routes), o.Cluster.Name, o.Cluster.TLSCheckKnownURLs)
		}
	}
}

func TestThreeServersFormAClusterAndKeepNodesOutOfIt(t *testing.T) {
	w := newWorld(t, lobby(servers(3), twoShards))
	w.start()
	w.ensure() // with three copies of everything

	// A chat node's certificate is of the same authority. With it somebody poses as a fourth server.
	w.secrets[NamesOf(w.c).BackboneTLS] = w.secrets[NamesOf(w.c).NodeTLS]
	options := w.configure(0, routePorts(w))
	options.Cluster.Port, options.JetStream, options.ServerName = freePorts(t, 1)[0], false, "impostor"
	refused := make(refusals, 1)
	for _, s := range w.servers {
		s.SetLogger(refused, false, false)
	}
	members := slices.Clone(w.servers)
	w.run(options)
	select {
	case line := <-refused:
		t.Log(line)
	case <-time.After(patience):
		t.Fatal("no server refused the impostor")
	}
	for _, s := range members {
		known, err := s.Routez(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range known.Routes {
			if route.RemoteName == "impostor" {
				t.Errorf("%s took a node's certificate for a server's", s.Name())
			}
		}
	}
}

// refusals is a server's log, of which it keeps a line about a route that was not let in.
type refusals chan string

func (r refusals) Errorf(format string, v ...any) {
	if line := fmt.Sprintf(format, v...); strings.Contains(line, "authentication error") {
		select {
		case r <- line:
		default:
		}
	}
}

func (r refusals) Noticef(string, ...any) {}
func (r refusals) Warnf(string, ...any)   {}
func (r refusals) Fatalf(string, ...any)  {}
func (r refusals) Debugf(string, ...any)  {}
func (r refusals) Tracef(string, ...any)  {}

func routePorts(w *world) (ports []int) {
	for _, s := range w.servers[:3] {
		ports = append(ports, s.ClusterAddr().Port)
	}
	return ports
}

func TestWhatStreamsMayTakeFitsTheVolumes(t *testing.T) {
	for _, size := range []string{"256Mi", "1Gi", "10Gi", "3Ti"} {
		for _, shards := range []int32{1, 16, 256} {
			c := lobby(servers(3), func(c *v1alpha1.ChatCluster) {
				c.Spec.Backbone.Shards = shards
				c.Spec.Backbone.Managed.Storage.Size = resource.MustParse(size)
			})
			l, settings := Layout(c)
			sum := int64(0)
			for _, stream := range l.Streams(settings) {
				if stream.MaxBytes <= 0 || stream.Replicas != 3 {
					t.Errorf("stream %s has bound %d and %d copies", stream.Name, stream.MaxBytes, stream.Replicas)
				}
				sum += stream.MaxBytes
			}
			for _, bucket := range l.Buckets(settings) {
				if bucket.MaxBytes <= 0 {
					t.Errorf("bucket %s has bound %d", bucket.Name, bucket.MaxBytes)
				}
				sum += bucket.MaxBytes
			}
			limit := StorageLimit(c)
			if volume := c.Spec.Backbone.Managed.Storage.Size.Value(); sum > limit || limit > volume*85/100 || sum < limit*9/10 {
				t.Errorf("%s and %d shards: streams and buckets may take %d of %d bytes", size, shards, sum, limit)
			}
		}
	}
}

func TestLayoutFollowsTheSpec(t *testing.T) {
	tests := []struct {
		name   string
		change func(*v1alpha1.ChatCluster)
		copies int
		bytes  int64 // of each stream
		bucket int64 // bytes of all buckets
	}{
		{"as many copies as servers", servers(5), 5, int64(10<<30) / 100 * 85 / 100 * 85 / 32, int64(10<<30) / 100 * 85 / 100 * 15},
		{"what the spec says", func(c *v1alpha1.ChatCluster) {
			servers(5)(c)
			c.Spec.History = v1alpha1.HistorySpec{Replicas: pointer(int32(3)), MaxBytes: pointer(resource.MustParse("1Gi"))}
		}, 3, 1 << 30 / 32, int64(10<<30) / 100 * 85 / 100 * 15},
		{"external: one copy, no bound", external, 1, 0, 0},
		{"external: a low bound", func(c *v1alpha1.ChatCluster) {
			external(c)
			c.Spec.History = v1alpha1.HistorySpec{MaxBytes: pointer(resource.MustParse("64Mi"))}
		}, 1, 2 << 20, 40 << 20},
		{"external: what the spec says", func(c *v1alpha1.ChatCluster) {
			external(c)
			c.Spec.History = v1alpha1.HistorySpec{Replicas: pointer(int32(3)), MaxBytes: pointer(resource.MustParse("32Gi"))}
		}, 3, 1 << 30, int64(32<<30) / 85 * 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, settings := Layout(lobby(test.change))
			if settings.Replicas != test.copies || settings.MaxBytes != test.bytes || settings.BucketBytes != test.bucket || settings.MaxAge != 720*time.Hour || l.Shards() != 16 {
				t.Errorf("%d shards with %+v, want %d copies of %d bytes, and %d of buckets", l.Shards(), settings, test.copies, test.bytes, test.bucket)
			}
		})
	}
}

func TestServersLoseNothingByKubernetes(t *testing.T) {
	p := made(t, lobby(servers(3)))
	set := p.statefulSet(t).Spec
	if set.PodManagementPolicy != appsv1.ParallelPodManagement || set.UpdateStrategy.Type != appsv1.OnDeleteStatefulSetStrategyType {
		t.Errorf("managed %s, updated %s", set.PodManagementPolicy, set.UpdateStrategy.Type)
	}
	if kept := set.PersistentVolumeClaimRetentionPolicy; kept.WhenDeleted != appsv1.RetainPersistentVolumeClaimRetentionPolicyType ||
		kept.WhenScaled != appsv1.RetainPersistentVolumeClaimRetentionPolicyType {
		t.Errorf("claims are kept %+v", kept)
	}
	if len(set.VolumeClaimTemplates) != 1 || set.VolumeClaimTemplates[0].OwnerReferences != nil {
		t.Errorf("claims %+v", set.VolumeClaimTemplates)
	}
	pod := set.Template.Spec
	if *pod.TerminationGracePeriodSeconds < lameDuck+30 {
		t.Errorf("a server has %d s to end", *pod.TerminationGracePeriodSeconds)
	}
	apart := pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if len(apart) != 1 || apart[0].TopologyKey != hostKey {
		t.Errorf("servers stand apart %+v", apart)
	}
	if zones := pod.TopologySpreadConstraints; len(zones) != 1 || zones[0].TopologyKey != zoneKey || zones[0].WhenUnsatisfiable != corev1.ScheduleAnyway {
		t.Errorf("zones %+v", zones)
	}
	deleted := made(t, lobby(servers(1), func(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Managed.DeletionPolicy = "Delete" })).statefulSet(t)
	if got := deleted.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted; got != appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		t.Errorf("with deletion policy Delete claims are kept: %s", got)
	}
}

// A budget that allows nothing would block the drain of a host for ever.
func TestBudgetsLetHostsBeDrained(t *testing.T) {
	for _, count := range []int32{1, 3} {
		p := made(t, lobby(servers(count)))
		for _, name := range []string{"lobby-node", "lobby-nats"} {
			budget := the[*policyv1.PodDisruptionBudget](t, p, name).Spec
			if budget.MaxUnavailable.IntValue() != 1 || budget.MinAvailable != nil || *budget.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow {
				t.Errorf("budget %s: %+v", name, budget)
			}
		}
	}
}

// opened lists who may connect to a port, by a name for each kind of peer.
func opened(policy *networkingv1.NetworkPolicy, port int) (from []string) {
	for _, rule := range policy.Spec.Ingress {
		for _, p := range rule.Ports {
			if p.Port.IntValue() != port {
				continue
			}
			if rule.From == nil {
				from = append(from, "anybody")
			}
			for _, peer := range rule.From {
				switch {
				case peer.PodSelector != nil:
					from = append(from, peer.PodSelector.MatchLabels[LabelComponent])
				case len(peer.NamespaceSelector.MatchLabels) == 0:
					from = append(from, "any namespace")
				default:
					from = append(from, peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
				}
			}
		}
	}
	slices.Sort(from)
	return from
}

func TestPoliciesLetInWhoMustComeIn(t *testing.T) {
	ingressOnly := func(c *v1alpha1.ChatCluster) {
		servers(3)(c)
		c.Spec.NetworkPolicy.ClientNamespaces = selectorOfName("ingress-nginx")
	}
	noMonitor := func(c *v1alpha1.ChatCluster) {
		servers(3)(c)
		c.Spec.Monitoring.PodMonitor = v1alpha1.Disabled
	}
	tests := []struct {
		change func(*v1alpha1.ChatCluster)
		policy string
		port   int
		want   []string
	}{
		{servers(3), "lobby-node", clientPort, []string{"anybody"}},
		{ingressOnly, "lobby-node", clientPort, []string{"ingress-nginx"}},
		{servers(3), "lobby-node", nodeAdminPort, []string{"any namespace"}},
		{noMonitor, "lobby-node", nodeAdminPort, []string{"chatfleet-system", ComponentNode}},
		{servers(3), "lobby-nats", natsPort, []string{"chatfleet-system", ComponentNode}},
		{servers(3), "lobby-nats", routePort, []string{ComponentBackbone}},
		{servers(3), "lobby-nats", probePort, nil},
		{servers(3), "lobby-nats", monitorPort, nil},
	}
	for _, test := range tests {
		policy := the[*networkingv1.NetworkPolicy](t, made(t, lobby(test.change)), test.policy)
		if got := opened(policy, test.port); !slices.Equal(got, test.want) {
			t.Errorf("%s port %d: open to %v, want %v", test.policy, test.port, got, test.want)
		}
	}
}
