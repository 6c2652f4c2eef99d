package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// asset is one file of the page, ready to be sent. Its two forms are two
// representations, so each has its own tag.
type asset struct {
	contentType string
	plain       []byte
	plainTag    string
	packed      []byte // nil when gzip gains nothing
	packedTag   string
}

// load reads the root files of pages, keyed by the path they are served at:
// index.html at /, x.html at /x, all others under their own name.
func load(pages fs.FS) map[string]*asset {
	names, err := fs.Glob(pages, "*.*")
	if err != nil {
		panic(err)
	}
	files := make(map[string]*asset, len(names))
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		content, err := fs.ReadFile(pages, name)
		if err != nil {
			panic(err)
		}
		files[route(name)] = newAsset(name, content)
	}
	return files
}

func route(name string) string {
	page, isPage := strings.CutSuffix(name, ".html")
	switch {
	case !isPage:
		return "/" + name
	case page == "index":
		return "/"
	default:
		return "/" + page
	}
}

func newAsset(name string, content []byte) *asset {
	a := &asset{contentType: contentType(name), plain: content}
	sum := sha256.Sum256(content)
	tag := hex.EncodeToString(sum[:8])
	a.plainTag, a.packedTag = `"`+tag+`"`, `"`+tag+`-gzip"`
	if packed := compress(content); len(packed) < len(content) {
		a.packed = packed
	}
	return a
}

// contentType doesn't leave scripts and styles to the machine's mime tables:
// with nosniff a wrong one there would break the page.
func contentType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}

func compress(content []byte) []byte {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	// Writing to a bytes.Buffer doesn't fail.
	_, _ = zip.Write(content)
	_ = zip.Close()
	return out.Bytes()
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	body, tag := a.plain, a.plainTag
	if a.packed != nil {
		w.Header().Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			body, tag = a.packed, a.packedTag
			w.Header().Set("Content-Encoding", "gzip")
		}
	}
	w.Header().Set("Content-Type", a.contentType)
	// Names carry no content hash, so a browser asks each time and mostly
	// gets 304.
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding as far as browsers use it: a list of names
// of which one may be refused by ";q=0".
func acceptsGzip(r *http.Request) bool {
	for _, offer := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(offer), ";")
		if strings.TrimSpace(name) == "gzip" {
			weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(quality), "q="), 64)
			return err != nil || weight > 0
		}
	}
	return false
}
