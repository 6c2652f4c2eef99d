package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// syntaxPath is where a file's own comment stands: before `syntax`.
var syntaxPath = protoreflect.SourcePath{12}

// openAPI describes the services of a definition as an OpenAPI 3.1 document: each method as the POST that Connect makes of it.
func openAPI(file protoreflect.FileDescriptor) ([]byte, error) {
	var paths, schemas object
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		for j := range service.Methods().Len() {
			method := service.Methods().Get(j)
			paths.add(fmt.Sprintf("/%s/%s", service.FullName(), method.Name()), object{{"post", operation(method)}})
		}
	}
	for i := range file.Messages().Len() {
		message := file.Messages().Get(i)
		schemas.add(string(message.Name()), messageSchema(message))
	}
	for i := range file.Enums().Len() {
		enum := file.Enums().Get(i)
		schemas.add(string(enum.Name()), enumSchema(enum))
	}
	schemas.add("Error", errorSchema)
	document := object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Chatfleet"},
			{"description", words(file.SourceLocations().ByPath(syntaxPath).LeadingComments)},
			{"version", string(file.Package()[strings.LastIndex(string(file.Package()), ".")+1:])},
		}},
		{"servers", []any{object{{"url", "/"}}}},
		{"security", []any{object{{"serverKey", []any{}}}, object{{"token", []any{}}}}},
		{"paths", paths},
		{"components", object{
			{"schemas", schemas},
			{"parameters", object{{"User", userParameter}}},
			{"responses", object{{"Error", errorResponse}}},
			{"securitySchemes", securitySchemes},
		}},
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return nil, fmt.Errorf("write the description: %w", err)
	}
	return out.Bytes(), nil
}

func operation(method protoreflect.MethodDescriptor) object {
	return object{
		{"operationId", string(method.Name())},
		{"description", comment(method)},
		{"parameters", []any{reference("parameters", "User")}},
		{"requestBody", object{{"required", true}, {"content", content(reference("schemas", string(method.Input().Name())))}}},
		{"responses", object{
			{"200", object{
				{"description", "It is done."},
				{"content", content(reference("schemas", string(method.Output().Name())))},
			}},
			{"default", reference("responses", "Error")},
		}},
	}
}

func content(schema object) object {
	return object{{"application/json", object{{"schema", schema}}}}
}

func reference(kind, name string) object {
	return object{{"$ref", "#/components/" + kind + "/" + name}}
}

// comment is what the definition says before something, without the line breaks of the source.
func comment(d protoreflect.Descriptor) string {
	return words(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

func words(text string) string {
	var paragraphs []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		paragraphs = append(paragraphs, strings.Join(strings.Fields(paragraph), " "))
	}
	return strings.Trim(strings.Join(paragraphs, "\n\n"), "\n")
}

// object is a JSON object whose names keep their order.
type object []pair

type pair struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { *o = append(*o, pair{name, value}) }

// MarshalJSON leaves out empty descriptions.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	out.WriteByte('{')
	comma := false
	for _, p := range o {
		if p.name == "description" && p.value == "" {
			continue
		}
		if comma {
			out.WriteByte(',')
		}
		comma = true
		if err := e.Encode(p.name); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := e.Encode(p.value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
