package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	natsName = "outside"
	natsPort = 4222
)

// outside is a NATS server that the operator doesn't run, and the credentials of some of its users.
type outside struct {
	url string
	// full may do all in an account with JetStream, narrow nearly nothing there; poor's account has no JetStream; stranger is unknown.
	full, narrow, poor, stranger []byte
}

// identities are an operator of NATS with its accounts.
type identities struct {
	t        *testing.T
	operator nkeys.KeyPair
	preload  strings.Builder
}

func (i *identities) must(what string, err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatalf("make NATS identities: %s: %v", what, err)
	}
}

func public(i *identities, pair nkeys.KeyPair) string {
	i.t.Helper()
	key, err := pair.PublicKey()
	i.must("public key", err)
	return key
}

// account makes one, and writes it where the server finds it.
func (i *identities) account(name string, edit func(*jwt.AccountClaims)) nkeys.KeyPair {
	i.t.Helper()
	pair, err := nkeys.CreateAccount()
	i.must("account", err)
	claims := jwt.NewAccountClaims(public(i, pair))
	claims.Name = name
	edit(claims)
	token, err := claims.Encode(i.operator)
	i.must("account", err)
	fmt.Fprintf(&i.preload, "  %s: %s\n", claims.Subject, token)
	return pair
}

// user makes one, and gives its credentials.
func (i *identities) user(account nkeys.KeyPair, name string, edit func(*jwt.UserClaims)) []byte {
	i.t.Helper()
	pair, err := nkeys.CreateUser()
	i.must("user", err)
	claims := jwt.NewUserClaims(public(i, pair))
	claims.Name = name
	edit(claims)
	token, err := claims.Encode(account)
	i.must("user", err)
	seed, err := pair.Seed()
	i.must("user", err)
	creds, err := jwt.FormatUserConfig(token, seed)
	i.must("user", err)
	return creds
}

// startOutside runs the server in the namespace.
func startOutside(t *testing.T, namespace string) outside {
	t.Helper()
	operator, err := nkeys.CreateOperator()
	if err != nil {
		t.Fatal(err)
	}
	i := &identities{t: t, operator: operator}
	var systemKey string
	i.account("SYS", func(c *jwt.AccountClaims) { systemKey = c.Subject })
	rich := i.account("CHAT", func(c *jwt.AccountClaims) {
		c.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	})
	poor := i.account("POOR", func(*jwt.AccountClaims) {})
	claims := jwt.NewOperatorClaims(public(i, operator))
	claims.SystemAccount = systemKey
	token, err := claims.Encode(operator)
	i.must("operator", err)
	all := func(*jwt.UserClaims) {}
	o := outside{
		url:  fmt.Sprintf("nats://%s.%s.svc:%d", natsName, namespace, natsPort),
		full: i.user(rich, "full", all), poor: i.user(poor, "poor", all),
		narrow: i.user(rich, "narrow", func(c *jwt.UserClaims) { c.Pub.Allow.Add("$JS.API.INFO"); c.Sub.Allow.Add(">") }),
	}
	unknown, err := nkeys.CreateAccount()
	i.must("account", err)
	o.stranger = i.user(unknown, "stranger", all)
	config := fmt.Sprintf("port: %d\noperator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n%s}\njetstream { store_dir: /data }\n",
		natsPort, token, systemKey, i.preload.String())
	runNATS(t, namespace, config)
	return o
}

// runNATS makes the server's children.
func runNATS(t *testing.T, namespace, config string) {
	t.Helper()
	about := metav1.ObjectMeta{Namespace: namespace, Name: natsName}
	labels := map[string]string{"e2e": natsName}
	yes, no, one, user := true, false, int32(1), int64(65532)
	deployment := &appsv1.Deployment{ObjectMeta: about, Spec: appsv1.DeploymentSpec{
		Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: &yes, RunAsUser: &user, FSGroup: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "nats", Image: operatorFlag(t, "backbone-image"),
				Command: []string{"/nats-server", "--config", "/etc/nats/nats.conf"}, Resources: *requests("20m", "128Mi"),
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(natsPort)}}},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/nats"}, {Name: "data", MountPath: "/data"}},
			}},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: natsName}}}},
				{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		}},
	}}
	service := &corev1.Service{ObjectMeta: about, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: natsPort}}}}
	configMap := &corev1.ConfigMap{ObjectMeta: about, Data: map[string]string{"nats.conf": config}}
	kube := needCluster(t)
	for what, err := range map[string]error{
		"config": kube.Create(t.Context(), configMap), "service": kube.Create(t.Context(), service), "server": kube.Create(t.Context(), deployment),
	} {
		if err != nil {
			t.Fatalf("run NATS: %s: %v", what, err)
		}
	}
	eventually(t, time.Minute, "NATS to run", func() error {
		var now appsv1.Deployment
		if err := kube.Get(t.Context(), keyOf(deployment), &now); err != nil {
			return err
		}
		if now.Status.ReadyReplicas != 1 {
			return fmt.Errorf("%d servers are ready", now.Status.ReadyReplicas)
		}
		return nil
	})
}
