package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// module is what the paths of generated Go files are below.
const module = "github.com/chatfleet/chatfleet"

// compile reads a definition with its comments. Google's own files, such as struct.proto, are built in.
func compile(ctx context.Context, root, file string) (protoreflect.FileDescriptor, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", file, err)
	}
	return files[0], nil
}

// goFiles runs the generators of Go code. What comes back is by path below the module's root.
func goFiles(ctx context.Context, definition protoreflect.FileDescriptor) (map[string][]byte, error) {
	made := map[string][]byte{}
	for generator, parameter := range map[string]string{
		"protoc-gen-go":         "module=" + module,
		"protoc-gen-connect-go": "simple,module=" + module,
	} {
		answer, err := generate(ctx, generator, &pluginpb.CodeGeneratorRequest{
			FileToGenerate: []string{definition.Path()},
			Parameter:      proto.String(parameter),
			ProtoFile:      withImports(definition, map[string]bool{}),
		})
		if err != nil {
			return nil, err
		}
		for _, f := range answer.GetFile() {
			made[f.GetName()] = []byte(f.GetContent())
		}
	}
	return made, nil
}

// withImports lists a file behind everything that it imports, as generators want it.
func withImports(file protoreflect.FileDescriptor, seen map[string]bool) (list []*descriptorpb.FileDescriptorProto) {
	if seen[file.Path()] {
		return nil
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		list = append(list, withImports(file.Imports().Get(i).FileDescriptor, seen)...)
	}
	return append(list, protodesc.ToFileDescriptorProto(file))
}

// generate runs a generator, which is a tool of this module.
func generate(ctx context.Context, generator string, q *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	question, err := proto.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", generator, err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "tool", generator)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run %s: %w", generator, err)
	}
	answer := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out.Bytes(), answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", generator, err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s: %s", generator, answer.GetError())
	}
	return answer, nil
}
