// Package web serves the chat page and the fleet page out of the binary. In
// goes what `make page` built into dist, or else the committed placeholder;
// out comes one http.Handler that talks to no other part of the node.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// The placeholder keeps a fresh clone compiling; dist holds one committed
// empty file for the same reason.
//
//go:embed placeholder all:dist
var embedded embed.FS

// securityPolicy lets the page run nothing but its own files and talk to
// nobody but its own node. 'self' covers WebSockets of the same origin.
const securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Handler serves the chat page at /, the fleet page at /fleet and their files
// beside them. It answers GET and HEAD only, revalidates by ETag, and
// compresses for clients that accept gzip. Every other path is 404.
func Handler() http.Handler {
	return serve(built())
}

// built is the page that this binary carries.
func built() fs.FS {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err)
	}
	if _, err := fs.Stat(dist, "index.html"); err == nil {
		return dist
	}
	placeholder, err := fs.Sub(embedded, "placeholder")
	if err != nil {
		panic(err)
	}
	return placeholder
}

// serve answers from the root files of pages, which are read once.
func serve(pages fs.FS) http.Handler {
	files := load(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		found, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", securityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		// A token may stand in the page's own address.
		header.Set("Referrer-Policy", "no-referrer")
		found.serve(w, r)
	})
}
