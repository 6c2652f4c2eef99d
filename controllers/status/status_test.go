package status

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

var now = metav1.NewTime(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))

// healthy is a fleet of two nodes on three servers of which nothing is wrong.
func healthy() Inputs {
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Name: "lobby", Namespace: "chat", Generation: 7}}
	c.Spec.Backbone = v1alpha1.BackboneSpec{Type: v1alpha1.BackboneManaged, Managed: &v1alpha1.ManagedBackbone{Replicas: 3}}
	two := int32(2)
	c.Spec.Nodes.Replicas = &two
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Generation: 4}}
	d.Spec.Replicas = &two
	d.Spec.Template.Spec.Containers = []corev1.Container{{Image: "registry:5000/chatfleet/chatnode:1.2"}}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 4, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2}
	s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Status: appsv1.StatefulSetStatus{ObservedGeneration: 2, ReadyReplicas: 3}}
	return Inputs{
		Cluster: c, Now: now, Durability: v1alpha1.DurabilityStrict, Endpoints: []string{"ws://chat"}, Selector: "a=b",
		Deployment: d, StatefulSet: s,
		Backbone: &Backbone{Reachable: true, Version: "2.15.2", Streams: 35, Wanted: 35},
	}
}

func pod(name string, change func(*corev1.Pod)) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(now.Add(-10 * time.Second))}}
	change(&p)
	return p
}

func waits(reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", Image: "chatfleet/x:1",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

func unschedulable(message, claim string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: message}}
		if claim != "" {
			p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}}
		}
	}
}

func old(p *corev1.Pod) {
	p.CreationTimestamp, p.Spec.NodeName = metav1.NewTime(now.Add(-time.Hour)), "host-2"
}

// lose takes a ready node away, of which that pod is left.
func lose(in *Inputs, p corev1.Pod) {
	in.Deployment.Status.ReadyReplicas--
	in.NodePods = []corev1.Pod{p}
}

// loseServer takes a ready server away, of which that pod is left.
func loseServer(in *Inputs, p corev1.Pod) {
	in.StatefulSet.Status.ReadyReplicas--
	in.BackbonePods = []corev1.Pod{p}
	in.Backbone.Reason, in.Backbone.Message = v1alpha1.ReasonReplicasLag, "35 streams lack a replica"
}

func external(in *Inputs) {
	in.Cluster.Spec.Backbone = v1alpha1.BackboneSpec{Type: v1alpha1.BackboneExternal, External: &v1alpha1.ExternalBackbone{}}
	in.StatefulSet, in.Durability = nil, ""
}

func TestConditionsSayWhatIsWrong(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Inputs)
		phase  v1alpha1.Phase
		// want has "Type=Status/Reason" of the conditions that matter.
		want []string
		// says is part of the message of the first.
		says string
	}{
		{"all is well", func(*Inputs) {}, v1alpha1.PhaseReady, []string{
			"Ready=True/AsExpected", "BackboneReady=True/AsExpected", "NodesReady=True/AsExpected",
			"Progressing=False/AsExpected", "Degraded=False/AsExpected", "Paused=False/NotPaused"}, "clients are served"},
		{"nothing is there yet", func(in *Inputs) { in.Deployment, in.StatefulSet, in.Backbone = nil, nil, nil }, v1alpha1.PhasePending, []string{
			"Ready=False/BackboneNotReady", "BackboneReady=False/Starting", "NodesReady=False/Starting", "Progressing=True/Starting", "Degraded=False/AsExpected"}, "0 of 3 servers"},
		{"NATS has not answered yet", func(in *Inputs) { external(in); in.Backbone = nil }, v1alpha1.PhaseProgressing,
			[]string{"BackboneReady=False/Connecting", "Ready=False/BackboneNotReady", "Degraded=False/AsExpected"}, "not answered"},
		{"an external NATS doesn't answer", func(in *Inputs) {
			external(in)
			in.Backbone = &Backbone{Reason: v1alpha1.ReasonUnreachable, Message: "connection refused"}
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/Unreachable", "Ready=False/BackboneNotReady", "Degraded=True/BackboneNotReady"}, "connection refused"},
		{"an external NATS refuses a right", func(in *Inputs) {
			external(in)
			in.Backbone.Reason, in.Backbone.Message = v1alpha1.ReasonPermissionDenied, "may not publish"
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/PermissionDenied", "Ready=False/BackboneNotReady"}, "may not publish"},
		{"one server is restarted, two keep messages", func(in *Inputs) { loseServer(in, pod("lobby-nats-1", func(*corev1.Pod) {})) }, v1alpha1.PhaseReady,
			[]string{"BackboneReady=False/Starting", "Ready=True/AsExpected", "Degraded=False/AsExpected"}, "2 of 3 servers are ready: pod lobby-nats-1 is starting"},
		{"one server is down, two keep messages", func(in *Inputs) { loseServer(in, pod("lobby-nats-1", old)) }, v1alpha1.PhaseDegraded,
			[]string{"BackboneReady=False/ServersDown", "Ready=True/AsExpected", "Degraded=True/ServersDown"}, "2 of 3 servers"},
		{"a pod was made just now", func(in *Inputs) {
			p := pod("n1", unschedulable("being made", ""))
			p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now.Add(-time.Second))
			lose(in, p)
		}, v1alpha1.PhaseReady, []string{"NodesReady=False/Starting"}, "pod n1 waits for a Kubernetes node"},
		{"servers are up, and NATS isn't yet", func(in *Inputs) {
			in.Backbone = &Backbone{Reason: v1alpha1.ReasonUnreachable, Message: "nobody answers"}
			in.Cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionBackboneReady, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonStarting, LastTransitionTime: metav1.NewTime(now.Add(-time.Second))}}
		}, v1alpha1.PhaseProgressing, []string{"BackboneReady=False/Starting", "Ready=False/BackboneNotReady", "Degraded=False/AsExpected"}, "nobody answers"},
		{"servers are up for long, and NATS isn't", func(in *Inputs) {
			in.Backbone = &Backbone{Reason: v1alpha1.ReasonUnreachable, Message: "nobody answers"}
			in.Cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionBackboneReady, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonStarting, LastTransitionTime: metav1.NewTime(now.Add(-2 * time.Minute))}}
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/Unreachable", "Degraded=True/BackboneNotReady"}, "nobody answers"},
		{"Deployment and StatefulSet were lost, and pods run on", func(in *Inputs) {
			runs := func(p *corev1.Pod) {
				p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
			}
			in.NodePods = []corev1.Pod{pod("n1", runs), pod("n2", runs)}
			in.BackbonePods = []corev1.Pod{pod("s1", runs), pod("s2", runs), pod("s3", runs)}
			in.Deployment.Status, in.StatefulSet = appsv1.DeploymentStatus{}, nil
		}, v1alpha1.PhaseProgressing, []string{"Ready=True/AsExpected", "NodesReady=True/AsExpected", "BackboneReady=True/AsExpected", "Degraded=False/AsExpected"}, "served"},
		{"one server can't be scheduled", func(in *Inputs) {
			loseServer(in, pod("lobby-nats-1", unschedulable("0/3 nodes: 3 Insufficient cpu", "data-lobby-nats-1")))
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/Unschedulable", "Ready=True/AsExpected", "Degraded=True/ServersDown"}, "Insufficient cpu"},
		{"a volume isn't bound", func(in *Inputs) {
			in.StatefulSet.Status.ReadyReplicas, in.Backbone = 0, nil
			in.BackbonePods = []corev1.Pod{pod("lobby-nats-0", unschedulable("pod has unbound immediate PersistentVolumeClaims", "data-lobby-nats-0"))}
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/VolumeNotBound", "Ready=False/BackboneNotReady"}, "claim data-lobby-nats-0"},
		{"replicas lag", func(in *Inputs) {
			in.Backbone.Reason, in.Backbone.Message = v1alpha1.ReasonReplicasLag, "2 streams"
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/ReplicasLag", "Ready=True/AsExpected", "Degraded=True/ReplicasLag"}, "2 streams"},
		{"an image isn't there", func(in *Inputs) { lose(in, pod("n1", waits("ImagePullBackOff", "not found"))) }, v1alpha1.PhaseDegraded,
			[]string{"NodesReady=False/ImageUnavailable", "Ready=True/AsExpected", "Degraded=True/NodesNotReady"}, "1 of 2 nodes are ready: pod n1 can't have image chatfleet/x:1: not found"},
		{"a container crashes", func(in *Inputs) {
			lose(in, pod("n1", func(p *corev1.Pod) {
				waits("CrashLoopBackOff", "back-off 5m")(p)
				p.Status.ContainerStatuses[0].RestartCount = 4
				p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
			}))
		}, v1alpha1.PhaseDegraded, []string{"NodesReady=False/Crashing", "Degraded=True/NodesNotReady"}, "ended 4 times: exit code 137 (OOMKilled)"},
		{"a kubelet misses a secret", func(in *Inputs) {
			lose(in, pod("n1", waits("CreateContainerConfigError", `secret "jwt" not found`)))
		}, v1alpha1.PhaseDegraded, []string{"NodesReady=False/SecretMissing"}, `secret "jwt" not found`},
		{"a node starts again", func(in *Inputs) { lose(in, pod("n1", func(*corev1.Pod) {})) }, v1alpha1.PhaseReady,
			[]string{"NodesReady=False/Starting", "Ready=True/AsExpected", "Degraded=False/AsExpected"}, "pod n1 is starting"},
		{"a node doesn't come back", func(in *Inputs) {
			lose(in, pod("n1", old))
			in.Cluster.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNodesReady, Status: metav1.ConditionFalse,
				Reason: v1alpha1.ReasonStarting, LastTransitionTime: metav1.NewTime(now.Add(-3 * time.Minute))}}
		}, v1alpha1.PhaseDegraded, []string{"NodesReady=False/Starting", "Degraded=True/NodesNotReady", "Ready=True/AsExpected"}, "pod n1 on host-2 is not ready"},
		{"the gravest trouble is told", func(in *Inputs) {
			lose(in, pod("n1", func(*corev1.Pod) {}))
			in.NodePods = append(in.NodePods, pod("n2", unschedulable("no room", "")), pod("n3", waits("ErrImagePull", "gone")))
		}, v1alpha1.PhaseDegraded, []string{"NodesReady=False/ImageUnavailable"}, "pod n3"},
		{"a secret of the spec is missing", func(in *Inputs) {
			in.Problems = []Problem{{Condition: v1alpha1.ConditionBackboneReady, Reason: v1alpha1.ReasonSecretMissing, Message: "secret creds"}}
		}, v1alpha1.PhaseDegraded, []string{"BackboneReady=False/SecretMissing", "Ready=False/BackboneNotReady", "NodesReady=True/AsExpected"}, "secret creds"},
		{"a child is refused", func(in *Inputs) {
			in.Problems = []Problem{{Reason: v1alpha1.ReasonApplyFailed, Message: "quota"}}
		}, v1alpha1.PhaseDegraded, []string{"Progressing=False/ApplyFailed", "Degraded=True/ApplyFailed", "Ready=True/AsExpected"}, "quota"},
		{"an API is missing", func(in *Inputs) { in.Missing = []string{"HTTPRoute"} }, v1alpha1.PhaseDegraded, []string{"Degraded=True/APIMissing"}, "HTTPRoute"},
		{"nodes are replaced", func(in *Inputs) { in.Deployment.Status.UpdatedReplicas = 1 }, v1alpha1.PhaseProgressing,
			[]string{"Progressing=True/RollingOut", "Ready=True/AsExpected"}, "being replaced"},
		{"servers are restarted", func(in *Inputs) { in.Restarting = "server lobby-nats-2 is being restarted" }, v1alpha1.PhaseProgressing,
			[]string{"Progressing=True/RollingOut"}, "lobby-nats-2"},
		{"nodes are added", func(in *Inputs) {
			five := int32(5)
			in.Cluster.Spec.Nodes.Replicas, in.Deployment.Spec.Replicas = &five, &five
		}, v1alpha1.PhaseProgressing, []string{"Progressing=True/Scaling", "NodesReady=False/Starting"}, "2 nodes become 5"},
		{"it is paused", func(in *Inputs) { in.Cluster.Spec.Paused = true }, v1alpha1.PhasePaused,
			[]string{"Paused=True/Paused", "Progressing=False/Paused", "Ready=True/AsExpected"}, "nothing is changed"},
		{"it is being deleted", func(in *Inputs) { in.Cluster.DeletionTimestamp = &now }, v1alpha1.PhaseDeleting, []string{"Ready=False/Deleting"}, "deleted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := healthy()
			test.change(&in)
			s := Of(in)
			if s.Phase != test.phase {
				t.Errorf("phase %s, want %s", s.Phase, test.phase)
			}
			for i, want := range test.want {
				kind, _, _ := strings.Cut(want, "=")
				got := meta.FindStatusCondition(s.Conditions, kind)
				if is := kind + "=" + string(got.Status) + "/" + got.Reason; is != want {
					t.Errorf("%s (%s), want %s", is, got.Message, want)
				}
				if i == 0 && !strings.Contains(got.Message, test.says) {
					t.Errorf("%s says %q, want %q in it", kind, got.Message, test.says)
				}
				if got.ObservedGeneration != 7 {
					t.Errorf("%s is of generation %d", kind, got.ObservedGeneration)
				}
			}
		})
	}
}

func TestStatusSumsUpForColumns(t *testing.T) {
	in := healthy()
	s := Of(in)
	if s.Nodes != "2/2" || s.Version != "1.2" || s.Backbone.Summary != "3/3 Strict" || s.Autoscaling.Driver != "None" || s.Replicas != 2 || s.ReadyReplicas != 2 {
		t.Errorf("status is %+v", s)
	}
	external(&in)
	if s := Of(in); s.Backbone.Summary != "External 2.15.2" || s.Backbone.Durability != "" {
		t.Errorf("backbone is %+v", s.Backbone)
	}
	in.Cluster.Spec.Nodes.Replicas = nil
	in.Cluster.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 9}
	seven := int32(7)
	in.Deployment.Spec.Replicas = &seven
	if s := Of(in); s.Nodes != "2/7" || s.Autoscaling.Driver != "HPA" {
		t.Errorf("nodes %s, driver %+v", s.Nodes, s.Autoscaling)
	}
}

func TestANumberOfNodesThatTheSpecLeavesOpenIsTheLiveOne(t *testing.T) {
	in := healthy()
	in.Cluster.Spec.Nodes.Replicas = nil
	for live, want := range map[int32]string{1: "2/2", 2: "2/2", 6: "2/6"} {
		in.Deployment.Spec.Replicas = &live
		if s := Of(in); s.Nodes != want {
			t.Errorf("with %d live, nodes are %s, want %s", live, s.Nodes, want)
		}
	}
}

func TestVersionIsReadFromTheImage(t *testing.T) {
	for image, want := range map[string]string{
		"chatnode:1.2": "1.2", "host:5000/chatnode": "latest", "host:5000/a/chatnode:v3": "v3",
		"chatnode@sha256:0123456789abcdef": "0123456789ab", "chatnode:1.2@sha256:0123456789abcdef": "1.2",
	} {
		d := &appsv1.Deployment{}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Image: image}}
		if got := version(d); got != want {
			t.Errorf("%s has version %q, want %q", image, got, want)
		}
	}
}

func TestTheSameInputsGiveTheSameStatus(t *testing.T) {
	in := healthy()
	in.Cluster.Status = Of(in)
	later := in
	later.Now = metav1.NewTime(now.Add(time.Hour))
	again := Of(later)
	for i, c := range again.Conditions {
		if c != in.Cluster.Status.Conditions[i] {
			t.Errorf("%+v became %+v", in.Cluster.Status.Conditions[i], c)
		}
	}
}

func TestAnOperatorThatHasJustBegunSaysWhatWasKnown(t *testing.T) {
	in := healthy()
	in.Cluster.Status = Of(in)
	in.Backbone = nil
	s := Of(in)
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionBackboneReady} {
		if !meta.IsStatusConditionTrue(s.Conditions, kind) {
			t.Errorf("%s is %+v", kind, meta.FindStatusCondition(s.Conditions, kind))
		}
	}
	if s.Backbone != in.Cluster.Status.Backbone {
		t.Errorf("backbone %+v became %+v", in.Cluster.Status.Backbone, s.Backbone)
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	in := healthy()
	in.Problems = []Problem{{Reason: v1alpha1.ReasonApplyFailed, Message: strings.Repeat("ü", 40000)}}
	for _, c := range Of(in).Conditions {
		if len(c.Message) > 2000 || strings.ToValidUTF8(c.Message, "?") != c.Message {
			t.Errorf("%s says %d bytes", c.Type, len(c.Message))
		}
	}
}
