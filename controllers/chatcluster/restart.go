package chatcluster

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/controllers/rollout"
)

const (
	// gateDeadline bounds the question to NATS whether a server may go.
	gateDeadline = 5 * time.Second
	// gateInterval lies between two such questions while servers are to be restarted.
	gateInterval = 2 * time.Second
)

// restart brings the servers of a managed backbone to their newest template: it deletes one pod at a time, and only if NATS can spare it.
func (w *work) restart(ctx context.Context, target backbone.Target) error {
	if ready := w.readyServers(); ready != w.session.readyServers {
		w.session.readyServers = ready
		w.health.kick(w.key)
	}
	set := w.seen.set
	if set == nil || set.Status.UpdateRevision == "" || set.Status.ObservedGeneration < set.Generation {
		return nil
	}
	pods := podsOf(w.seen.servers, set.Status.UpdateRevision)
	if !outdated(pods) {
		return nil
	}
	w.lookAgain(gateInterval)
	if w.in.Restarting = w.notYet(set); w.in.Restarting != "" {
		return nil
	}
	gate, err := w.gate(ctx, target)
	if err != nil {
		return err
	}
	name, why := rollout.NextServer(pods, gate)
	if name == "" {
		w.in.Restarting = "the next server waits: " + why
		return nil
	}
	return w.delete(ctx, name)
}

// notYet tells what the restart of servers waits for, before NATS is asked.
func (w *work) notYet(set *appsv1.StatefulSet) string {
	if wanted := int(*set.Spec.Replicas); len(w.seen.servers) < wanted {
		return fmt.Sprintf("the next server waits: %d of %d pods are there", len(w.seen.servers), wanted)
	}
	for _, pod := range w.seen.servers {
		if pod.UID == w.session.restarted && pod.DeletionTimestamp == nil {
			return fmt.Sprintf("server %s is being restarted", pod.Name)
		}
	}
	if d := w.seen.deployment; d != nil && (d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < d.Status.Replicas) {
		return "servers of the backbone are restarted after the nodes"
	}
	return ""
}

// gate asks NATS. That it doesn't answer shuts the gate.
func (w *work) gate(ctx context.Context, target backbone.Target) (rollout.Gate, error) {
	system, err := w.tls(ctx, plan.NamesOf(w.c).SystemTLS)
	if err != nil {
		return rollout.Gate{}, err
	}
	if system == nil {
		return rollout.Gate{Why: "the certificate for the system account isn't there"}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, gateDeadline)
	defer cancel()
	gate, err := w.options.Pool.Gate(ctx, target, *system)
	if err != nil {
		return rollout.Gate{Why: err.Error()}, nil
	}
	return gate, nil
}

func (w *work) delete(ctx context.Context, name string) error {
	for i := range w.seen.servers {
		pod := &w.seen.servers[i]
		if pod.Name != name {
			continue
		}
		err := w.client.Delete(ctx, &corev1.Pod{ObjectMeta: pod.ObjectMeta}, client.Preconditions{UID: &pod.UID})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting pod %s for a restart: %w", name, err)
		}
		w.session.restarted = pod.UID
		w.in.Restarting = fmt.Sprintf("server %s is being restarted", name)
		w.say(corev1.EventTypeNormal, "RestartingServer", "Restart",
			fmt.Sprintf("restarting server %s, since its image or settings have changed", name))
	}
	return nil
}

func (w *work) readyServers() int32 {
	if w.seen.set == nil {
		return 0
	}
	return w.seen.set.Status.ReadyReplicas
}

func podsOf(servers []corev1.Pod, newest string) []rollout.Pod {
	pods := make([]rollout.Pod, 0, len(servers))
	for _, pod := range servers {
		pods = append(pods, rollout.Pod{
			Name: pod.Name, Ready: isReady(pod), Deleting: pod.DeletionTimestamp != nil,
			Current: pod.Labels[appsv1.StatefulSetRevisionLabel] == newest,
		})
	}
	return pods
}

func outdated(pods []rollout.Pod) bool {
	for _, pod := range pods {
		if !pod.Current {
			return true
		}
	}
	return false
}

func isReady(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
