// Command reference writes the reference of an API: a table for each object of its custom resource with the fields in the order of the
// source, and tables of the conditions, their reasons and the phases. In go the Go package with the types and the definition made from it,
// out comes one Markdown file.
package main

import (
	"flag"
	"fmt"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	types := flag.String("types", "", "directory of the Go package with the types")
	definition := flag.String("definition", "", "file with the custom resource definition")
	out := flag.String("out", "", "Markdown file to write")
	flag.Parse()
	if *types == "" || *definition == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*types, *definition, *out); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write(types, definition, out string) error {
	source, err := readSource(types)
	if err != nil {
		return err
	}
	crd, err := readDefinition(definition)
	if err != nil {
		return err
	}
	text, err := document(source, crd)
	if err != nil {
		return err
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

func readDefinition(path string) (*apiextensionsv1.CustomResourceDefinition, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(content, crd); err != nil {
		return nil, fmt.Errorf("read the definition %s: %w", path, err)
	}
	if len(crd.Spec.Versions) != 1 {
		return nil, fmt.Errorf("the definition %s has %d versions, which version is described would be a guess", path, len(crd.Spec.Versions))
	}
	return crd, nil
}
