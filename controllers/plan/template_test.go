package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// paths lists the fields of a type of the API, as they stand in YAML. Types of Kubernetes count as one field.
func paths(t reflect.Type, prefix string) (all []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[v1alpha1.ChatCluster]().PkgPath() {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		next := prefix + name + "."
		if strings.Contains(options, "inline") {
			next = prefix
		}
		all = append(all, paths(f.Type, next)...)
	}
	return all
}

func TestEveryFieldOfTheSpecSaysWhatItRestarts(t *testing.T) {
	listed := specFields()
	wanted := paths(reflect.TypeFor[spec](), "")
	// Lists of small structs are one thing.
	wanted = collapse(wanted, "imagePullSecrets", "nodes.env", "appLimits")
	for _, path := range wanted {
		if _, ok := listed[path]; !ok {
			t.Errorf("spec.%s is new: say in specFields what its change restarts", path)
		}
	}
	for path := range listed {
		if !slices.Contains(wanted, path) {
			t.Errorf("spec.%s is in specFields but not in the API", path)
		}
	}
}

// collapse replaces what lies below a path by the path.
func collapse(all []string, paths ...string) (out []string) {
	for _, path := range all {
		for _, p := range paths {
			if strings.HasPrefix(path, p+".") {
				path = p
			}
		}
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	return out
}

func TestAChangeOfAFieldRestartsWhatItMust(t *testing.T) {
	for path, f := range specFields() {
		t.Run(path, func(t *testing.T) {
			base := f.base
			if base == nil {
				base = servers(3)
			}
			before, after := lobby(base), lobby(base)
			f.change(&after.Spec)
			if reflect.DeepEqual(before.Spec, after.Spec) {
				t.Fatal("the test changes nothing")
			}
			old, changed := made(t, before), made(t, after)
			got := nothing
			nodes, backbone := old.NodeTemplateHash != changed.NodeTemplateHash, old.BackboneTemplateHash != changed.BackboneTemplateHash
			switch {
			case nodes && backbone:
				got = nodesBackbone
			case nodes:
				got = theNodes
			case backbone:
				got = theBackbone
			}
			if got != f.restarts {
				t.Errorf("a change of spec.%s restarts %s, and should restart %s", path, got, f.restarts)
			}
		})
	}
}

func TestHashesAreThoseOfTheTemplates(t *testing.T) {
	p := made(t, lobby(servers(3)))
	deployment, set := p.deployment(t), p.statefulSet(t)
	for _, each := range []struct {
		annotations map[string]string
		template    corev1.PodTemplateSpec
		planned     string
	}{{deployment.Annotations, deployment.Spec.Template, p.NodeTemplateHash}, {set.Annotations, set.Spec.Template, p.BackboneTemplateHash}} {
		hash, err := hashOf(each.template)
		if err != nil || hash != each.planned || hash != each.annotations[AnnotationTemplateHash] {
			t.Errorf("template has hash %s, %v; annotated %v, planned %s", hash, err, each.annotations, each.planned)
		}
	}
}
