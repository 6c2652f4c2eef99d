package plan

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

const (
	// BackboneContainer is the container of the NATS servers.
	BackboneContainer = "nats"
	// ClaimTemplate is the name of the volume claims of the StatefulSet: the claim of pod p is named ClaimTemplate + "-" + p.
	ClaimTemplate = "data"

	// AnnotationMode on the servers' pods is what of their configuration takes a restart to change.
	AnnotationMode = "chatfleet.dev/backbone-mode"
)

const (
	natsPort      = 4222
	routePort     = 6222
	monitorPort   = 8222 // on loopback
	probePort     = 8080
	natsPortName  = "nats"
	routePortName = "cluster"
	probePortName = "probe"

	dataDir    = "/data"
	natsDir    = "/etc/nats"
	configFile = "nats.conf"

	// lameDuck is how long a server takes to send its clients away, and backboneGrace how long it has in all, in seconds.
	lameDuck      = 30
	backboneGrace = lameDuck + 30
)

// statefulSet is that of the NATS servers, and the hash of its pod template. All start at once, since they need each other; nobody but
// the operator, which deletes them one by one, replaces them.
func (r rendering) statefulSet(t templates) (*appsv1.StatefulSet, string, error) {
	m := r.c.Spec.Backbone.Managed
	template := t.backboneOf(r).pod(r)
	hash, err := hashOf(template)
	if err != nil {
		return nil, "", err
	}
	replicas, kept := m.Replicas, int32(keptReplicaSets)
	s := &appsv1.StatefulSet{
		TypeMeta:   typeMeta("apps/v1", "StatefulSet"),
		ObjectMeta: meta(r.c, r.names.Backbone, ComponentBackbone),
		Spec: appsv1.StatefulSetSpec{
			Replicas:             &replicas,
			ServiceName:          r.names.Peers,
			Selector:             selectorOf(r.c, ComponentBackbone),
			PodManagementPolicy:  appsv1.ParallelPodManagement,
			UpdateStrategy:       appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType},
			RevisionHistoryLimit: &kept,
			Template:             template,
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{r.claim()},
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.PersistentVolumeClaimRetentionPolicyType(m.DeletionPolicy),
				WhenScaled:  appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			},
		},
	}
	s.Annotations = map[string]string{AnnotationTemplateHash: hash}
	return s, hash, nil
}

// claim is what each server asks of its volume. It has no owner: messages outlive their ChatCluster unless the spec says otherwise.
func (r rendering) claim() corev1.PersistentVolumeClaim {
	storage := r.c.Spec.Backbone.Managed.Storage
	mode := corev1.PersistentVolumeFilesystem
	return corev1.PersistentVolumeClaim{
		TypeMeta:   typeMeta("v1", "PersistentVolumeClaim"),
		ObjectMeta: metav1.ObjectMeta{Name: ClaimTemplate, Labels: Selector(r.c, ComponentBackbone)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: storage.ClassName,
			VolumeMode:       &mode,
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: storage.Size},
			},
		},
	}
}

// grow lists the claims that are smaller than wanted.
func grow(c *v1alpha1.ChatCluster, claims []Claim) (small []Claim) {
	size := c.Spec.Backbone.Managed.Storage.Size
	for _, claim := range claims {
		if claim.Size.Cmp(size) < 0 {
			small = append(small, Claim{Name: claim.Name, Size: size.DeepCopy()})
		}
	}
	return small
}

// backbonePod1 is the first template of the NATS servers' pods.
func backbonePod1(r rendering) corev1.PodTemplateSpec {
	c, m := r.c, r.c.Spec.Backbone.Managed
	grace := int64(backboneGrace)
	spec := podSpec(c, r.names.Backbone, m.PodPlacement)
	spec.TerminationGracePeriodSeconds = &grace
	spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{spread(c, ComponentBackbone, zoneKey)}
	// Never two on a host. An anti-affinity says so whatever the number of servers, so that adding servers restarts none.
	spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: selectorOf(c, ComponentBackbone), TopologyKey: hostKey,
		}},
	}}
	image := m.Image
	if image == "" {
		image = r.revision.BackboneImage
	}
	spec.Volumes = []corev1.Volume{r.natsFiles()}
	spec.Containers = []corev1.Container{{
		Name: BackboneContainer, Image: image, ImagePullPolicy: corev1.PullPolicy(c.Spec.ImagePullPolicy),
		Command: []string{
			"/natsboot", "run", "--config", natsDir + "/" + configFile, "--data", dataDir, "--watch", natsDir, "--watch", natsDir + "/tls",
			"--probe-listen", fmt.Sprintf(":%d", probePort),
			"--monitor", fmt.Sprintf("https://localhost:%d", monitorPort), "--monitor-ca", natsDir + "/tls/ca.crt", "--", "/nats-server",
		},
		Env: r.backboneEnv(),
		Ports: []corev1.ContainerPort{
			{Name: natsPortName, ContainerPort: natsPort, Protocol: corev1.ProtocolTCP},
			{Name: routePortName, ContainerPort: routePort, Protocol: corev1.ProtocolTCP},
			{Name: probePortName, ContainerPort: probePort, Protocol: corev1.ProtocolTCP},
		},
		Resources:       *m.Resources,
		SecurityContext: containerSecurity(),
		// Full health at the start: a server that has lost its disk first copies everything. A quarter of an hour is its time for that.
		StartupProbe: probe(corev1.URISchemeHTTP, probePortName, "/startz", 1, 5, 900),
		// Later the server alone: streams that lag must not take the others' clients away.
		ReadinessProbe: probe(corev1.URISchemeHTTP, probePortName, "/readyz", 5, 5, 2),
		LivenessProbe:  probe(corev1.URISchemeHTTP, probePortName, "/livez", 30, 10, 6),
		VolumeMounts: []corev1.VolumeMount{
			{Name: "config", MountPath: natsDir, ReadOnly: true}, {Name: ClaimTemplate, MountPath: dataDir},
		},
	}}
	mode := map[string]string{AnnotationMode: r.mode()}
	return corev1.PodTemplateSpec{ObjectMeta: podMeta(c, ComponentBackbone, m.PodPlacement, mode), Spec: spec}
}

// mode is what of the configuration takes a restart to change.
func (r rendering) mode() string {
	m := r.c.Spec.Backbone.Managed
	if m.Replicas == 1 {
		return "standalone-" + string(m.Durability)
	}
	return "clustered-" + string(m.Durability)
}

// backboneEnv is what the configuration reads from the environment, since it differs from pod to pod, besides the server's name.
func (r rendering) backboneEnv() []corev1.EnvVar {
	host := "$(POD_NAME)." + r.peersDomain()
	env := []corev1.EnvVar{
		podName(),
		{Name: "NATS_CLIENT_ADVERTISE", Value: fmt.Sprintf("%s:%d", host, natsPort)},
		{Name: "NATS_ROUTE_ADVERTISE", Value: fmt.Sprintf("%s:%d", host, routePort)},
	}
	if limit, ok := goMemory(r.c.Spec.Backbone.Managed.Resources); ok {
		env = append(env, limit)
	}
	return env
}

// natsFiles are the configuration and the certificates in one volume.
func (r rendering) natsFiles() corev1.Volume {
	mode := int32(secretMode)
	certificates := corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: r.names.BackboneTLS}}
	for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
		certificates.Items = append(certificates.Items, corev1.KeyToPath{Key: file, Path: "tls/" + file})
	}
	config := corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: r.names.Backbone}}
	return corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: &mode, Sources: []corev1.VolumeProjection{{ConfigMap: &config}, {Secret: &certificates}},
	}}}
}
