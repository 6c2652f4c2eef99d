package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// errorWait bounds the time until a fault is told.
const errorWait = 2 * time.Minute

func keyOf(o client.Object) client.ObjectKey { return client.ObjectKeyFromObject(o) }

// makeSecret makes a Secret with one key.
func makeSecret(t *testing.T, namespace, name, key string, value []byte) {
	t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{key: value}}
	if err := theWorld.kube.Create(t.Context(), s); err != nil {
		t.Fatalf("make secret %s: %v", name, err)
	}
}

// newExternal describes a ChatCluster on somebody else's NATS. An empty secret means no credentials.
func newExternal(namespace, name, url, secret string, nodes int32) *v1alpha1.ChatCluster {
	c := newCluster(namespace, name, 1)
	c.Spec.Nodes.Replicas = &nodes
	c.Spec.Backbone.Type, c.Spec.Backbone.Managed = v1alpha1.BackboneExternal, nil
	c.Spec.Backbone.External = &v1alpha1.ExternalBackbone{URLs: []string{url}}
	if secret != "" {
		c.Spec.Backbone.External.CredentialsSecretRef = &v1alpha1.CredentialsReference{Name: secret}
	}
	return c
}

func TestAnExternalBackboneIsUsedOrItsFaultIsTold(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "external")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	nats := startOutside(t, namespace)
	for name, creds := range map[string][]byte{"full": nats.full, "narrow": nats.narrow, "poor": nats.poor, "stranger": nats.stranger, "broken": []byte("nothing of use")} {
		makeSecret(t, namespace, name, "nats.creds", creds)
	}
	kind := v1alpha1.ConditionBackboneReady
	t.Run("cases", func(t *testing.T) {
		for _, c := range []struct {
			name, url, secret string
			reasons           []string
		}{
			{"narrow", nats.url, "narrow", []string{v1alpha1.ReasonPermissionDenied}},
			{"poor", nats.url, "poor", []string{v1alpha1.ReasonNoJetStream}},
			{"stranger", nats.url, "stranger", []string{v1alpha1.ReasonUnauthorized}},
			{"nobody", nats.url, "", []string{v1alpha1.ReasonUnauthorized}},
			{"broken", nats.url, "broken", []string{v1alpha1.ReasonSecretInvalid}},
			{"nowhere", "nats://nowhere." + namespace + ".svc:4222", "full", []string{v1alpha1.ReasonUnreachable}},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				f := create(t, newExternal(namespace, c.name, c.url, c.secret, 0))
				if message := f.waitCondition(t, errorWait, kind, metav1.ConditionFalse, c.reasons...); message == "" {
					t.Error("no message for people")
				}
				if is(f.get(t), v1alpha1.ConditionReady, metav1.ConditionTrue) {
					t.Error("it says Ready")
				}
			})
		}
		t.Run("full", func(t *testing.T) {
			t.Parallel()
			f := create(t, newExternal(namespace, "full", nats.url, "full", 1))
			f.waitExchange(t, readyWait)
			f.waitReady(t, readyWait)
			if s := f.get(t).Status.Backbone; s.Type != v1alpha1.BackboneExternal || !strings.Contains(s.Summary, "External") {
				t.Errorf("%+v", s)
			}
		})
		t.Run("late", func(t *testing.T) {
			t.Parallel()
			f := create(t, newExternal(namespace, "late", nats.url, "late", 1))
			f.waitCondition(t, errorWait, kind, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
			makeSecret(t, namespace, "late", "nats.creds", nats.full)
			f.waitReady(t, readyWait)
			f.waitExchange(t, time.Minute)
		})
	})
}

func TestWhatCannotRunSaysWhy(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "errors")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	for _, c := range []struct {
		name string
		edit func(*v1alpha1.ChatClusterSpec)
		kind string
		want string
	}{
		{"no-class", func(s *v1alpha1.ChatClusterSpec) {
			class := "there-is-no-such-class"
			s.Backbone.Managed.Storage.ClassName = &class
		}, v1alpha1.ConditionBackboneReady, v1alpha1.ReasonVolumeNotBound},
		{"no-image", func(s *v1alpha1.ChatClusterSpec) { s.Image = "chatfleet/chatnode:there-is-no-such-tag" },
			v1alpha1.ConditionNodesReady, v1alpha1.ReasonImageUnavailable},
		{"no-room", func(s *v1alpha1.ChatClusterSpec) {
			s.Nodes.NodeSelector = map[string]string{"example.com/there": "is-none"}
		},
			v1alpha1.ConditionNodesReady, v1alpha1.ReasonUnschedulable},
		{"no-secret", func(s *v1alpha1.ChatClusterSpec) { s.Auth.JWT.SecretRef.Name = "there-is-none" },
			v1alpha1.ConditionNodesReady, v1alpha1.ReasonSecretMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			described := newCluster(namespace, c.name, 1)
			one := int32(1)
			described.Spec.Nodes.Replicas = &one
			c.edit(&described.Spec)
			f := create(t, described)
			f.waitCondition(t, errorWait, c.kind, metav1.ConditionFalse, c.want)
			if !is(f.get(t), v1alpha1.ConditionReady, metav1.ConditionFalse) {
				t.Errorf("Ready is not False: %s", says(f.get(t)))
			}
			f.remove(t)
		})
	}
}

// remove deletes the ChatCluster and waits until it is gone.
func (f fleet) remove(t *testing.T) {
	t.Helper()
	c := f.get(t)
	if err := f.kube.Delete(t.Context(), c); err != nil {
		t.Fatalf("delete %s: %v", f.name, err)
	}
	eventually(t, time.Minute, f.name+" to be gone", func() error {
		err := f.kube.Get(t.Context(), keyOf(c), &v1alpha1.ChatCluster{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there still (%w)", err)
	})
}

// Two names of 63 letters that differ in the last one only, in one namespace.
func TestLongNamesOfOneNamespaceStayApart(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "names")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	start := strings.Repeat("long-name-", 6) + "of"
	one := int32(1)
	var fleets []fleet
	for _, last := range []string{"a", "b"} {
		c := newCluster(namespace, start+last, 1)
		if len(c.Name) != 63 {
			t.Fatal(len(c.Name))
		}
		c.Spec.Nodes.Replicas = &one
		c.Spec.Exposure.Host = last + "." + namespace + ".test"
		fleets = append(fleets, create(t, c))
	}
	for _, f := range fleets {
		f.waitReady(t, readyWait)
		f.waitExchange(t, time.Minute)
	}
	// They share nothing: one goes, the other stays.
	fleets[0].remove(t)
	eventually(t, time.Minute, "its pods to be gone", func() error {
		if n := len(fleets[0].pods(t, "node")); n > 0 {
			return fmt.Errorf("%d are there", n)
		}
		return nil
	})
	if !is(fleets[1].get(t), v1alpha1.ConditionReady, metav1.ConditionTrue) {
		t.Errorf("the other one: %s", says(fleets[1].get(t)))
	}
	if n := len(fleets[1].children(t)); n == 0 {
		t.Error("the other one lost its children")
	}
}

func TestVolumesStayOrGoAsTheDeletionPolicySays(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "deletion")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	claims := func(f fleet) int {
		var list corev1.PersistentVolumeClaimList
		if err := f.kube.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{"chatfleet.dev/cluster": f.name}); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	none := int32(0)
	for _, policy := range []string{"Retain", "Delete"} {
		t.Run(policy, func(t *testing.T) {
			c := newCluster(namespace, strings.ToLower(policy), 1)
			c.Spec.Nodes.Replicas = &none
			c.Spec.Backbone.Managed.DeletionPolicy = policy
			f := create(t, c)
			f.waitCondition(t, readyWait, v1alpha1.ConditionBackboneReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
			if claims(f) != 1 {
				t.Fatalf("%d claims", claims(f))
			}
			f.remove(t)
			eventually(t, time.Minute, "everything but the claims to be gone", func() error {
				if n := len(f.pods(t, "backbone")); n > 0 {
					return fmt.Errorf("%d pods are there", n)
				}
				return nil
			})
			if policy == "Retain" {
				stays(t, 3*time.Second, "the claim", func() error {
					if claims(f) != 1 {
						return fmt.Errorf("%d claims", claims(f))
					}
					return nil
				})
				return
			}
			eventually(t, time.Minute, "the claim to be gone", func() error {
				if n := claims(f); n > 0 {
					return fmt.Errorf("%d claims", n)
				}
				return nil
			})
		})
	}
}
