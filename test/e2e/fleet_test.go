package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// readyWait bounds the start of a fleet whose images are there.
const readyWait = 3 * time.Minute

// fleet is a ChatCluster of a test.
type fleet struct {
	chat
	kube client.WithWatch
}

// newCluster describes a small ChatCluster for users with tokens: two nodes, some shards, and what a test needs to be quick.
func newCluster(namespace, name string, servers int32) *v1alpha1.ChatCluster {
	replicas := int32(2)
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	c.Spec.Nodes.Replicas = &replicas
	c.Spec.Nodes.Resources = requests("20m", "64Mi")
	// A crowd that comes back at once is no abuse.
	c.Spec.Nodes.Env = []v1alpha1.EnvVar{{Name: "CHATNODE_MESSAGES_PER_SECOND", Value: "0"}}
	c.Spec.Drain.Period = &metav1.Duration{Duration: 3 * time.Second}
	c.Spec.Backbone.Type = v1alpha1.BackboneManaged
	c.Spec.Backbone.Shards = 2
	c.Spec.Backbone.Managed = &v1alpha1.ManagedBackbone{
		Replicas: servers, Resources: requests("50m", "256Mi"), DeletionPolicy: "Delete",
		Storage: v1alpha1.StorageSpec{Size: resource.MustParse("512Mi")},
	}
	if class := fromEnvironment("E2E_CLASS", ""); class != "" {
		c.Spec.Backbone.Managed.Storage.ClassName = &class
	}
	c.Spec.Auth.JWT = &v1alpha1.JWTSpec{SecretRef: &v1alpha1.JWTSecretReference{Name: tokenSecretName}}
	c.Spec.Exposure.Host = name + "." + namespace + ".test"
	// A node that has lost its power answers nothing: the ingress is to turn to another one soon.
	c.Spec.Exposure.Ingress = &v1alpha1.IngressSpec{Annotations: map[string]string{"nginx.ingress.kubernetes.io/proxy-connect-timeout": "1"}}
	return c
}

// requests are limits too, for memory.
func requests(cpu, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

// create makes a ChatCluster, whose clients have tokens.
func create(t *testing.T, c *v1alpha1.ChatCluster) fleet {
	t.Helper()
	if err := unlessKept(theWorld.kube.Create(t.Context(), c)); err != nil {
		t.Fatalf("create ChatCluster %s/%s: %v", c.Namespace, c.Name, err)
	}
	return fleet{
		chat: chat{namespace: c.Namespace, name: c.Name, host: c.Spec.Exposure.Host, secret: tokenSecret, prefix: "room:"},
		kube: theWorld.kube,
	}
}

// shared is a fleet that several tests use, made by the first of them.
type shared struct {
	once  sync.Once
	fleet fleet
	made  bool
}

var solo, trio shared

// needSolo is a running fleet on one NATS server.
func needSolo(t *testing.T) fleet { return solo.need(t, "solo", 1) }

// needTrio is a running fleet on three NATS servers.
func needTrio(t *testing.T) fleet { return trio.need(t, "trio", 3) }

func (s *shared) need(t *testing.T, name string, servers int32) fleet {
	t.Helper()
	needOperator(t)
	mine := false
	s.once.Do(func() {
		mine = true
		namespace := newNamespace(t, name)
		makeTokenSecret(t, namespace, tokenSecret)
		began := time.Now()
		s.fleet = create(t, newCluster(namespace, name, servers))
		s.fleet.waitExchange(t, readyWait)
		seconds(t, fmt.Sprintf("apply_to_first_message_r%d", servers), began)
		s.made = true
	})
	if !s.made {
		t.Fatalf("the fleet %s, which this test shares, does not work", name)
	}
	if !mine {
		watchOver(t, s.fleet.namespace)
	}
	s.fleet.waitReady(t, readyWait)
	return s.fleet
}

// get reads the ChatCluster.
func (f fleet) get(t *testing.T) *v1alpha1.ChatCluster {
	t.Helper()
	var c v1alpha1.ChatCluster
	if err := f.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: f.name}, &c); err != nil {
		t.Fatalf("read ChatCluster %s/%s: %v", f.namespace, f.name, err)
	}
	return &c
}

// change edits the spec, as a user does.
func (f fleet) change(t *testing.T, edit func(*v1alpha1.ChatClusterSpec)) {
	t.Helper()
	was := f.get(t)
	is := was.DeepCopy()
	edit(&is.Spec)
	if err := f.kube.Patch(t.Context(), is, client.MergeFrom(was), client.FieldOwner("e2e")); err != nil {
		t.Fatalf("change ChatCluster %s/%s: %v", f.namespace, f.name, err)
	}
}

// waitReady returns when the status says that all is as the present spec wants it.
func (f fleet) waitReady(t *testing.T, patience time.Duration) {
	t.Helper()
	eventually(t, patience, f.name+" to be ready and at rest", func() error {
		c := f.get(t)
		if c.Status.ObservedGeneration == c.Generation && is(c, v1alpha1.ConditionReady, metav1.ConditionTrue) &&
			is(c, v1alpha1.ConditionBackboneReady, metav1.ConditionTrue) && is(c, v1alpha1.ConditionNodesReady, metav1.ConditionTrue) &&
			is(c, v1alpha1.ConditionProgressing, metav1.ConditionFalse) && !is(c, v1alpha1.ConditionDegraded, metav1.ConditionTrue) {
			return nil
		}
		return fmt.Errorf("generation %d: %s", c.Generation, says(c))
	})
}

// waitCondition returns when a condition of that type has the status and one of the reasons, and gives its message.
func (f fleet) waitCondition(t *testing.T, patience time.Duration, kind string, status metav1.ConditionStatus, reasons ...string) (message string) {
	t.Helper()
	what := fmt.Sprintf("%s to say %s=%s %v", f.name, kind, status, reasons)
	eventually(t, patience, what, func() error {
		c := f.get(t)
		found := meta.FindStatusCondition(c.Status.Conditions, kind)
		if found == nil || found.Status != status {
			return fmt.Errorf("it says %s", says(c))
		}
		for _, reason := range reasons {
			if found.Reason == reason {
				message = found.Message
				return nil
			}
		}
		return fmt.Errorf("it says %s", says(c))
	})
	t.Logf("%s=%s: %s", kind, status, message)
	return message
}

func is(c *v1alpha1.ChatCluster, kind string, status metav1.ConditionStatus) bool {
	return meta.IsStatusConditionPresentAndEqual(c.Status.Conditions, kind, status)
}

// says is the status in one line.
func says(c *v1alpha1.ChatCluster) string {
	parts := []string{fmt.Sprintf("observed %d, %s", c.Status.ObservedGeneration, c.Status.Phase)}
	for _, k := range c.Status.Conditions {
		parts = append(parts, fmt.Sprintf("%s=%s/%s (%s)", k.Type, k.Status, k.Reason, k.Message))
	}
	return strings.Join(parts, "; ")
}

// pods are those of one component, node or backbone, that are not being deleted.
func (f fleet) pods(t *testing.T, component string) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	err := f.kube.List(t.Context(), &list, client.InNamespace(f.namespace), client.MatchingLabels{
		"chatfleet.dev/cluster": f.name, "app.kubernetes.io/component": component,
	})
	if err != nil {
		t.Fatalf("list the pods of %s: %v", f.name, err)
	}
	var there []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			there = append(there, p)
		}
	}
	return there
}

// starts identifies what runs: by container of each pod, how often it was started.
func (f fleet) starts(t *testing.T) map[string]int32 {
	t.Helper()
	starts := map[string]int32{}
	for _, component := range []string{"node", "backbone"} {
		for _, p := range f.pods(t, component) {
			for _, s := range p.Status.ContainerStatuses {
				starts[fmt.Sprintf("%s/%s %s", p.Name, s.Name, p.UID)] = s.RestartCount
			}
		}
	}
	return starts
}
