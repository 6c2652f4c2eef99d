package chatcluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/pki"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

var kindSecret = schema.GroupKind{Kind: "Secret"}

// certify issues and renews certificates, and marks their secrets as planned. Those of an issuer of cert-manager are left to it.
func (w *work) certify(ctx context.Context, planned map[apply.Child]bool) error {
	names := plan.NamesOf(w.c)
	var wanted []pki.Wanted
	order := []string{names.Authority}
	for _, leaf := range plan.Certificates(w.c) {
		wanted = append(wanted, pki.Wanted(leaf))
		order = append(order, leaf.Name)
	}
	for _, name := range order {
		planned[apply.Child{Kind: kindSecret, Name: name}] = true
	}
	if w.c.Spec.TLS.IssuerRef != nil {
		return nil
	}
	have := map[string]map[string][]byte{}
	for _, name := range order {
		data, found, err := w.secrets.read(ctx, w.view, types.NamespacedName{Namespace: w.c.Namespace, Name: name}, true)
		if err != nil {
			return err
		}
		if found {
			have[name] = data
		}
	}
	now := w.now()
	issued, err := pki.Issue(names.Authority, wanted, have, now)
	if err != nil {
		return w.tolerate(fmt.Errorf("issuing certificates: %w", err))
	}
	maps.Copy(have, issued.Secrets)
	var failed error
	var written []string
	for _, name := range order {
		changed, err := w.applier.Apply(ctx, w.owner, w.view, w.secret(name, have[name]), nil)
		failed = errors.Join(failed, w.tolerate(err))
		if err != nil && name == names.Authority {
			return failed // leafs of an authority that nobody can look up are of no use
		}
		if _, is := issued.Secrets[name]; is && changed {
			written = append(written, name)
		}
	}
	if len(written) > 0 {
		w.say(corev1.EventTypeNormal, "CertificatesIssued", "Issue", "issued certificates: "+strings.Join(written, ", "))
	}
	w.metrics.certificates(w.key, issued.ExpiresAt)
	w.lookAgain(issued.RenewAt.Sub(now))
	return failed
}

// secret is a child with a certificate in it.
func (w *work) secret(name string, data map[string][]byte) *corev1.Secret {
	controller := true
	s := &corev1.Secret{Type: corev1.SecretTypeTLS, Data: data}
	s.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	s.Namespace, s.Name = w.c.Namespace, name
	s.Labels = plan.Labels(w.c, componentOf(name, plan.NamesOf(w.c)))
	s.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "chatfleet.dev/v1alpha1", Kind: "ChatCluster", Name: w.c.Name, UID: w.c.UID, Controller: &controller,
	}}
	return s
}

func componentOf(name string, names plan.Names) string {
	if name == names.NodeTLS {
		return plan.ComponentNode
	}
	return plan.ComponentBackbone
}

// tls is what a certificate's secret holds, nil if it isn't there yet.
func (w *work) tls(ctx context.Context, name string) (*backbone.TLS, error) {
	data, found, err := w.secrets.read(ctx, w.view, types.NamespacedName{Namespace: w.c.Namespace, Name: name}, false)
	if err != nil || !found {
		return nil, err
	}
	return &backbone.TLS{CA: data[pki.KeyAuthorities], Cert: data[pki.KeyCert], Key: data[pki.KeyPrivate]}, nil
}

// target is the backbone as it should be. It isn't ready while a secret for it is missing.
func (w *work) target(ctx context.Context, named map[string]map[string][]byte) (backbone.Target, bool, error) {
	t := backbone.Target{Owner: w.key.String(), URLs: plan.BackboneURLs(w.c)}
	t.Layout, t.Settings = plan.Layout(w.c)
	if e := w.c.Spec.Backbone.External; e != nil {
		if ref := e.CredentialsSecretRef; ref != nil {
			t.Credentials = named[ref.Name][cmp.Or(ref.Key, keyCredentials)]
			if t.Credentials == nil {
				return t, false, nil
			}
		}
		if ref := e.TLSSecretRef; ref != nil {
			data := named[ref.Name]
			if data == nil {
				return t, false, nil
			}
			t.TLS = &backbone.TLS{CA: data["ca.crt"], Cert: data[corev1.TLSCertKey], Key: data[corev1.TLSPrivateKeyKey]}
		}
		return t, true, nil
	}
	t.Managed, t.Servers = true, 1
	if m := w.c.Spec.Backbone.Managed; m != nil {
		t.Servers = int(cmp.Or(m.Replicas, 1))
	}
	var err error
	t.TLS, err = w.tls(ctx, plan.NamesOf(w.c).OperatorTLS)
	if err == nil && t.Servers > 1 {
		t.System, err = w.tls(ctx, plan.NamesOf(w.c).SystemTLS)
	}
	return t, t.TLS != nil, err
}
