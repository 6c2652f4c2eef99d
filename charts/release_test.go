package charts

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

// kubeconfig writes the way to the API server for helm.
func kubeconfig(t *testing.T, c *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: c.Host, CertificateAuthorityData: c.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: c.CertData, ClientKeyData: c.KeyData, Token: c.BearerToken, Username: c.Username, Password: c.Password,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestChatClustersOutliveTheRelease installs, upgrades, uninstalls and installs the operator again with helm itself.
func TestChatClustersOutliveTheRelease(t *testing.T) {
	c := kube.Start(t)
	program, _ := programs(t)
	config := kubeconfig(t, c.Config)
	helm := func(args ...string) error {
		_, err := run(t, program, append(args, "--kubeconfig", config, "--namespace", c.Namespace)...)
		return err
	}
	must := func(args ...string) {
		t.Helper()
		if err := helm(args...); err != nil {
			t.Fatal(err)
		}
	}
	// The definition and the roles of other tests are there already.
	must("install", "op", "chatfleet-operator", "--take-ownership")
	lobby := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "lobby"}}
	if err := c.Client.Create(t.Context(), lobby); err != nil {
		t.Fatal(err)
	}
	must("upgrade", "op", "chatfleet-operator", "--set", "replicas=2")
	must("uninstall", "op")
	if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(lobby), lobby); err != nil || lobby.DeletionTimestamp != nil {
		t.Errorf("the ChatCluster went with the release: %v, deleted %v", err, lobby.DeletionTimestamp)
	}
	must("install", "op", "chatfleet-operator")
	must("uninstall", "op")

	if err := helm("install", "another", "chatfleet-operator"); err == nil || !strings.Contains(err.Error(), "chatclusters.chatfleet.dev") {
		t.Errorf("another release takes the definition over unasked: %v", err)
	}
	must("install", "another", "chatfleet-operator", "--set", "crds.install=false")
	must("uninstall", "another")
}

// TestAChatClusterGoesWithItsRelease does the same for a ChatCluster.
func TestAChatClusterGoesWithItsRelease(t *testing.T) {
	c := kube.Start(t)
	program, _ := programs(t)
	config := kubeconfig(t, c.Config)
	chat := client.ObjectKey{Namespace: c.Namespace, Name: "chat"}
	var cluster v1alpha1.ChatCluster
	for _, step := range []struct {
		args  []string
		nodes int32
	}{
		{[]string{"install", "chat", "chatcluster", "--set", "nodes.replicas=3"}, 3},
		{[]string{"upgrade", "chat", "chatcluster", "--set", "nodes.replicas=5"}, 5},
	} {
		if _, err := run(t, program, append(step.args, "--kubeconfig", config, "--namespace", c.Namespace)...); err != nil {
			t.Fatal(err)
		}
		if err := c.Client.Get(t.Context(), chat, &cluster); err != nil {
			t.Fatal(err)
		}
		if got := *cluster.Spec.Nodes.Replicas; got != step.nodes {
			t.Errorf("%d nodes, want %d", got, step.nodes)
		}
	}
	// What only the API server can judge is refused by it, in its words.
	_, err := run(t, program, "upgrade", "chat", "chatcluster", "--set", "backbone.managed.durability=Strict", "--kubeconfig", config, "--namespace", c.Namespace)
	if err == nil || !strings.Contains(err.Error(), "spec.backbone.managed.durability") {
		t.Errorf("Strict on one server: %v", err)
	}
	if _, err := run(t, program, "uninstall", "chat", "--kubeconfig", config, "--namespace", c.Namespace); err != nil {
		t.Fatal(err)
	}
	kube.Wait(t, "the end of the ChatCluster", func(ctx context.Context) error {
		if err := c.Client.Get(ctx, chat, &cluster); !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("it is there"), err)
		}
		return nil
	})
}
