package kube

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Cluster is the API server as one test sees it.
type Cluster struct {
	// Config is that of an administrator, with a client-side rate limit too high to be felt. It is the test's own.
	Config *rest.Config
	// Client reads from the server itself, nothing cached; its scheme is Scheme.
	Client client.Client
	// Namespace is the test's own. It demands restricted pods.
	Namespace string
}

// Scheme has the types of Kubernetes and those of chatfleet. It must not be changed.
var Scheme = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgo.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}()

// Start returns the API server of this process, with a new namespace for this test. Tests may share it and run in parallel. Under -short
// the test is skipped.
func Start(tb testing.TB) *Cluster {
	tb.Helper()
	if !announced {
		tb.Fatal("kube.Start without kube.Main in TestMain: nobody would stop the API server")
	}
	if testing.Short() {
		tb.Skip("needs a Kubernetes API server; make test runs it")
	}
	if err := shared.start(); err != nil {
		tb.Fatal(err)
	}
	config := rest.CopyConfig(shared.admin)
	api, err := client.New(config, client.Options{Scheme: Scheme})
	if err != nil {
		tb.Fatalf("make a client: %v", err)
	}
	c := &Cluster{Config: config, Client: api}
	c.Namespace = c.NewNamespace(tb)
	return c
}

// namespaces numbers the namespaces of this process.
var namespaces atomic.Int64

// NewNamespace makes one more namespace that no other test has. It demands restricted pods.
func (c *Cluster) NewNamespace(tb testing.TB) string {
	tb.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        fmt.Sprintf("test-%d-%d", os.Getpid(), namespaces.Add(1)),
		Labels:      map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		Annotations: map[string]string{"chatfleet.dev/test": tb.Name()},
	}}
	if err := c.Client.Create(tb.Context(), namespace); err != nil {
		tb.Fatalf("make a namespace: %v", err)
	}
	return namespace.Name
}

// User returns the configuration of somebody with these groups and no other rights than RBAC gives. A name such as
// system:serviceaccount:NAMESPACE:NAME stands for a service account.
func (c *Cluster) User(tb testing.TB, name string, groups ...string) *rest.Config {
	tb.Helper()
	if rest, is := strings.CutPrefix(name, "system:serviceaccount:"); is {
		namespace, _, _ := strings.Cut(rest, ":")
		groups = append(groups, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	// The rate limit of the administrator's own.
	user, err := shared.users.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: c.Config.QPS, Burst: c.Config.Burst})
	if err != nil {
		tb.Fatalf("make the user %s: %v", name, err)
	}
	return user.Config()
}
