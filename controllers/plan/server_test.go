package plan

import (
	"slices"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

func TestMain(m *testing.M) { kube.Main(m) }

// warnings are what the API server says besides its answers.
type warnings struct {
	mu  sync.Mutex
	all []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, text)
}

// applied is what a client sends of an object.
func applied(t *testing.T, o Object) *unstructured.Unstructured {
	t.Helper()
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	delete(raw, "status")
	return &unstructured.Unstructured{Object: raw}
}

// A real API server takes every child without an error or a warning, changes nothing when it is sent again, and lets the pods run in a
// namespace that demands restricted ones.
func TestAnAPIServerTakesEveryChild(t *testing.T) {
	server := kube.Start(t)
	said := &warnings{}
	server.Config.WarningHandler = said
	api, err := client.New(server.Config, client.Options{Scheme: kube.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*v1alpha1.ChatCluster){
		"managed": func(c *v1alpha1.ChatCluster) {
			servers(3)(c)
			everything(c)
			chatting(c)
			speaking(c)
			c.Spec.Exposure.TLSSecretName = "own"
			c.Spec.TLS = v1alpha1.TLSSpec{}
		},
		"external": external, "default": func(*v1alpha1.ChatCluster) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := lobby(change)
			c.ObjectMeta = metav1.ObjectMeta{Namespace: server.NewNamespace(t), Name: "lobby"}
			if err := api.Create(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			p := must(Make(Inputs{Cluster: c, Observed: Observed{OperatorNamespace: "chatfleet-system"}, Defaults: release()}))
			for _, o := range p.Objects {
				first := applied(t, o)
				if err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(first), client.FieldOwner("chat-operator")); err != nil {
					t.Errorf("%s: %v", first.GetKind(), err)
					continue
				}
				again := applied(t, o)
				if err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(again), client.FieldOwner("chat-operator")); err != nil {
					t.Errorf("%s again: %v", first.GetKind(), err)
				}
				if first.GetResourceVersion() == "" || first.GetResourceVersion() != again.GetResourceVersion() {
					t.Errorf("%s changes when nothing has changed", first.GetKind())
				}
			}
			for kind, template := range pods(t, p) {
				pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
				pod.Namespace, pod.Name = c.Namespace, "try-"+kind
				// A StatefulSet's controller adds the volumes of its claims.
				for _, mount := range pod.Spec.Containers[0].VolumeMounts {
					if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) {
						claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: mount.Name + "-lobby-nats-0"}
						pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
							Name: mount.Name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim},
						})
					}
				}
				if err := api.Create(t.Context(), pod); err != nil {
					t.Errorf("pod of %s: %v", kind, err)
				}
			}
		})
	}
	if len(said.all) > 0 {
		t.Errorf("the API server warns: %q", said.all)
	}
}

// What the API server writes for an empty spec is what plan takes for the defaults.
func TestDefaultsAreThoseOfTheSchema(t *testing.T) {
	server := kube.Start(t)
	stored := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace, Name: "lobby"}}
	if err := server.Client.Create(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	bare := &v1alpha1.ChatCluster{ObjectMeta: stored.ObjectMeta}
	a, b := made(t, stored), made(t, bare)
	if a.NodeTemplateHash != b.NodeTemplateHash || a.BackboneTemplateHash != b.BackboneTemplateHash {
		t.Error("an empty spec gives other pods than the one that the API server makes of it")
	}
	for i, o := range a.Objects {
		if x, y := applied(t, o), applied(t, b.Objects[i]); !equal(t, x, y) {
			t.Errorf("%s %s differs", x.GetKind(), x.GetName())
		}
	}
}

func equal(t *testing.T, a, b *unstructured.Unstructured) bool {
	t.Helper()
	x, errX := a.MarshalJSON()
	y, errY := b.MarshalJSON()
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	return string(x) == string(y)
}
