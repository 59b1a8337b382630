// Package spa serves a single-page application out of a file tree that was
// built beforehand: hashed assets that may be cached for ever, precompressed
// variants, and index.html for every address the application's own router knows.
package spa

import (
	"bytes"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// Handler serves one application. Make it with New.
type Handler struct {
	base  string
	files map[string]*file
	index *file
}

// New reads the built application in dist once and returns a handler for the
// addresses under base, which begins and ends with a slash ("/", "/admin/").
// stub is the page shown instead of index.html when dist has none, as in a
// program that was built without Node.
func New(dist fs.FS, stub []byte, base string) (*Handler, error) {
	files, err := load(dist)
	if err != nil {
		return nil, err
	}
	if files["index.html"] == nil {
		files["index.html"] = newFile("index.html", stub)
	}
	return &Handler{base: base, files: files, index: files["index.html"]}, nil
}

// ServeHTTP implements http.Handler: an existing file, or index.html for an
// address that looks like a page, or 404 for a missing asset (so that a stale
// tab gets an error it can act upon, not HTML in place of a script).
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path+"/" == h.base {
		http.Redirect(w, r, h.base, http.StatusMovedPermanently)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, h.base)
	if !ok {
		http.NotFound(w, r)
		return
	}
	f := h.files[name]
	switch {
	case f != nil:
	case path.Ext(name) == "" || name == "":
		f = h.index
	default:
		http.NotFound(w, r)
		return
	}
	h.serve(w, r, f)
}

// serve answers with the smallest variant the client takes. Each variant has an
// ETag of its own (RFC 9110 §8.8.3.3), so that a cache cannot mix them up.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, f *file) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("Cache-Control", f.cache)
	head.Set("X-Content-Type-Options", "nosniff")
	v := f.variants[0]
	if len(f.variants) > 1 {
		head.Set("Vary", "Accept-Encoding")
		v = choose(f.variants, r.Header.Get("Accept-Encoding"))
	}
	if v.encoding != "" {
		head.Set("Content-Encoding", v.encoding)
	}
	head.Set("ETag", v.etag)
	// The zero time keeps Last-Modified out: embedded files have no date.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(v.body))
}
