package chatcluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

// secret makes one, or changes it.
func (f *fleet) secret(name string, data map[string]string) {
	f.t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: name}, StringData: data}
	err := f.Client.Update(f.t.Context(), s)
	if err != nil {
		err = f.Client.Create(f.t.Context(), s)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestASecretOfTheSpecIsWaitedForAndFollowed(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), func(c *v1alpha1.ChatCluster) {
		c.Spec.Backbone.External.CredentialsSecretRef = &v1alpha1.CredentialsReference{Name: "creds"}
		c.Spec.Auth.JWT = &v1alpha1.JWTSpec{SecretRef: &v1alpha1.JWTSecretReference{Name: "jwt"}}
	})
	said := f.condition("lobby", v1alpha1.ConditionBackboneReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	if !strings.Contains(said, "creds") || !strings.Contains(said, "credentialsSecretRef") {
		t.Errorf("it doesn't say what is missing: %s", said)
	}
	f.condition("lobby", v1alpha1.ConditionNodesReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)

	f.secret("jwt", map[string]string{"other": "x"})
	said = f.condition("lobby", v1alpha1.ConditionNodesReady, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if !strings.Contains(said, "lacks the key secret") {
		t.Errorf("it doesn't say which key is missing: %s", said)
	}
	start := time.Now()
	f.secret("jwt", map[string]string{"secret": strings.Repeat("x", 32)})
	f.condition("lobby", v1alpha1.ConditionNodesReady, metav1.ConditionFalse, v1alpha1.ReasonStarting)
	t.Logf("a changed secret was seen within %v", time.Since(start).Round(time.Millisecond))

	f.secret("creds", map[string]string{"nats.creds": "nonsense"})
	said = f.condition("lobby", v1alpha1.ConditionBackboneReady, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid)
	if strings.Contains(said, "nonsense") {
		t.Errorf("it shows a secret: %s", said)
	}
}

func TestARotatedSecretRestartsNothing(t *testing.T) {
	f := newFleet(t)
	f.secret("jwt", map[string]string{"secret": strings.Repeat("x", 32)})
	f.external("lobby", unreachable, func(c *v1alpha1.ChatCluster) {
		c.Spec.Auth.JWT = &v1alpha1.JWTSpec{SecretRef: &v1alpha1.JWTSecretReference{Name: "jwt"}}
	})
	before := f.settled("lobby")["Deployment lobby-node"]
	reconciles := f.reconciles()
	f.secret("jwt", map[string]string{"secret": strings.Repeat("y", 32)})
	kube.Wait(t, "a reconcile", func(context.Context) error { return f.reconciledSince(reconciles) })
	after := f.settled("lobby")["Deployment lobby-node"]
	if before.Generation != after.Generation || before.UID != after.UID {
		t.Errorf("the Deployment was changed: generation %d became %d", before.Generation, after.Generation)
	}
}

func TestALostOrForgedCertificateIsIssuedAgain(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, nil)
	f.settled("lobby")
	ctx := t.Context()
	read := func(name string) *corev1.Secret {
		t.Helper()
		s := &corev1.Secret{}
		if err := f.Client.Get(ctx, f.key(name), s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	authority, leaf := read("lobby-ca"), read("lobby-node-tls")
	forged := leaf.DeepCopy()
	forged.Data["tls.crt"] = []byte("forged")
	if err := f.Client.Update(ctx, forged); err != nil {
		t.Fatal(err)
	}
	kube.Wait(t, "another certificate", func(context.Context) error {
		if now := read("lobby-node-tls"); string(now.Data["tls.crt"]) == "forged" || string(now.Data["ca.crt"]) != string(leaf.Data["ca.crt"]) {
			return fmt.Errorf("it is %s", now.Data["tls.crt"])
		}
		return nil
	})
	if now := read("lobby-ca"); now.ResourceVersion != authority.ResourceVersion {
		t.Error("the authority was changed for a leaf")
	}
}

func TestASecretOfSomebodyElseIsNotTakenForACertificate(t *testing.T) {
	f := newFleet(t)
	f.secret("lobby-node-tls", map[string]string{"theirs": "kept"})
	f.external("lobby", unreachable, nil)
	f.condition("lobby", v1alpha1.ConditionProgressing, metav1.ConditionFalse, v1alpha1.ReasonNameTaken)
	f.settled("lobby")
	for name, want := range map[string]bool{"lobby-ca": true, "lobby-operator-tls": true, "lobby-node-tls": false} {
		s := &corev1.Secret{}
		if err := f.Client.Get(t.Context(), f.key(name), s); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Data["tls.crt"]) > 0; got != want || !want && string(s.Data["theirs"]) != "kept" {
			t.Errorf("secret %s holds a certificate: %v, want %v", name, got, want)
		}
	}
}
