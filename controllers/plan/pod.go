package plan

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

const (
	// user is the one that our images run as; its group owns volumes and may read secrets.
	user = 65532
	// secretMode lets the group read.
	secretMode = 0o440
	// goMemoryPercent of the memory limit is where Go's collector begins to work hard.
	goMemoryPercent = 80
)

const (
	hostKey = "kubernetes.io/hostname"
	zoneKey = "topology.kubernetes.io/zone"
)

// account is the ServiceAccount of pods that never talk to the API server.
func account(c *v1alpha1.ChatCluster, name, component string) Object {
	mount := false
	return &corev1.ServiceAccount{
		TypeMeta: typeMeta("v1", "ServiceAccount"), ObjectMeta: meta(c, name, component), AutomountServiceAccountToken: &mount,
	}
}

// podSpec is what both kinds of pods have in common; it passes the restricted Pod Security standard.
func podSpec(c *v1alpha1.ChatCluster, account string, placed v1alpha1.PodPlacement) corev1.PodSpec {
	no, yes, id, change := false, true, int64(user), corev1.FSGroupChangeOnRootMismatch
	spec := corev1.PodSpec{
		ServiceAccountName:           account,
		AutomountServiceAccountToken: &no,
		EnableServiceLinks:           &no,
		NodeSelector:                 placed.NodeSelector,
		Tolerations:                  placed.Tolerations,
		PriorityClassName:            placed.PriorityClassName,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &id, RunAsGroup: &id, FSGroup: &id, FSGroupChangePolicy: &change,
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	for _, secret := range c.Spec.ImagePullSecrets {
		spec.ImagePullSecrets = append(spec.ImagePullSecrets, corev1.LocalObjectReference{Name: secret.Name})
	}
	return spec
}

// podMeta is the metadata of pods: what the spec wants, and ours, which wins.
func podMeta(c *v1alpha1.ChatCluster, component string, placed v1alpha1.PodPlacement, annotations map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Labels: merged(placed.PodLabels, Labels(c, component)), Annotations: merged(placed.PodAnnotations, annotations),
	}
}

func containerSecurity() *corev1.SecurityContext {
	no, yes := false, true
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, RunAsNonRoot: &yes,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

// spread asks for pods to stand apart if that is possible, counting those of one template only when more are being made.
func spread(c *v1alpha1.ChatCluster, component, key string, together ...string) corev1.TopologySpreadConstraint {
	return corev1.TopologySpreadConstraint{
		MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector: selectorOf(c, component), MatchLabelKeys: together,
	}
}

// secretVolume mounts a secret, or of its keys only those given as key and file name. A pod whose secret is missing waits for it, and
// the kubelet's event names the secret.
func secretVolume(name, secret string, items ...corev1.KeyToPath) corev1.Volume {
	mode := int32(secretMode)
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: secret, DefaultMode: &mode, Items: items},
	}}
}

// configVolume mounts a ConfigMap.
func configVolume(name, config string) corev1.Volume {
	mode := int32(secretMode)
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: config}, DefaultMode: &mode,
	}}}
}

// probe asks over HTTP, or HTTPS (where the kubelet checks no certificate).
func probe(scheme corev1.URIScheme, port, path string, period, timeout, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(port), Scheme: scheme,
		}},
		PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures,
	}
}

// goMemory is GOMEMLIMIT for a container with these resources; false if they don't limit memory.
func goMemory(r *corev1.ResourceRequirements) (corev1.EnvVar, bool) {
	limit, limited := r.Limits[corev1.ResourceMemory]
	bytes := limit.Value() / 100 * goMemoryPercent
	return corev1.EnvVar{Name: "GOMEMLIMIT", Value: strconv.FormatInt(bytes, 10)}, limited && bytes > 0
}

// podName is the environment variable that holds the name of the pod.
func podName() corev1.EnvVar {
	return corev1.EnvVar{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
	}}
}

// has says whether an environment variable is among those.
func has(env []corev1.EnvVar, name string) bool {
	return slices.ContainsFunc(env, func(e corev1.EnvVar) bool { return e.Name == name })
}
