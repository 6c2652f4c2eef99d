package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// source is what only the Go package knows: the order of the fields, which types are somebody else's, and the constants.
type source struct {
	structs   map[string][]field
	constants []constant
}

// field is one field of a struct, by its name in JSON.
type field struct {
	name    string
	local   string // the struct of this package that it is, or has items of
	foreign string // the type of another package that it is, or has items of, such as v1.ResourceRequirements
}

// constant is a constant with its text value and the first lines of its comment.
type constant struct {
	name, value, text string
}

func readSource(dir string) (*source, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("read the types: %w", err)
	}
	sort.Strings(files)
	s := &source{structs: map[string][]field{}}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.Base(path), "zz_") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read the types: %w", err)
		}
		packages := imports(file)
		for _, declaration := range file.Decls {
			if d, is := declaration.(*ast.GenDecl); is {
				s.take(d, packages)
			}
		}
	}
	return s, nil
}

// take notes the structs and the constants of a declaration.
func (s *source) take(d *ast.GenDecl, packages map[string]string) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if body, is := spec.Type.(*ast.StructType); is {
				s.structs[spec.Name.Name] = fieldsOf(body, packages)
			}
		case *ast.ValueSpec:
			if literal, is := first(spec.Values).(*ast.BasicLit); d.Tok == token.CONST && is && literal.Kind == token.STRING {
				value, _ := strconv.Unquote(literal.Value) // the parser took it for a string
				s.constants = append(s.constants, constant{spec.Names[0].Name, value, oneLine(spec.Doc.Text())})
			}
		}
	}
}

func first(values []ast.Expr) ast.Expr {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// imports are the packages of a file, by the name they have in it: group and version, such as core/v1.
func imports(file *ast.File) map[string]string {
	packages := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // the parser took it for a string
		name := filepath.Base(path)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		packages[name] = filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
	}
	return packages
}

func fieldsOf(body *ast.StructType, packages map[string]string) []field {
	var fields []field
	for _, f := range body.Fields.List {
		tag := ""
		if f.Tag != nil {
			text, _ := strconv.Unquote(f.Tag.Value) // the parser took it for a string
			tag = reflect.StructTag(text).Get("json")
		}
		name, _, _ := strings.Cut(tag, ",")
		next := field{name: name}
		next.local, next.foreign = named(f.Type, packages)
		fields = append(fields, next)
	}
	return fields
}

// named is the type behind pointers, lists and maps: one of this package or one of another.
func named(e ast.Expr, packages map[string]string) (local, foreign string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return named(e.X, packages)
	case *ast.ArrayType:
		return named(e.Elt, packages)
	case *ast.MapType:
		return named(e.Value, packages)
	case *ast.Ident:
		return e.Name, ""
	case *ast.SelectorExpr:
		if from, is := e.X.(*ast.Ident); is {
			return "", packages[from.Name] + " " + e.Sel.Name
		}
	}
	return "", ""
}

// fields are those of a struct in the order of the source, embedded ones where they are embedded.
func (s *source) fields(of string) []field {
	var all []field
	for _, f := range s.structs[of] {
		if f.name == "" && f.local != "" {
			all = append(all, s.fields(f.local)...)
			continue
		}
		all = append(all, f)
	}
	return all
}

// oneLine joins the lines of a comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
