package e2e

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	chatclient "github.com/chatfleet/chatfleet/test/client"
)

// absence is how long the operator is away: long enough for probes and leases to come round.
const absence = 20 * time.Second

// operatorFlag is what the operator is told by a flag.
func operatorFlag(t *testing.T, name string) string {
	t.Helper()
	var d appsv1.Deployment
	if err := theWorld.kube.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}, &d); err != nil {
		t.Fatalf("read the operator's Deployment: %v", err)
	}
	for _, argument := range d.Spec.Template.Spec.Containers[0].Args {
		if value, found := strings.CutPrefix(argument, "--"+name+"="); found {
			return value
		}
	}
	t.Fatalf("the operator is not told --%s", name)
	return ""
}

// scaleOperator sets the number of the operator's pods, and waits until there are so many.
func scaleOperator(t *testing.T, replicas int32) {
	t.Helper()
	kube := theWorld.kube
	key := client.ObjectKey{Namespace: operatorNamespace, Name: operatorName}
	var d appsv1.Deployment
	if err := kube.Get(t.Context(), key, &d); err != nil {
		t.Fatalf("read the operator's Deployment: %v", err)
	}
	before := d.DeepCopy()
	d.Spec.Replicas = &replicas
	if err := kube.Patch(t.Context(), &d, client.MergeFrom(before)); err != nil {
		t.Fatalf("scale the operator: %v", err)
	}
	eventually(t, time.Minute, fmt.Sprintf("%d operators", replicas), func() error {
		var pods corev1.PodList
		if err := kube.List(t.Context(), &pods, client.InNamespace(operatorNamespace), client.MatchingLabels(d.Spec.Selector.MatchLabels)); err != nil {
			return err
		}
		if err := kube.Get(t.Context(), key, &d); err != nil {
			return err
		}
		if int32(len(pods.Items)) != replicas || d.Status.ReadyReplicas != replicas {
			return fmt.Errorf("%d pods, %d ready", len(pods.Items), d.Status.ReadyReplicas)
		}
		return nil
	})
}

func TestClientsNoticeNothingWhileTheOperatorIsAway(t *testing.T) {
	f := needSolo(t)
	before := f.starts(t)
	broken := make(chan error, 64)
	witness, err := f.dial(t.Context(), "witness", chatclient.Options{Reconnect: true, OnDisconnect: func(err error) { broken <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer witness.Close()
	if _, err := witness.Subscribe(t.Context(), "room:witness", chatclient.SubscribeOptions{OnPublication: func(*protocol.Publication) {}}); err != nil {
		t.Fatal(err)
	}
	c := f.gather(t, 6, 3, 50*time.Millisecond)
	c.WaitLoad("everybody to get through before")

	scaleOperator(t, 0)
	c.WaitLoad("everybody to get through while the operator is away")
	stays(t, absence, "the connection", func() error {
		select {
		case err := <-broken:
			return fmt.Errorf("it broke: %w", err)
		default:
			return nil
		}
	})
	began := time.Now()
	scaleOperator(t, 1)
	seconds(t, "operator_restart_to_ready", began)
	f.waitReady(t, readyWait)
	c.WaitLoad("everybody to get through after it came back")
	verdict(t, c)
	if len(broken) > 0 {
		t.Errorf("the connection broke: %v", <-broken)
	}
	if after := f.starts(t); !maps.Equal(before, after) {
		t.Errorf("pods were replaced or restarted: before %v, after %v", before, after)
	}
}

// What was deleted while the operator was away comes back when it does.
func TestAReturningOperatorRepairsWhatItMissed(t *testing.T) {
	f := needSolo(t)
	service := f.child(t, "Service", f.names().Clients)
	scaleOperator(t, 0)
	if err := f.kube.Delete(t.Context(), service.Object); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	scaleOperator(t, 1)
	eventually(t, time.Minute, "the service to come back", func() error {
		_, err := service.now(t.Context())
		return err
	})
	seconds(t, "operator_start_to_repair", began)
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
}

func TestAPausedClusterIsLeftAlone(t *testing.T) {
	f := needSolo(t)
	budget := f.child(t, "PodDisruptionBudget", f.names().Node)
	pause(t, f, true)
	defer func() {
		pause(t, f, false)
		eventually(t, repairWait, "the budget to come back", func() error {
			_, err := budget.now(t.Context())
			return err
		})
		f.waitReady(t, readyWait)
	}()
	if err := f.kube.Delete(t.Context(), budget.Object); err != nil {
		t.Fatal(err)
	}
	stays(t, 5*time.Second, "the absence of the budget", func() error {
		_, err := budget.now(t.Context())
		if err == nil {
			return errors.New("it is there")
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
	f.waitExchange(t, time.Minute)
}

// pause sets spec.paused and waits for the status to say so.
func pause(t *testing.T, f fleet, paused bool) {
	t.Helper()
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.Paused = paused })
	status := metav1.ConditionFalse
	if paused {
		status = metav1.ConditionTrue
	}
	f.waitCondition(t, time.Minute, v1alpha1.ConditionPaused, status, v1alpha1.ReasonPaused, v1alpha1.ReasonNotPaused)
}
