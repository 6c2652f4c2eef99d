package v1alpha1_test

import (
	"os"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// sizeLimit is what the definition may take, in bytes: kubectl's client-side apply stores it once more, in an annotation.
const sizeLimit = 120 << 10

type property = apiextensionsv1.JSONSchemaProps

func definitionFile(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../../config/crd/chatfleet.dev_chatclusters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func definition(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(definitionFile(t), crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

// walk visits a schema and all below it, with the path of each, such as spec.nodes.env[].name.
func walk(p *property, path string, visit func(path string, p property)) {
	visit(path, *p)
	for name, child := range p.Properties {
		walk(&child, strings.TrimPrefix(path+"."+name, "."), visit)
	}
	if p.Items != nil && p.Items.Schema != nil {
		walk(p.Items.Schema, path+"[]", visit)
	}
	if p.AdditionalProperties != nil && p.AdditionalProperties.Schema != nil {
		walk(p.AdditionalProperties.Schema, path+"{}", visit)
	}
}

func TestTheDefinitionIsShortEnoughForEveryApply(t *testing.T) {
	size := len(definitionFile(t))
	t.Logf("%d bytes of %d", size, sizeLimit)
	if size > sizeLimit {
		t.Errorf("the definition has %d bytes, more than %d", size, sizeLimit)
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	fields := 0
	walk(definition(t).Spec.Versions[0].Schema.OpenAPIV3Schema, "", func(path string, p property) {
		if !strings.HasPrefix(path, "spec") && !strings.HasPrefix(path, "status") ||
			strings.HasSuffix(path, "[]") || strings.HasSuffix(path, "{}") {
			return
		}
		fields++
		if p.Description == "" {
			t.Errorf("%s has no description", path)
		}
	})
	if fields < 100 {
		t.Errorf("found only %d fields", fields)
	}
}
