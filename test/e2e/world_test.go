package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

const (
	operatorNamespace = "chatfleet-system"
	operatorRelease   = "chatfleet-operator"
	operatorName      = "chatfleet-operator"
	operatorChart     = "charts/chatfleet-operator"
	// defaultImages are those that `make images` builds.
	defaultImages = "image.tag=dev"
)

// world is what all tests share: the cluster, and one operator in it.
type world struct {
	open    sync.Once
	kube    client.WithWatch
	openErr error

	install   sync.Once
	installed time.Time // when helm was called; zero if the operator was there
	installEr error

	mu         sync.Mutex
	namespaces []string // made by tests and not deleted yet
}

var theWorld world

// needCluster skips the test if there is no cluster.
func needCluster(t *testing.T) client.WithWatch {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip(noCluster)
	}
	w := &theWorld
	w.open.Do(func() { w.openErr = w.connect() })
	if w.openErr != nil {
		t.Fatal(w.openErr)
	}
	return w.kube
}

func (w *world) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("read KUBECONFIG: %w", err)
	}
	config.QPS, config.Burst, config.Timeout = 200, 400, time.Minute
	if err := v1alpha1.AddToScheme(clientgoscheme.Scheme); err != nil {
		return fmt.Errorf("know ChatClusters: %w", err)
	}
	if w.kube, err = client.NewWithWatch(config, client.Options{Scheme: clientgoscheme.Scheme}); err != nil {
		return fmt.Errorf("reach the cluster: %w", err)
	}
	return nil
}

// needOperator installs the operator if no test has yet.
func needOperator(t *testing.T) client.WithWatch {
	t.Helper()
	kube := needCluster(t)
	w := &theWorld
	w.install.Do(func() { w.installEr = w.installOperator(t.Context()) })
	if w.installEr != nil {
		dump(t, operatorNamespace)
		t.Fatal(w.installEr)
	}
	return kube
}

// installOperator does what the README says. It waits for nothing but helm: applying a ChatCluster must work at once.
func (w *world) installOperator(ctx context.Context) error {
	w.installed = time.Now()
	_, err := run(ctx, "helm", "upgrade", "--install", operatorRelease, operatorChart, "--namespace", operatorNamespace, "--create-namespace",
		"--set", fromEnvironment("E2E_HELM_SET", defaultImages))
	return err
}

// close removes what the tests made, unless E2E_KEEP is set.
func (w *world) close() error {
	if w.kube == nil || os.Getenv("E2E_KEEP") != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	w.mu.Lock()
	namespaces := w.namespaces
	w.mu.Unlock()
	var errs []error
	for _, ns := range namespaces {
		errs = append(errs, w.deleteNamespace(ctx, ns))
	}
	for _, ns := range namespaces {
		errs = append(errs, await(ctx, func() error { return w.gone(ctx, ns) }))
	}
	if !w.installed.IsZero() {
		_, err := run(ctx, "helm", "uninstall", operatorRelease, "--namespace", operatorNamespace, "--wait")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (w *world) deleteNamespace(ctx context.Context, name string) error {
	err := w.kube.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err = client.IgnoreNotFound(err); err != nil {
		return fmt.Errorf("delete namespace %s: %w", name, err)
	}
	return nil
}

func (w *world) gone(ctx context.Context, namespace string) error {
	var ns corev1.Namespace
	err := w.kube.Get(ctx, client.ObjectKey{Name: namespace}, &ns)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("namespace %s is still there: %+v", namespace, ns.Status.Conditions)
	}
	return err
}

// newNamespace makes the namespace of a test, in which restricted pods alone may run. When the test fails, what happened in it is kept.
func newNamespace(t *testing.T, name string) string {
	t.Helper()
	needCluster(t)
	name = "e2e-" + name
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
	}}}
	eventually(t, 2*time.Minute, "namespace "+name, func() error {
		err := unlessKept(theWorld.kube.Create(t.Context(), ns.DeepCopy()))
		if apierrors.IsAlreadyExists(err) { // left by a run that was cut off
			return errors.Join(err, theWorld.deleteNamespace(t.Context(), name))
		}
		return err
	})
	theWorld.mu.Lock()
	theWorld.namespaces = append(theWorld.namespaces, name)
	theWorld.mu.Unlock()
	watchOver(t, name)
	return name
}

// unlessKept leaves out that something is there already, if a former run was told to keep it.
func unlessKept(err error) error {
	if os.Getenv("E2E_KEEP") != "" && apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// watchOver dumps the namespaces if the test fails.
func watchOver(t *testing.T, namespaces ...string) {
	t.Cleanup(func() {
		if t.Failed() {
			dump(t, append(namespaces, operatorNamespace)...)
		}
	})
}

// drop deletes the namespace of a test that has ended well, so that the next one has room.
func drop(t *testing.T, namespace string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() || os.Getenv("E2E_KEEP") != "" {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := theWorld.deleteNamespace(ctx, namespace); err != nil {
			t.Error(err)
		}
	})
}

// testName is the test's, as a file.
func testName(t *testing.T) string { return strings.NewReplacer("/", "_", " ", "_").Replace(t.Name()) }
