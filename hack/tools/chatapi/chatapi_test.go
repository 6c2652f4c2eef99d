package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const definition = `// What it is
// about.
//
// And more.
syntax = "proto3";
package test.v7;
import "google/protobuf/struct.proto";
option go_package = "github.com/chatfleet/chatfleet/test/v7;testv7";

service Things {
  // Make makes a thing <b>.
  rpc Make(Thing) returns (Thing);
}

enum BigColor {
  // None.
  BIG_COLOR_UNSPECIFIED = 0;
  // Deep.
  BIG_COLOR_DEEP_RED = 1;
}

message Thing {
  // Its name.
  string long_name = 1;
  repeated BigColor colors = 2;
  google.protobuf.Value any = 3;
  int64 time = 4;
}
`

func lay(t *testing.T, content string) (root, file string) {
	t.Helper()
	root, file = t.TempDir(), "test/v7/thing.proto"
	path := filepath.Join(root, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return root, file
}

func TestDefinitionIsDescribedInItsOwnWords(t *testing.T) {
	root, file := lay(t, definition)
	compiled, err := compile(t.Context(), root, file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := openAPI(compiled)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := openAPI(compiled); err != nil || !bytes.Equal(again, text) {
		t.Errorf("described differently a second time (%v)", err)
	}
	var document struct {
		Info  struct{ Description, Version string }
		Paths map[string]struct {
			Post struct{ OperationID, Description string }
		}
		Components struct {
			Schemas map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	if document.Info.Description != "What it is about.\n\nAnd more." || document.Info.Version != "v7" {
		t.Errorf("%+v", document.Info)
	}
	if post := document.Paths["/test.v7.Things/Make"].Post; post.OperationID != "Make" || post.Description != "Make makes a thing <b>." {
		t.Errorf("%+v", document.Paths)
	}
	for name, want := range map[string]string{
		"BigColor": `{"type":"string","enum":["deep_red"],"description":"Left out: None.\n\ndeep_red: Deep."}`,
		"Thing": `{"type":"object","properties":{"long_name":{"type":"string","description":"Its name."},` +
			`"colors":{"type":"array","items":{"$ref":"#/components/schemas/BigColor"}},"any":{},"time":{"type":"integer","format":"int64"}}}`,
	} {
		var got bytes.Buffer
		if err := json.Compact(&got, document.Components.Schemas[name]); err != nil || strings.TrimSpace(got.String()) != want {
			t.Errorf("%s (%v)\n%s, want\n%s", name, err, got.String(), want)
		}
	}
}

func TestDefinitionThatDoesNotCompileIsNamedWithItsLine(t *testing.T) {
	root, file := lay(t, strings.Replace(definition, "repeated BigColor", "repeated BigColour", 1))
	if _, err := compile(t.Context(), root, file); err == nil || !strings.Contains(err.Error(), "thing.proto:25:") {
		t.Errorf("%v", err)
	}
}

func TestGoIsGeneratedBelowTheModule(t *testing.T) {
	root, file := lay(t, definition)
	if err := write(t.Context(), root, file); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"test/v7/thing.pb.go":                    "package testv7",
		"test/v7/testv7connect/thing.connect.go": "package testv7connect",
		"test/v7/openapi.json":                   `"openapi": "3.1.0"`,
	} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Contains(content, []byte(want)) {
			t.Errorf("%s has no %s (%v)", name, want, err)
		}
	}
}
