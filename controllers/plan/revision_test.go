package plan

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// next are the templates of an imagined next release: both kinds of pods have a new one.
func next() templates {
	t := templates{node: slices.Clone(shipped.node), backbone: slices.Clone(shipped.backbone)}
	newNode, newBackbone := len(t.node)-1, len(t.backbone)-1
	t.node = append(t.node, func(r rendering) corev1.PodTemplateSpec {
		pod := shipped.node[newNode](r)
		pod.Spec.Containers[0].Args = append(pod.Spec.Containers[0].Args, "--new-in-this-release")
		return pod
	})
	t.backbone = append(t.backbone, backboneTemplate{
		pod: func(r rendering) corev1.PodTemplateSpec {
			pod := shipped.backbone[newBackbone].pod(r)
			pod.Spec.HostUsers = pointer(false)
			return pod
		},
		config: func(r rendering) string { return shipped.backbone[newBackbone].config(r) + "# new\n" },
	})
	return t
}

func TestAnOperatorUpgradeRestartsNoPod(t *testing.T) {
	newImages := Defaults{NodeImage: "chatfleet/chatnode:2.0.0", BackboneImage: "chatfleet/nats:2.0.0"}
	type pins struct{ node, backbone bool } // still at the old release
	tests := []struct {
		name   string
		change func(*v1alpha1.ChatCluster) // between the releases
		look   func(*Observed)
		want   pins
	}{
		{"nothing changed", func(*v1alpha1.ChatCluster) {}, nil, pins{true, true}},
		{"something changed that restarts nothing", func(c *v1alpha1.ChatCluster) {
			c.Spec.History.Replicas = pointer(int32(1))
			c.Spec.Nodes.Replicas = pointer(int32(7))
		}, nil, pins{true, true}},
		{"the nodes changed", func(c *v1alpha1.ChatCluster) { c.Spec.Auth.Anonymous = true }, nil, pins{false, true}},
		{"the backbone changed", func(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Managed.Resources = more("2") }, nil, pins{true, false}},
		{"both changed", func(c *v1alpha1.ChatCluster) { c.Spec.ImagePullPolicy = "Always" }, nil, pins{false, false}},
		{"the spec wants it at once", func(c *v1alpha1.ChatCluster) { c.Spec.OperatorUpgrade = upgradeImmediately }, nil, pins{false, false}},
		{"the Deployment is gone", func(*v1alpha1.ChatCluster) {}, func(o *Observed) { o.Replicas, o.NodeTemplateHash = nil, "" }, pins{false, true}},
		{"the StatefulSet is gone", func(*v1alpha1.ChatCluster) {}, func(o *Observed) { o.BackboneTemplateHash = "" }, pins{true, false}},
		{"the StatefulSet is made anew, for larger volumes", func(c *v1alpha1.ChatCluster) {
			c.Spec.Backbone.Managed.Storage.Size = resource.MustParse("20Gi")
		}, func(o *Observed) {
			o.BackboneTemplateHash, o.Claims = "", []Claim{{"data-lobby-nats-0", resource.MustParse("20Gi")}}
		}, pins{true, true}},
		{"somebody removed an annotation", func(*v1alpha1.ChatCluster) {}, func(o *Observed) { o.NodeTemplateHash = "" }, pins{true, true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := lobby(servers(3))
			old := made(t, c)
			observed := allAPIs()
			observed.Replicas = pointer(int32(2))
			observed.NodeTemplateHash, observed.BackboneTemplateHash = old.NodeTemplateHash, old.BackboneTemplateHash
			if test.look != nil {
				test.look(&observed)
			}
			c.Status.Revision = &old.Revision
			test.change(c)
			p, err := next().plan(Inputs{Cluster: c, Observed: observed, Defaults: newImages})
			if err != nil {
				t.Fatal(err)
			}
			want := v1alpha1.Revision{
				Template: 2, Image: newImages.NodeImage, BackboneTemplate: 2, BackboneImage: newImages.BackboneImage,
			}
			if test.want.node {
				want.Template, want.Image = old.Revision.Template, old.Revision.Image
			}
			if test.want.backbone {
				want.BackboneTemplate, want.BackboneImage = old.Revision.BackboneTemplate, old.Revision.BackboneImage
			}
			if p.Revision != want {
				t.Errorf("revision %+v, want %+v", p.Revision, want)
			}
			if got := p.deployment(t).Spec.Template.Spec.Containers[0].Image; got != want.Image {
				t.Errorf("nodes run %s, want %s", got, want.Image)
			}
			config := the[*corev1.ConfigMap](t, p, "lobby-nats").Data[configFile]
			if old := !strings.HasSuffix(config, "# new\n"); old != test.want.backbone {
				t.Errorf("the configuration is the old one: %v, want %v", old, test.want.backbone)
			}
		})
	}
}

func TestARevisionOfANewerOperatorGivesWay(t *testing.T) {
	c := lobby(servers(1))
	old := made(t, c)
	c.Status.Revision = &v1alpha1.Revision{Template: 99, Image: "chatfleet/chatnode:9", BackboneTemplate: 99, BackboneImage: "chatfleet/nats:9"}
	observed := allAPIs()
	observed.Replicas, observed.NodeTemplateHash, observed.BackboneTemplateHash = pointer(int32(2)), "unknown", "unknown"
	p, err := Make(Inputs{Cluster: c, Observed: observed, Defaults: release()})
	if err != nil {
		t.Fatal(err)
	}
	if p.Revision != old.Revision {
		t.Errorf("revision %+v, want %+v", p.Revision, old.Revision)
	}
}

func TestImagesOfTheSpecWin(t *testing.T) {
	p := made(t, lobby(servers(3), func(c *v1alpha1.ChatCluster) {
		c.Spec.Image, c.Spec.Backbone.Managed.Image = "mine/node:7", "mine/nats:7"
	}))
	if got := p.deployment(t).Spec.Template.Spec.Containers[0].Image; got != "mine/node:7" {
		t.Errorf("nodes run %s", got)
	}
	if got := p.statefulSet(t).Spec.Template.Spec.Containers[0].Image; got != "mine/nats:7" {
		t.Errorf("servers run %s", got)
	}
}
