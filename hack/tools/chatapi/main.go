// Command chatapi compiles the chat service's definition. In goes the folder with a .proto file; out come, in the same folder, its Go types,
// its Connect handlers and clients, and openapi.json, which describes the same calls for everybody who speaks HTTP and JSON.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

func main() {
	root := flag.String("root", "", "folder from which imports are found, the repository's")
	file := flag.String("file", "", "the definition, below the root")
	flag.Parse()
	if *root == "" || *file == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(context.Background(), *root, *file); err != nil {
		fmt.Fprintln(os.Stderr, "chatapi:", err)
		os.Exit(1)
	}
}

func write(ctx context.Context, root, file string) error {
	definition, err := compile(ctx, root, file)
	if err != nil {
		return err
	}
	made, err := goFiles(ctx, definition)
	if err != nil {
		return err
	}
	description, err := openAPI(definition)
	if err != nil {
		return err
	}
	made[path.Join(path.Dir(file), "openapi.json")] = description
	for name, content := range made {
		to := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
