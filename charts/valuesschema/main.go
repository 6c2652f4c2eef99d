// Command valuesschema makes the schema of the chatcluster chart's values: in goes the definition of ChatCluster and the few values that
// the chart has besides, out comes a JSON schema whose properties are the fields of a ChatCluster's spec.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	crd := flag.String("crd", "", "`file` with the definition of ChatCluster")
	own := flag.String("own", "", "`file` with the schemas of the chart's own values")
	out := flag.String("out", "", "`file` that receives the schema")
	flag.Parse()
	if *crd == "" || *own == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*crd, *own, *out); err != nil {
		fmt.Fprintln(os.Stderr, "valuesschema:", err)
		os.Exit(1)
	}
}

func run(crdFile, ownFile, outFile string) error {
	spec, err := specOf(crdFile)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(ownFile)
	if err != nil {
		return fmt.Errorf("read the chart's own values: %w", err)
	}
	own := map[string]any{}
	if err := json.Unmarshal(raw, &own); err != nil {
		return fmt.Errorf("decode the chart's own values in %s: %w", ownFile, err)
	}
	schema, err := combine(spec, own)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		return fmt.Errorf("encode the schema: %w", err)
	}
	if err := os.WriteFile(outFile, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the schema: %w", err)
	}
	return nil
}

// specOf gives the schema of the spec, as it stands in the definition.
func specOf(file string) (map[string]any, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &crd); err != nil {
		return nil, fmt.Errorf("decode the definition in %s: %w", file, err)
	}
	if len(crd.Spec.Versions) != 1 {
		return nil, fmt.Errorf("%s has %d versions; whose spec are the values?", file, len(crd.Spec.Versions))
	}
	raw, err = json.Marshal(crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
	if err != nil {
		return nil, fmt.Errorf("encode the schema of the spec: %w", err)
	}
	spec := map[string]any{}
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("decode the schema of the spec: %w", err)
	}
	return spec, nil
}

// combine gives the schema of the values.
func combine(spec, own map[string]any) (map[string]any, error) {
	convert(spec)
	properties, ok := spec["properties"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the spec has no properties")
	}
	for name, schema := range own {
		if _, taken := properties[name]; taken {
			return nil, fmt.Errorf("the chart's own value %s has the name of a field of the spec", name)
		}
		properties[name] = schema
	}
	spec["$schema"] = "http://json-schema.org/draft-07/schema#"
	spec["title"] = "Values of the chatcluster chart: the spec of a ChatCluster, and a few of the chart's own"
	delete(spec, "default")
	return spec, nil
}

// convert turns a structural schema into a JSON schema, in place: extensions of Kubernetes go (the API server checks those), and an object
// takes no other properties than it names, so that a misspelt value is refused.
func convert(schema map[string]any) {
	for key := range schema {
		if strings.HasPrefix(key, "x-kubernetes-") {
			delete(schema, key)
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, property := range properties {
			convertAny(property)
		}
		if _, open := schema["additionalProperties"]; !open {
			schema["additionalProperties"] = false
		}
	}
	convertAny(schema["items"])
	convertAny(schema["additionalProperties"])
	if text, ok := schema["description"].(string); ok {
		schema["description"] = strings.Join(strings.Fields(text), " ")
	}
}

func convertAny(schema any) {
	if s, ok := schema.(map[string]any); ok {
		convert(s)
	}
}
