package plan

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// NodeContainer is the container of the chat nodes.
const NodeContainer = "chatnode"

// annotationLocalVolumes tells the cluster autoscaler that a pod with these volumes may go elsewhere all the same.
const annotationLocalVolumes = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"

const (
	// dataVolume is the volume of what a chat node keeps and can make anew.
	dataVolume  = "data"
	nodeDataDir = "/data"

	clientPort      = 8080
	nodeAdminPort   = 9090
	clientPortName  = "http"
	adminPortName   = "admin"
	keptReplicaSets = 3
	// maxSurge is how many nodes are replaced at a time.
	maxSurge = 1
	// minReady is the least time between two nodes that end in a rolling update, in seconds.
	minReady = 10
	// rolloutPatience is how much longer than that a new node may take before the rolling update counts as stuck, in seconds.
	rolloutPatience = 600
	// hostPatience is how long a node waits for a host that is lost to come back, in seconds.
	hostPatience = 30
	// drainMargin is what a node has to end after its connections have gone.
	drainMargin = 30 * time.Second
)

// deployment is that of the chat nodes, and the hash of its pod template. It never says how many there are.
func (r rendering) deployment(t templates) (*appsv1.Deployment, string, error) {
	template := t.nodePod(r)
	hash, err := hashOf(template)
	if err != nil {
		return nil, "", err
	}
	surge, unavailable, kept, deadline := intstr.FromInt32(maxSurge), intstr.FromInt32(0), int32(keptReplicaSets), pace()+rolloutPatience
	d := &appsv1.Deployment{
		TypeMeta:   typeMeta("apps/v1", "Deployment"),
		ObjectMeta: meta(r.c, r.names.Node, ComponentNode),
		Spec: appsv1.DeploymentSpec{
			Selector: selectorOf(r.c, ComponentNode),
			Template: template,
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &unavailable, MaxSurge: &surge},
			},
			MinReadySeconds:         pace(),
			ProgressDeadlineSeconds: &deadline,
			RevisionHistoryLimit:    &kept,
		},
	}
	d.Annotations = map[string]string{AnnotationTemplateHash: hash}
	return d, hash, nil
}

// pace is how long a new node must be ready before the next old one ends, in seconds. The number of connections of a node is not
// known here, so that drain.reconnectsPerSecond doesn't lengthen it.
func pace() int32 { return minReady }

// nodePod1 is the first template of the chat nodes' pods.
func nodePod1(r rendering) corev1.PodTemplateSpec {
	c, nodes := r.c, r.c.Spec.Nodes
	grace := int64((c.Spec.Drain.Period.Duration + drainMargin + time.Second - 1) / time.Second)
	spec := podSpec(c, r.names.Node, nodes.PodPlacement)
	spec.TerminationGracePeriodSeconds = &grace
	spec.Tolerations = leaveSoon(nodes.Tolerations)
	spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{
		spread(c, ComponentNode, hostKey, "pod-template-hash"), spread(c, ComponentNode, zoneKey, "pod-template-hash"),
	}
	image := c.Spec.Image
	if image == "" {
		image = r.revision.Image
	}
	files := r.nodeFiles()
	container := corev1.Container{
		Name: NodeContainer, Image: image, ImagePullPolicy: corev1.PullPolicy(c.Spec.ImagePullPolicy),
		Args:            r.nodeArgs(),
		Env:             r.nodeEnv(),
		Ports:           r.nodePorts(),
		Resources:       *nodes.Resources,
		SecurityContext: containerSecurity(),
		StartupProbe:    probe(corev1.URISchemeHTTPS, adminPortName, "/healthz", 1, 2, 60),
		ReadinessProbe:  probe(corev1.URISchemeHTTPS, adminPortName, "/readyz", 2, 2, 2),
		LivenessProbe:   probe(corev1.URISchemeHTTPS, adminPortName, "/healthz", 10, 5, 6),
	}
	for _, f := range files {
		spec.Volumes = append(spec.Volumes, f.volume)
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: f.volume.Name, MountPath: f.path, ReadOnly: true})
	}
	var annotations map[string]string
	if index := searchVolume(c); index != nil {
		spec.Volumes = append(spec.Volumes, *index)
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: index.Name, MountPath: nodeDataDir})
		annotations = map[string]string{annotationLocalVolumes: index.Name}
	}
	spec.Containers = []corev1.Container{container}
	return corev1.PodTemplateSpec{ObjectMeta: podMeta(c, ComponentNode, nodes.PodPlacement, annotations), Spec: spec}
}

// leaveSoon adds that a chat node, which keeps nothing, is replaced soon after its host is lost, and not after the five minutes that
// Kubernetes waits otherwise. What the spec tolerates wins.
func leaveSoon(given []corev1.Toleration) []corev1.Toleration {
	all := slices.Clone(given)
	for _, taint := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		lost := &corev1.Taint{Key: taint, Effect: corev1.TaintEffectNoExecute}
		if slices.ContainsFunc(given, func(t corev1.Toleration) bool { return concerns(t, lost) }) {
			continue
		}
		seconds := int64(hostPatience)
		all = append(all, corev1.Toleration{
			Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds,
		})
	}
	return all
}

// concerns says whether a toleration speaks of that taint.
func concerns(t corev1.Toleration, taint *corev1.Taint) bool {
	return (t.Key == "" || t.Key == taint.Key) && (t.Effect == "" || t.Effect == taint.Effect)
}

// replicas is the number of nodes that this operator sets. With autoscaling that is only the first number, since a field that nobody
// has written is later overridden without a conflict. A number that the spec no longer gives, or that autoscaling has left, stays: a fleet
// never shrinks because somebody said less, or deleted the Deployment. (One alone is what the API server writes until this number is.)
func replicas(c *v1alpha1.ChatCluster, o Observed) *int32 {
	count := int32(v1alpha1.DefaultNodes)
	switch {
	case c.Spec.Autoscaling != nil && o.Replicas != nil && *o.Replicas > 0: // to an autoscaler, zero means that it is off
		return nil
	case c.Spec.Autoscaling != nil:
		count = min(max(c.Spec.Autoscaling.MinReplicas, c.Status.Replicas), c.Spec.Autoscaling.MaxReplicas)
	case c.Spec.Nodes.Replicas != nil:
		count = *c.Spec.Nodes.Replicas
	case o.Replicas != nil:
		count = max(count, *o.Replicas)
	}
	return &count
}
