package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// templates are all pod templates that this operator can render, the oldest first. Their numbers, which start at 1, stand in
// status.revision. A template that was ever released is never changed: a change is a new template at the end, so that an upgrade of
// the operator restarts nothing.
type templates struct {
	node     []func(rendering) corev1.PodTemplateSpec
	backbone []backboneTemplate
}

// backboneTemplate goes together with the configuration that its servers read.
type backboneTemplate struct {
	pod    func(rendering) corev1.PodTemplateSpec
	config func(rendering) string
}

// shipped are the templates of this release.
var shipped = templates{
	node:     []func(rendering) corev1.PodTemplateSpec{nodePod1},
	backbone: []backboneTemplate{{pod: backbonePod1, config: backboneConfig1}},
}

// upgradeImmediately is the spec.operatorUpgrade that takes a new release over at once.
const upgradeImmediately = "Immediately"

// revision decides what pods are made with: what they were made with before, as long as the spec makes the same of it; else what this
// release makes. Nodes and backbone are decided apart, since a change of one must not restart the other.
func (t templates) revision(r rendering, d Defaults) v1alpha1.Revision {
	newest := v1alpha1.Revision{
		Template: int32(len(t.node)), Image: d.NodeImage,
		BackboneTemplate: int32(len(t.backbone)), BackboneImage: d.BackboneImage,
	}
	old := r.c.Status.Revision
	if old == nil || r.c.Spec.OperatorUpgrade == upgradeImmediately {
		return newest
	}
	r.revision = *old
	revision := newest
	if r.observed.Replicas != nil && t.keepsNodes(r) {
		revision.Template, revision.Image = old.Template, old.Image
	}
	if !managed(r.c) || t.keepsBackbone(r) {
		revision.BackboneTemplate, revision.BackboneImage = old.BackboneTemplate, old.BackboneImage
	}
	return revision
}

// keepsNodes says that the old revision makes of the spec what runs.
func (t templates) keepsNodes(r rendering) bool {
	if n := r.revision.Template; n < 1 || int(n) > len(t.node) {
		return false
	}
	hash, err := hashOf(t.nodePod(r))
	return err == nil && (hash == r.observed.NodeTemplateHash || r.observed.NodeTemplateHash == "")
}

func (t templates) keepsBackbone(r rendering) bool {
	if n := r.revision.BackboneTemplate; n < 1 || int(n) > len(t.backbone) {
		return false
	}
	hash, err := hashOf(t.backboneOf(r).pod(r))
	// Without a StatefulSet the volumes tell that there are servers: theirs is being made anew, since what it asks of volumes changes.
	replaced := r.observed.BackboneTemplateHash == "" && len(r.observed.Claims) > 0
	return err == nil && (replaced || hash == r.observed.BackboneTemplateHash)
}

func (t templates) nodePod(r rendering) corev1.PodTemplateSpec {
	return t.node[r.revision.Template-1](r)
}

func (t templates) backboneOf(r rendering) backboneTemplate {
	return t.backbone[r.revision.BackboneTemplate-1]
}

// hashOf names the content of a pod template.
func hashOf(template corev1.PodTemplateSpec) (string, error) {
	raw, err := json.Marshal(template)
	if err != nil {
		return "", fmt.Errorf("encode a pod template: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}
