package plan

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Inputs are everything that a plan depends on.
type Inputs struct {
	// Cluster is the ChatCluster as the API server gives it, with its status.
	Cluster  *v1alpha1.ChatCluster
	Observed Observed
	Defaults Defaults
}

// Observed is what of the world a plan depends on.
type Observed struct {
	// APIs say which optional APIs the cluster has.
	APIs APIs
	// Claims are the volume claims of the backbone that exist.
	Claims []Claim
	// NodeTemplateHash and BackboneTemplateHash are AnnotationTemplateHash of the live Deployment and StatefulSet, "" if there is none.
	NodeTemplateHash, BackboneTemplateHash string
	// Replicas is spec.replicas of the live Deployment, nil if there is no Deployment.
	Replicas *int32
	// OperatorNamespace is where the operator runs: network policies let it in.
	OperatorNamespace string
	// ClientCertificate says that the secret of spec.backbone.external.tlsSecretRef has tls.crt and tls.key.
	ClientCertificate bool
}

// APIs are the optional APIs of a cluster.
type APIs struct {
	HTTPRoute, PodMonitor, PrometheusRule, Certificate bool
}

// Claim is a volume claim and what it asks for.
type Claim struct {
	Name string
	Size resource.Quantity
}

// Defaults are the images of this release of the operator.
type Defaults struct {
	NodeImage, BackboneImage string
}

// Object is a typed object of k8s.io/api with its TypeMeta set, or an *unstructured.Unstructured.
type Object interface {
	metav1.Object
	runtime.Object
}

// Plan is what a ChatCluster consists of.
type Plan struct {
	// Objects are all children but those with secrets in them, in the order in which they should be applied.
	Objects []Object
	// Replicas is the number of nodes to be applied to the Deployment, whose object here never has one. nil: the autoscaler owns it.
	Replicas *int32
	// Revision is what pods are made with. It belongs into the status before any object is applied.
	Revision v1alpha1.Revision
	// Missing names what the spec asks for but whose API the cluster lacks.
	Missing []string
	// Grow lists claims that are smaller than the spec wants, with the size that it wants. The StatefulSet must then be made anew,
	// since what it asks of volumes can't be changed.
	Grow []Claim
	// NodeTemplateHash and BackboneTemplateHash are those of the objects; BackboneTemplateHash is "" without a managed backbone.
	NodeTemplateHash, BackboneTemplateHash string
}

// Make gives the plan. It fails only for what the schema of ChatCluster can't forbid; the error tells a user what to change.
func Make(in Inputs) (Plan, error) { return shipped.plan(in) }

// plan is Make with the given templates.
func (t templates) plan(in Inputs) (Plan, error) {
	c := settle(in.Cluster)
	if err := check(c); err != nil {
		return Plan{}, err
	}
	r := rendering{c: c, names: NamesOf(c), observed: in.Observed}
	r.revision = t.revision(r, in.Defaults)
	p := Plan{Revision: r.revision, Replicas: replicas(c, in.Observed), Missing: missing(c, in.Observed.APIs)}

	p.Objects = certManagerCertificates(r)
	if managed(c) {
		backbone, hash, err := r.backbone(t)
		if err != nil {
			return Plan{}, err
		}
		p.Objects = append(p.Objects, backbone...)
		p.BackboneTemplateHash = hash
		p.Grow = grow(c, in.Observed.Claims)
	}
	nodes, hash, err := r.nodes(t)
	if err != nil {
		return Plan{}, err
	}
	p.Objects = append(p.Objects, nodes...)
	p.NodeTemplateHash = hash
	return p, nil
}

// rendering is what children are rendered from.
type rendering struct {
	c        *v1alpha1.ChatCluster // settled
	names    Names
	observed Observed
	revision v1alpha1.Revision
}

// backbone gives the children of a managed backbone, and the hash of its pod template.
func (r rendering) backbone(t templates) ([]Object, string, error) {
	set, hash, err := r.statefulSet(t)
	if err != nil {
		return nil, "", err
	}
	objects := []Object{
		account(r.c, r.names.Backbone, ComponentBackbone), r.backboneConfig(t), r.peersService(), r.backboneService(), set,
		disruption(r.c, r.names.Backbone, ComponentBackbone),
	}
	if *r.c.Spec.NetworkPolicy.Enabled {
		objects = append(objects, r.backbonePolicy())
	}
	return objects, hash, nil
}

// nodes gives the children for the chat nodes, and the hash of their pod template.
func (r rendering) nodes(t templates) ([]Object, string, error) {
	deployment, hash, err := r.deployment(t)
	if err != nil {
		return nil, "", err
	}
	objects := []Object{account(r.c, r.names.Node, ComponentNode)}
	if len(r.c.Spec.AppLimits) > 0 {
		config, err := r.nodeConfig()
		if err != nil {
			return nil, "", err
		}
		objects = append(objects, config)
	}
	objects = append(objects, r.nodesService(), r.clientService(), deployment, disruption(r.c, r.names.Node, ComponentNode))
	if *r.c.Spec.NetworkPolicy.Enabled {
		objects = append(objects, r.nodePolicy())
	}
	if r.c.Spec.Autoscaling != nil {
		objects = append(objects, r.autoscaler())
	}
	if r.c.Spec.Exposure.Ingress != nil {
		objects = append(objects, r.ingress())
	}
	if r.c.Spec.Exposure.Gateway != nil && r.observed.APIs.HTTPRoute {
		objects = append(objects, r.route())
	}
	monitoring, err := r.monitoring()
	return append(objects, monitoring...), hash, err
}

func managed(c *v1alpha1.ChatCluster) bool { return c.Spec.Backbone.Type != v1alpha1.BackboneExternal }

// check refuses what the schema lets through.
func check(c *v1alpha1.ChatCluster) error {
	if !managed(c) {
		if c.Spec.Backbone.External == nil {
			return fmt.Errorf("spec.backbone.external is missing")
		}
		return nil
	}
	wanted := c.Spec.History.MaxBytes
	if wanted == nil {
		return nil
	}
	// Copies that are fewer than the servers spread over them.
	_, settings := Layout(c)
	room := messageRoom(c) / int64(settings.Replicas) * int64(c.Spec.Backbone.Managed.Replicas)
	if wanted.Value() > room {
		return fmt.Errorf("spec.history.maxBytes is %s, but volumes of %s have room for %s of messages: "+
			"enlarge spec.backbone.managed.storage.size, or keep less",
			wanted.String(), c.Spec.Backbone.Managed.Storage.Size.String(), resource.NewQuantity(room>>20<<20, resource.BinarySI))
	}
	return nil
}
