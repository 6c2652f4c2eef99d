package v1alpha1_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

// defaults is what becomes of an empty spec. Two defaults depend on other fields, which no schema can say: nodes.replicas (2, if the
// autoscaler doesn't own it) and backbone.managed.durability (by replicas; the status says which).
const defaults = `
nodes:
  resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 512Mi}}
drain: {period: 2m, reconnectsPerSecond: 500}
backbone:
  type: Managed
  shards: 16
  managed:
    replicas: 1
    storage: {size: 10Gi}
    resources: {requests: {cpu: 250m, memory: 512Mi}, limits: {memory: 512Mi}}
    deletionPolicy: Retain
history: {maxAge: 720h}
auth: {anonymous: false}
rooms: {explicit: false}
search: {engine: Embedded, size: 1Gi}
exposure: {service: {type: ClusterIP}}
monitoring: {podMonitor: Auto, rules: Auto, dashboard: Auto}
networkPolicy: {enabled: true}
tls: {}
operatorUpgrade: OnSpecChange
paused: false
`

func TestDefaultsAreShown(t *testing.T) {
	c := kube.Start(t)
	for _, test := range []struct {
		name, spec, want string
	}{
		{"an empty spec", `{}`, defaults},
		{"empty objects", `{nodes: {}, drain: {}, backbone: {managed: {}}, exposure: {service: {}}, tls: {}}`, defaults},
		{"an external backbone has nothing managed",
			`{backbone: {type: External, external: {urls: ["nats://nats:4222"], credentialsSecretRef: {name: nats}}}}`,
			`backbone: {type: External, shards: 16, external: {urls: ["nats://nats:4222"], credentialsSecretRef: {name: nats, key: nats.creds}}}`},
		{"resources are replaced as a whole", `{nodes: {resources: {limits: {cpu: 2}}}}`, `nodes: {resources: {limits: {cpu: 2}}}`},
		{"autoscaling", `{autoscaling: {maxReplicas: 9}}`, `autoscaling: {minReplicas: 2, maxReplicas: 9, cpuUtilization: 70}`},
		{"tokens", `{auth: {jwt: {secretRef: {name: tokens}}}}`, `auth: {anonymous: false, jwt: {secretRef: {name: tokens, key: secret}}}`},
		{"keys of servers", `{auth: {serverKeysSecretRef: {name: servers}}}`,
			`auth: {anonymous: false, serverKeysSecretRef: {name: servers, key: server-keys}}`},
		{"programs to tell and to ask", `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://a"}, moderation: {url: "https://b"}}}`,
			`hooks: {secretRef: {name: hooks, key: secret},
				webhook: {url: "https://a", form: Chatfleet, events: [message, edit, delete, reaction, member, room], timeout: 5s, giveUp: 1h},
				moderation: {url: "https://b", timeout: 1s, failurePolicy: Refuse}}`},
		{"clients of heimdallr", `{protocols: {heimdallr: {}}}`, `protocols: {heimdallr: {tls: false, app: default, port: 8000, admin: false}}`},
		{"clients of distributed-chat", `{protocols: {pull: {}}}`, `protocols: {pull: {tls: false, app: default, port: 8081, dialect: default}}`},
		{"clients of cHaTTP", `{protocols: {push: {}}}`, `protocols: {push: {tls: false, app: default, port: 8082, shape: Cpp, closed: false, concurrency: First, interval: false}}`},
		{"clients of CppComet", `{protocols: {comet: {passwordSecretRef: {name: a}}}}`,
			`protocols: {comet: {tls: false, app: default, port: 8087, sqlPort: 3307, passwordSecretRef: {name: a, key: password}}}`},
		{"clients of chat21", `{protocols: {mqtt: {secretRef: {name: a}}}}`,
			`protocols: {mqtt: {tls: false, port: 1883, httpPort: 15675, secretRef: {name: a, key: secret}}}`},
		{"an issuer", `{tls: {issuerRef: {name: ours}}}`, `tls: {issuerRef: {name: ours, kind: Issuer}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := cluster(t, c.Namespace, "", test.spec)
			object.SetGenerateName("defaults-")
			if err := c.Client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			got := object.Object["spec"].(map[string]any)
			want := parse(t, defaults)
			for field, value := range parse(t, test.want) {
				want[field] = value
			}
			if text := show(t, got); text != show(t, want) {
				t.Errorf("the server shows\n%s\nwant\n%s", text, show(t, want))
			}
		})
	}
}

func TestAChatClusterWithoutASpecIsAnEmptyOne(t *testing.T) {
	c := kube.Start(t)
	object := cluster(t, c.Namespace, "bare", "")
	if err := c.Client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if got, want := show(t, object.Object["spec"]), show(t, parse(t, defaults)); got != want {
		t.Errorf("the server shows\n%s\nwant\n%s", got, want)
	}
}

// What a Go program leaves out must not be sent as zero: a history of 0s is one for ever.
func TestAGoClientLeavesDefaultsToTheServer(t *testing.T) {
	c := kube.Start(t)
	typed := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "typed"}}
	if err := c.Client.Create(t.Context(), typed); err != nil {
		t.Fatal(err)
	}
	object := stored(t, c, "typed")
	if got, want := show(t, object.Object["spec"]), show(t, parse(t, defaults)); got != want {
		t.Errorf("the server shows\n%s\nwant\n%s", got, want)
	}
}

// What a Go program read and writes back must stay as it was, above all where zero differs from the default.
func TestAGoClientWritesBackWhatItRead(t *testing.T) {
	c := kube.Start(t)
	for name, spec := range map[string]string{
		"defaults": `{}`,
		"zeros": `{nodes: {replicas: 0, env: [{name: EMPTY, value: ""}]}, drain: {period: 0s}, history: {maxAge: 0s}, networkPolicy: {enabled: false, clientNamespaces: {}},
			backbone: {managed: {storage: {className: ""}}}, exposure: {host: chat.example, ingress: {}}}`,
		"much": `{image: a/b:1, imagePullSecrets: [{name: x}], nodes: {resources: {limits: {cpu: 1500m}}, tolerations: [{operator: Exists}]},
			autoscaling: {maxReplicas: 5, scaleDown: {stabilizationWindowSeconds: 0}}, backbone: {type: External, shards: 1, external: {urls: ["nats://a:1"], prefix: p}},
			history: {maxAge: 90m, maxBytes: 1000Mi, replicas: 5}, auth: {anonymous: true}, rooms: {explicit: true}, appLimits: [{app: "*", rooms: 0}, {app: shop, connections: 5}],
			hooks: {secretRef: {name: h}, webhook: {url: "https://a", events: [edit], giveUp: 36h}}, protocols: {heimdallr: {clientNamespaces: {}}, pull: {clientNamespaces: {}}, push: {clientNamespaces: {}}}, tls: {issuerRef: {name: i}}, paused: true}`,
	} {
		t.Run(name, func(t *testing.T) {
			written := cluster(t, c.Namespace, "back-"+name, spec)
			if err := c.Client.Create(t.Context(), written); err != nil {
				t.Fatal(err)
			}
			before, after := &v1alpha1.ChatCluster{}, &v1alpha1.ChatCluster{}
			if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(written), before); err != nil {
				t.Fatal(err)
			}
			if err := c.Client.Update(t.Context(), before.DeepCopy()); err != nil {
				t.Fatal(err)
			}
			if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(written), after); err != nil {
				t.Fatal(err)
			}
			// A duration may be spelled anew: 720h becomes 720h0m0s.
			if !equality.Semantic.DeepEqual(after.Spec, before.Spec) {
				t.Errorf("an update that changes nothing made\n%s\nof\n%s", show(t, after.Spec), show(t, before.Spec))
			}
		})
	}
}

// stored reads a ChatCluster of this test as it is, without the Go types.
func stored(t *testing.T, c *kube.Cluster, name string) *unstructured.Unstructured {
	t.Helper()
	object := cluster(t, c.Namespace, name, "")
	if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	return object
}

func show(t *testing.T, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
