package chatcluster

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/access"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/controllers/status"
)

// bySecret is the index of ChatClusters by the secrets that their specs name.
const bySecret = "secrets"

// The keys of secrets where the spec gives none.
const (
	keyCredentials = "nats.creds"
	keyJWT         = "secret"
)

// need is a secret that a spec names.
type need struct {
	name string
	// keys that it must have.
	keys []string
	// condition that can't be True without it.
	condition string
	// field of the spec that names it.
	field string
}

// needs are the secrets without which pods don't start, or the operator doesn't reach NATS.
func needs(c *v1alpha1.ChatCluster) []need {
	var all []need
	if e := c.Spec.Backbone.External; e != nil {
		if ref := e.CredentialsSecretRef; ref != nil {
			all = append(all, need{ref.Name, []string{cmp.Or(ref.Key, keyCredentials)}, v1alpha1.ConditionBackboneReady, "spec.backbone.external.credentialsSecretRef"})
		}
		if ref := e.TLSSecretRef; ref != nil {
			all = append(all, need{ref.Name, []string{"ca.crt"}, v1alpha1.ConditionBackboneReady, "spec.backbone.external.tlsSecretRef"})
		}
	}
	if jwt := c.Spec.Auth.JWT; jwt != nil && jwt.SecretRef != nil {
		all = append(all, need{jwt.SecretRef.Name, []string{cmp.Or(jwt.SecretRef.Key, keyJWT)}, v1alpha1.ConditionNodesReady, "spec.auth.jwt.secretRef"})
	}
	if name := c.Spec.Exposure.TLSSecretName; name != "" {
		all = append(all, need{name, []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey}, v1alpha1.ConditionNodesReady, "spec.exposure.tlsSecretName"})
	}
	return all
}

// secretsOf is the index function.
func secretsOf(object client.Object) []string {
	c, ok := object.(*v1alpha1.ChatCluster)
	if !ok {
		return nil
	}
	var names []string
	for _, n := range needs(c) {
		names = append(names, n.name)
	}
	return names
}

// secretNames are all secrets that are read for a ChatCluster.
func secretNames(c *v1alpha1.ChatCluster) []string {
	names := append(secretsOf(c), plan.NamesOf(c).Authority)
	for _, leaf := range plan.Certificates(c) {
		names = append(names, leaf.Name)
	}
	return names
}

// secretChanged has all ChatClusters reconciled that name the secret.
func (r *reconciler) secretChanged(namespace, name string) {
	var list v1alpha1.ChatClusterList
	// The cache is in memory and has been filled before anything is watched in namespaces; it can't fail then.
	if err := r.clusters.List(context.Background(), &list, client.InNamespace(namespace), client.MatchingFields{bySecret: name}); err != nil {
		return
	}
	for i := range list.Items {
		r.enqueue(client.ObjectKeyFromObject(&list.Items[i]))
	}
}

// lacking tells which secrets that the spec names can't be used, and returns the data of those that can, by name.
func (r *reconciler) lacking(ctx context.Context, view *access.View, c *v1alpha1.ChatCluster) (map[string]map[string][]byte, []status.Problem, error) {
	found := map[string]map[string][]byte{}
	var problems []status.Problem
	for _, n := range needs(c) {
		data, there, err := r.secrets.read(ctx, view, types.NamespacedName{Namespace: c.Namespace, Name: n.name}, false)
		if err != nil {
			return nil, nil, err
		}
		if !there {
			problems = append(problems, status.Problem{Condition: n.condition, Reason: v1alpha1.ReasonSecretMissing,
				Message: fmt.Sprintf("secret %s, which %s names, isn't there", n.name, n.field)})
			continue
		}
		var missing []string
		for _, key := range n.keys {
			if len(data[key]) == 0 {
				missing = append(missing, key)
			}
		}
		if missing != nil {
			problems = append(problems, status.Problem{Condition: n.condition, Reason: v1alpha1.ReasonSecretInvalid,
				Message: fmt.Sprintf("secret %s, which %s names, lacks the key %s", n.name, n.field, strings.Join(missing, " and "))})
			continue
		}
		found[n.name] = data
	}
	return found, problems, nil
}

// secrets reads secrets by name, and again only when their version has changed.
type secrets struct {
	client client.Client

	mutex sync.Mutex
	known map[types.NamespacedName]known
}

type known struct {
	version string
	data    map[string][]byte
}

func newSecrets(c client.Client) *secrets {
	return &secrets{client: c, known: map[types.NamespacedName]known{}}
}

// read returns the data, which must not be changed, and whether there is a secret. If sure, the API server is asked also about one that the
// watch doesn't show.
func (s *secrets) read(ctx context.Context, view *access.View, key types.NamespacedName, sure bool) (map[string][]byte, bool, error) {
	version, err := view.SecretVersion(ctx, key.Name)
	if err != nil {
		return nil, false, err
	}
	if version == "" && !sure {
		s.forget(key)
		return nil, false, nil
	}
	s.mutex.Lock()
	last, found := s.known[key]
	s.mutex.Unlock()
	if found && last.version == version {
		return last.data, true, nil
	}
	secret := &corev1.Secret{}
	err = s.client.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		s.forget(key)
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading secret %s: %w", key.Name, err)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known[key] = known{version: secret.ResourceVersion, data: secret.Data}
	return secret.Data, true, nil
}

// forgetAll drops the secrets of a ChatCluster that is gone.
func (s *secrets) forgetAll(namespace string, names []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, name := range names {
		delete(s.known, types.NamespacedName{Namespace: namespace, Name: name})
	}
}

func (s *secrets) forget(key types.NamespacedName) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.known, key)
}
