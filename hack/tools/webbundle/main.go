// Command webbundle turns the page's sources into the few files that a browser
// loads: in goes chatnode/web/page with its installed node_modules, out come
// minified scripts and styles beside the copied documents.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are the scripts and styles that the documents name; whatever they
// import is bundled into them.
var entries = []string{"chat.jsx", "chat.css", "fleet.jsx", "fleet.css", "theme.js"}

// documents are copied as they are.
var documents = []string{"index.html", "fleet.html", "icon.svg"}

func main() {
	in := flag.String("in", "", "directory of the page's sources")
	out := flag.String("out", "", "directory that receives the bundle")
	flag.Parse()
	if *in == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := bundle(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "webbundle:", err)
		os.Exit(1)
	}
}

func bundle(in, out string) error {
	if _, err := os.Stat(filepath.Join(in, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no node_modules: run `npm ci` there first", in)
	}
	if err := compile(in, out); err != nil {
		return err
	}
	for _, name := range documents {
		content, err := os.ReadFile(filepath.Join(in, name))
		if err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return fmt.Errorf("copy document: %w", err)
		}
	}
	return nil
}

// compile bundles every entry. esbuild prints its own errors, with the place
// in the source.
func compile(in, out string) error {
	root, err := filepath.Abs(in)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", in, err)
	}
	target, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", out, err)
	}
	paths := make([]string, len(entries))
	for i, name := range entries {
		paths[i] = filepath.Join(root, name)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     root,
		EntryPoints:       paths,
		Outdir:            target,
		Bundle:            true,
		Write:             true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Platform:          api.PlatformBrowser,
		Format:            api.FormatIIFE,
		Target:            api.ES2022,
		JSX:               api.JSXAutomatic,
		JSXImportSource:   "preact",
		LegalComments:     api.LegalCommentsEndOfFile,
		LogLevel:          api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("%d errors in the page's sources", len(result.Errors))
	}
	return nil
}
