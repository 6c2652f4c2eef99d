package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// trouble is why one pod doesn't run.
type trouble struct {
	reason  string
	message string
}

// weight orders reasons: the one that a person must see to stands before the ones that may pass.
var weight = map[string]int{
	v1alpha1.ReasonSecretMissing:    6,
	v1alpha1.ReasonSecretInvalid:    6,
	v1alpha1.ReasonImageUnavailable: 5,
	v1alpha1.ReasonVolumeNotBound:   4,
	v1alpha1.ReasonCrashing:         3,
	v1alpha1.ReasonUnschedulable:    2,
	v1alpha1.ReasonStarting:         0,
}

// schedulingGrace is how long a pod may wait for a Kubernetes node until that is trouble: volumes are made meanwhile, and schedulers try again.
const schedulingGrace = 10 * time.Second

// worst is the gravest trouble of the pods; the first by name among equals, so that the message doesn't jump about.
func worst(pods []corev1.Pod, claims []corev1.PersistentVolumeClaim, now time.Time) (trouble, bool) {
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	var gravest trouble
	found := false
	for i := range sorted {
		pod := &sorted[i]
		if t, bad := troubleOf(pod, claims, now); bad && (!found || weight[t.reason] > weight[gravest.reason]) {
			gravest, found = t, true
		}
	}
	return gravest, found
}

// troubleOf tells why a pod isn't ready. A pod that ends has none.
func troubleOf(pod *corev1.Pod, claims []corev1.PersistentVolumeClaim, now time.Time) (trouble, bool) {
	if pod.DeletionTimestamp != nil || isReady(pod) {
		return trouble{}, false
	}
	if t, bad := unscheduled(pod, claims, now); bad {
		return t, true
	}
	statuses := append(slices.Clone(pod.Status.InitContainerStatuses), pod.Status.ContainerStatuses...)
	for _, c := range statuses {
		if t, bad := waiting(pod.Name, c); bad {
			return t, true
		}
	}
	if pod.Status.Phase == corev1.PodFailed {
		return trouble{v1alpha1.ReasonCrashing, fmt.Sprintf("pod %s failed: %s", pod.Name, cmp.Or(pod.Status.Message, pod.Status.Reason, "no reason given"))}, true
	}
	if now.Sub(pod.CreationTimestamp.Time) < startGrace {
		return trouble{v1alpha1.ReasonStarting, fmt.Sprintf("pod %s is starting", pod.Name)}, true
	}
	return trouble{v1alpha1.ReasonStarting, fmt.Sprintf("pod %s on %s is not ready", pod.Name, cmp.Or(pod.Spec.NodeName, "no node"))}, true
}

// young tells that all pods that aren't ready were made within the last minute.
func young(pods []corev1.Pod, now time.Time) bool {
	return !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return !isReady(&pod) && now.Sub(pod.CreationTimestamp.Time) > time.Minute
	})
}

// unscheduled tells why no Kubernetes node takes the pod.
func unscheduled(pod *corev1.Pod, claims []corev1.PersistentVolumeClaim, now time.Time) (trouble, bool) {
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse {
			continue
		}
		if now.Sub(c.LastTransitionTime.Time) < schedulingGrace {
			return trouble{v1alpha1.ReasonStarting, fmt.Sprintf("pod %s waits for a Kubernetes node", pod.Name)}, true
		}
		if name, pending := pendingClaim(pod, claims); pending && volumeIsWhy(c.Message) {
			return trouble{v1alpha1.ReasonVolumeNotBound,
				fmt.Sprintf("pod %s waits for volume claim %s, which nothing binds: %s", pod.Name, name, c.Message)}, true
		}
		return trouble{v1alpha1.ReasonUnschedulable, fmt.Sprintf("no Kubernetes node takes pod %s: %s", pod.Name, c.Message)}, true
	}
	return trouble{}, false
}

// volumeIsWhy reads the scheduler's words: a claim that waits for its first consumer is pending also when only CPU lacks.
func volumeIsWhy(message string) bool {
	for _, part := range []string{"PersistentVolumeClaim", "persistentvolumeclaim", "persistent volumes", "volume node affinity", "storage"} {
		if strings.Contains(message, part) && !strings.Contains(message, "ephemeral-storage") {
			return true
		}
	}
	return false
}

func pendingClaim(pod *corev1.Pod, claims []corev1.PersistentVolumeClaim) (string, bool) {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		name := volume.PersistentVolumeClaim.ClaimName
		at := slices.IndexFunc(claims, func(c corev1.PersistentVolumeClaim) bool { return c.Name == name })
		if at < 0 || claims[at].Status.Phase != corev1.ClaimBound {
			return name, true
		}
	}
	return "", false
}

// waiting reads what the kubelet says of a container.
func waiting(pod string, c corev1.ContainerStatus) (trouble, bool) {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable":
			return trouble{v1alpha1.ReasonImageUnavailable, fmt.Sprintf("pod %s can't have image %s: %s", pod, c.Image, cmp.Or(w.Message, w.Reason))}, true
		case "CreateContainerConfigError":
			if strings.Contains(w.Message, "secret") {
				return trouble{v1alpha1.ReasonSecretMissing, fmt.Sprintf("pod %s can't start: %s", pod, w.Message)}, true
			}
			return trouble{v1alpha1.ReasonCrashing, fmt.Sprintf("pod %s can't start: %s", pod, w.Message)}, true
		case "CrashLoopBackOff", "CreateContainerError", "RunContainerError", "StartError":
			return crash(pod, c, cmp.Or(w.Message, w.Reason)), true
		}
	}
	if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
		return crash(pod, c, cmp.Or(t.Message, t.Reason)), true
	}
	return trouble{}, false
}

// crash says how the container ended last, which is more than that it is being restarted.
func crash(pod string, c corev1.ContainerStatus, why string) trouble {
	if last := cmp.Or(c.LastTerminationState.Terminated, c.State.Terminated); last != nil {
		why = fmt.Sprintf("exit code %d (%s)", last.ExitCode, cmp.Or(last.Reason, "Error"))
		if last.Message != "" {
			why += ": " + strings.TrimSpace(last.Message)
		}
	}
	return trouble{v1alpha1.ReasonCrashing, fmt.Sprintf("container %s of pod %s ended %d times: %s", c.Name, pod, max(c.RestartCount, 1), why)}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
