package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

// beOperator in the environment makes the test binary the operator.
const beOperator = "TEST_BE_OPERATOR"

func TestMain(m *testing.M) {
	if os.Getenv(beOperator) != "" {
		main()
		return
	}
	kube.Main(m)
}

// kubeconfig writes the way to the API server into a file.
func kubeconfig(t *testing.T, c *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := clientcmdapi.NewConfig()
	content.Clusters["it"] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
	content.AuthInfos["me"] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData, Token: c.BearerToken}
	content.Contexts["here"] = &clientcmdapi.Context{Cluster: "it", AuthInfo: "me"}
	content.CurrentContext = "here"
	if err := clientcmd.WriteToFile(*content, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", process.ReservePort(t))
}

// operator runs one as a process of its own, until the test ends or stops it.
func operator(t *testing.T, c *kube.Cluster, name string) *process.Command {
	t.Helper()
	health := freeAddress(t)
	return process.StartCommand(t, process.CommandOptions{
		Name: name, Path: os.Args[0], Env: []string{beOperator + "=1"},
		Args: []string{"manager", "--kubeconfig=" + kubeconfig(t, c.Config), "--namespaces=" + c.Namespace, "--leader-elect",
			"--leader-election-namespace=" + c.Namespace, "--metrics-listen=0", "--health-listen=" + health},
		Ready: func(ctx context.Context) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+health+"/readyz", nil)
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("it answers %s", response.Status)
			}
			return nil
		},
	})
}

func TestAnotherOperatorTakesOverAtOnce(t *testing.T) {
	c := kube.Start(t)
	first := operator(t, c, "first operator")
	deployed := func(name string) {
		t.Helper()
		kube.Wait(t, "the nodes of "+name, func(ctx context.Context) error {
			return c.Client.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name + "-node"}, &appsv1.Deployment{})
		})
	}
	add := func(name string) {
		t.Helper()
		cluster := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name}}
		if err := c.Client.Create(t.Context(), cluster); err != nil {
			t.Fatal(err)
		}
	}
	add("first")
	deployed("first")
	operator(t, c, "second operator")
	start := time.Now()
	first.Stop()
	add("second")
	deployed("second")
	t.Logf("the other operator had made the next fleet %v after the first was told to end", time.Since(start).Round(time.Millisecond))
}

func TestAnAPIServerOfNoUseIsToldInOneLine(t *testing.T) {
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		kind := map[string]string{"/api": "APIVersions", "/apis": "APIGroupList"}[r.URL.Path]
		if kind == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, `{"kind":%q,"groups":[],"versions":[]}`, kind)
	}))
	defer bare.Close()
	for url, want := range map[string]string{"http://" + freeAddress(t): "connection refused", bare.URL: "apply config/crd first"} {
		err := run(t.Context(), []string{"manager", "--kubeconfig=" + kubeconfig(t, &rest.Config{Host: url}), "--metrics-listen=0", "--health-listen=0"}, none, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("it says %v, want %q in one line", err, want)
		}
	}
}
