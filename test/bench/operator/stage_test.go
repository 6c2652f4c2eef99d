package operator

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

const (
	operatorNamespace = "bench-operator"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":operator"
	playedNode        = "played"
	playedLabel       = "chatfleet.dev/played"
)

// stage is the cluster with everything that a measurement needs on it.
type stage struct {
	settings
	api      client.WithWatch
	config   *rest.Config
	operator *process.Command
}

// prepare brings the programs up: KWOK with its node, NATS, and the operator with an account of its own.
func prepare(b *testing.B) (*stage, *process.NATSCluster) {
	s := &stage{settings: settingsOf(b)}
	var err error
	if s.config, err = clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG")); err != nil {
		b.Fatal(err)
	}
	s.config.QPS, s.config.Burst = 300, 600
	if s.api, err = client.NewWithWatch(s.config, client.Options{Scheme: kube.Scheme}); err != nil {
		b.Fatal(err)
	}
	s.define(b)
	s.playNode(b)
	kubeconfig := s.account(b)
	nats := process.StartNATS(b, 1)
	s.operator = process.StartCommand(b, process.CommandOptions{
		Name: "operator", Path: s.binary,
		Args: []string{
			"manager", "--leader-elect", "--leader-election-namespace=" + operatorNamespace, "--node-image=played", "--backbone-image=played",
			"--health-listen=127.0.0.1:18081", "--metrics-listen=127.0.0.1:18080",
		},
		Env:   []string{"KUBECONFIG=" + kubeconfig},
		Ready: answers("http://127.0.0.1:18081/readyz"),
	})
	return s, nats
}

// define tells the API server what a ChatCluster is.
func (s *stage) define(b *testing.B) {
	apply := exec.CommandContext(b.Context(), filepath.Join(s.binaries, "kubectl"), "apply", "--server-side", "--force-conflicts",
		"-f", filepath.Join("..", "..", "..", "config", "crd", "chatfleet.dev_chatclusters.yaml"))
	if out, err := apply.CombinedOutput(); err != nil {
		b.Fatalf("kubectl apply: %v\n%s", err, out)
	}
	wait := exec.CommandContext(b.Context(), filepath.Join(s.binaries, "kubectl"), "wait", "--for=condition=Established", "--timeout=60s",
		"crd/chatclusters.chatfleet.dev")
	if out, err := wait.CombinedOutput(); err != nil {
		b.Fatalf("kubectl wait: %v\n%s", err, out)
	}
}

// playNode makes a node that KWOK plays, and starts KWOK.
func (s *stage) playNode(b *testing.B) {
	s.make(b, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: playedNode, Labels: map[string]string{playedLabel: "", "kubernetes.io/os": "linux"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: playedLabel, Effect: corev1.TaintEffectNoSchedule}}},
	})
	process.StartCommand(b, process.CommandOptions{
		Name: "kwok", Path: filepath.Join(s.binaries, "kwok"),
		Args: []string{
			"--kubeconfig=" + os.Getenv("KUBECONFIG"), "--config=" + filepath.Join("testdata", "kwok.yaml"), "--manage-all-nodes=false",
			"--manage-nodes-with-label-selector=" + playedLabel, "--node-lease-duration-seconds=40", "--server-address=127.0.0.1:10247",
		},
		Ready: answers("http://127.0.0.1:10247/healthz"),
	})
}

// account makes the operator's service account, with every right: which rights it needs is the end-to-end tests' business.
func (s *stage) account(b *testing.B) (kubeconfig string) {
	s.make(b, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}})
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "operator"}}
	s.make(b, account)
	s.make(b, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: "operator"}},
	})
	token := &authenticationv1.TokenRequest{}
	if err := s.api.SubResource("token").Create(b.Context(), account, token); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{
			"local": {Server: s.config.Host, CertificateAuthorityData: s.config.CAData, CertificateAuthority: s.config.CAFile},
		},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"operator": {Token: token.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{"local": {Cluster: "local", AuthInfo: "operator"}},
		CurrentContext: "local",
	}, file); err != nil {
		b.Fatal(err)
	}
	return file
}

// make creates an object, which goes with the measurement.
func (s *stage) make(b *testing.B, o client.Object) {
	b.Helper()
	if err := s.api.Create(b.Context(), o); err != nil {
		b.Fatalf("make %T %s: %v", o, o.GetName(), err)
	}
	b.Cleanup(func() {
		_ = s.api.Delete(context.Background(), o, client.PropagationPolicy(metav1.DeletePropagationBackground))
	})
}

// answers gives a check that an address answers with 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, answer.Status)
		}
		return nil
	}
}

// memory is the resident memory of a process, in bytes.
func memory(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			var kilobytes float64
			if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
				b.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	b.Fatal("the kernel doesn't tell the memory of a process")
	return 0
}
