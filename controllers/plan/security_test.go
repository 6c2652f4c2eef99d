package plan

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// pods are the pod templates of the plan.
func pods(t testing.TB, p Plan) map[string]corev1.PodTemplateSpec {
	t.Helper()
	all := map[string]corev1.PodTemplateSpec{"node": p.deployment(t).Spec.Template}
	if p.BackboneTemplateHash != "" {
		all["backbone"] = p.statefulSet(t).Spec.Template
	}
	return all
}

// The restricted Pod Security standard, rule by rule, and what goes beyond it.
func TestPodsAreRestricted(t *testing.T) {
	full := func(c *v1alpha1.ChatCluster) {
		servers(3)(c)
		everything(c)
		chatting(c)
		speaking(c)
		c.Spec.Exposure.TLSSecretName = "own"
		c.Spec.Nodes.Env = []v1alpha1.EnvVar{{Name: "A", Value: "b"}}
	}
	for name, change := range map[string]func(*v1alpha1.ChatCluster){"managed": full, "external": external} {
		for kind, pod := range pods(t, made(t, lobby(change))) {
			t.Run(name+" "+kind, func(t *testing.T) {
				spec := pod.Spec
				must := func(ok bool, rule string) {
					if !ok {
						t.Errorf("broken: %s", rule)
					}
				}
				must(!spec.HostNetwork && !spec.HostPID && !spec.HostIPC, "no host namespaces")
				must(spec.SecurityContext != nil, "a security context of the pod")
				must(*spec.SecurityContext.RunAsNonRoot && *spec.SecurityContext.RunAsUser != 0, "not root")
				must(spec.SecurityContext.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "the runtime's seccomp profile")
				must(len(spec.SecurityContext.Sysctls) == 0, "no sysctls")
				must(spec.AutomountServiceAccountToken != nil && !*spec.AutomountServiceAccountToken, "no service account token")
				must(spec.ServiceAccountName != "" && spec.ServiceAccountName != "default", "a service account of its own")
				must(len(spec.InitContainers)+len(spec.EphemeralContainers) == 0, "no other containers")
				for _, v := range spec.Volumes {
					must(v.Secret != nil || v.Projected != nil || v.ConfigMap != nil || v.EmptyDir != nil, "volume "+v.Name+" is of a kind that is allowed")
					if v.Projected != nil {
						for _, source := range v.Projected.Sources {
							must(source.ServiceAccountToken == nil, "no projected token")
						}
					}
				}
				for _, c := range spec.Containers {
					must(c.SecurityContext != nil, "a security context of the container")
					must(c.SecurityContext.Privileged == nil, "not privileged")
					must(!*c.SecurityContext.AllowPrivilegeEscalation, "no escalation")
					must(*c.SecurityContext.ReadOnlyRootFilesystem, "a read-only root")
					must(len(c.SecurityContext.Capabilities.Drop) == 1 && c.SecurityContext.Capabilities.Drop[0] == "ALL", "no capabilities")
					must(len(c.SecurityContext.Capabilities.Add) == 0, "none added")
					must(c.SecurityContext.ProcMount == nil && c.SecurityContext.SELinuxOptions == nil, "no procMount, no SELinux options")
					for _, p := range c.Ports {
						must(p.HostPort == 0 && p.ContainerPort > 1024, "no host ports, none below 1024")
					}
					must(c.Resources.Requests.Cpu().Sign() > 0 && c.Resources.Limits.Memory().Sign() > 0, "resources")
				}
			})
		}
	}
}

func TestSecretsAreFilesAndNeverArguments(t *testing.T) {
	p := made(t, lobby(external, everything, chatting))
	pod := p.deployment(t).Spec.Template
	for _, c := range pod.Spec.Containers {
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				t.Errorf("%s comes from a secret: it would show in the environment, and not follow changes", e.Name)
			}
		}
		for _, m := range c.VolumeMounts {
			if m.SubPath != "" {
				t.Errorf("%s is mounted by a sub-path, which does not follow changes", m.Name)
			}
			if !m.ReadOnly && m.Name != dataVolume {
				t.Errorf("%s can be written", m.Name)
			}
		}
	}
	for _, v := range pod.Spec.Volumes {
		if v.Secret != nil && (v.Secret.Optional != nil || *v.Secret.DefaultMode != 0o440) {
			t.Errorf("volume %s: optional %v, mode %o", v.Name, v.Secret.Optional, *v.Secret.DefaultMode)
		}
	}
}
