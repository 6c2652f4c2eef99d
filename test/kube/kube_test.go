package kube

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestMain(m *testing.M) { Main(m) }

func TestAChatClusterIsStoredWithItsDefaults(t *testing.T) {
	c := Start(t)
	lobby := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "lobby"}}
	if err := c.Client.Create(t.Context(), lobby); err != nil {
		t.Fatal(err)
	}
	if lobby.Spec.Backbone.Shards == 0 {
		t.Errorf("no defaults in %+v", lobby.Spec)
	}
}

func TestAUserHasTheRightsThatRBACGives(t *testing.T) {
	c := Start(t)
	user, err := client.New(c.User(t, "system:serviceaccount:"+c.Namespace+":operator"), client.Options{Scheme: Scheme})
	if err != nil {
		t.Fatal(err)
	}
	err = user.List(t.Context(), &corev1.PodList{}, client.InNamespace(c.Namespace))
	if !apierrors.IsForbidden(err) {
		t.Errorf("a service account without a role lists pods: %v", err)
	}
}
