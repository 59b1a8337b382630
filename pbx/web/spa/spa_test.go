package spa

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built(t *testing.T, base string) *Handler {
	t.Helper()
	h, err := New(fstest.MapFS{
		".keep":                   {},
		"index.html":              {Data: []byte("<!doctype html>app")},
		"index.html.br":           {Data: []byte("br:index")},
		"index.html.gz":           {Data: []byte("gz:index")},
		"assets/main-1a2b.js":     {Data: []byte("script")},
		"assets/main-1a2b.js.br":  {Data: []byte("br:script")},
		"assets/main-1a2b.js.gz":  {Data: []byte("gz:script")},
		"assets/logo-3c4d.svg":    {Data: []byte("<svg/>")},
		"manifest.webmanifest":    {Data: []byte("{}")},
		"downloads/export.tar.gz": {Data: []byte("a file of its own")},
	}, []byte("stub"), base)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// What a browser asks for is what it gets, with a type and a cache rule.
func TestServesFilesAndPages(t *testing.T) {
	const forever, ask = cacheForever, cacheRevalidate
	tests := []struct {
		path, body, kind, cache string
		status                  int
	}{
		{"/", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/index.html", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/history", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/people/101", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/assets", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/assets/", "<!doctype html>app", "text/html; charset=utf-8", ask, 200},
		{"/assets/main-1a2b.js", "script", "text/javascript; charset=utf-8", forever, 200},
		{"/assets/logo-3c4d.svg", "<svg/>", "image/svg+xml", forever, 200},
		{"/manifest.webmanifest", "{}", "application/manifest+json", ask, 200},
		{"/downloads/export.tar.gz", "a file of its own", "application/gzip", ask, 200},
		{"/assets/main-old.js", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
		{"/assets/main-1a2b.js.br", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
		{"/.keep", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
		{"/../go.mod", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
	}
	for _, base := range []string{"/", "/admin/"} {
		h := built(t, base)
		for _, tt := range tests {
			target := strings.TrimSuffix(base, "/") + tt.path
			w := get(h, target)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("%s: %d %q, want %d %q", target, w.Code, w.Body, tt.status, tt.body)
			}
			if got := w.Header().Get("Content-Type"); got != tt.kind && !strings.HasSuffix(tt.path, ".tar.gz") {
				t.Errorf("%s: type %q, want %q", target, got, tt.kind)
			}
			if got := w.Header().Get("Cache-Control"); got != tt.cache {
				t.Errorf("%s: cache %q, want %q", target, got, tt.cache)
			}
		}
	}
}

// The variant follows the client's weights (RFC 9110 §12.5.3).
func TestNegotiatesEncoding(t *testing.T) {
	tests := []struct{ accept, encoding, body string }{
		{"", "", "script"},
		{"gzip, deflate, br, zstd", "br", "br:script"},
		{"gzip", "gzip", "gz:script"},
		{"GZIP", "gzip", "gz:script"},
		{"br;q=0.5, gzip;q=0.9", "gzip", "gz:script"},
		{"br;q=0, gzip;q=0", "", "script"},
		{"*", "br", "br:script"},
		{"*;q=0", "", "script"},
		{"identity, br;q=0.3", "", "script"},
		{"identity;q=0.2, br;q=0.3", "br", "br:script"},
		{"br;q=nonsense", "", "script"},
	}
	h := built(t, "/")
	etags := map[string]string{}
	for _, tt := range tests {
		w := get(h, "/assets/main-1a2b.js", "Accept-Encoding", tt.accept)
		if w.Header().Get("Content-Encoding") != tt.encoding || w.Body.String() != tt.body {
			t.Errorf("Accept-Encoding %q: %q %q, want %q %q", tt.accept, w.Header().Get("Content-Encoding"), w.Body, tt.encoding, tt.body)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: no Vary", tt.accept)
		}
		etags[w.Header().Get("ETag")] = tt.encoding
	}
	if len(etags) != 3 {
		t.Errorf("%d different ETags for three variants: %v", len(etags), etags)
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	h := built(t, "/")
	etag := get(h, "/").Header().Get("ETag")
	if w := get(h, "/", "If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
	if w := get(h, "/", "If-None-Match", `"older"`); w.Code != http.StatusOK {
		t.Errorf("%d for an older ETag, want 200", w.Code)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	w := httptest.NewRecorder()
	built(t, "/").ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("%d, %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestOnlyReads(t *testing.T) {
	w := httptest.NewRecorder()
	built(t, "/").ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestAddressesOutsideTheBase(t *testing.T) {
	h := built(t, "/admin/")
	if w := get(h, "/admin"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/admin/" {
		t.Errorf("/admin: %d to %q, want 301 to /admin/", w.Code, w.Header().Get("Location"))
	}
	if w := get(h, "/other"); w.Code != http.StatusNotFound {
		t.Errorf("/other: %d, want 404", w.Code)
	}
}

// A program built without Node has an empty dist and still answers every page.
func TestStubWithoutABuild(t *testing.T) {
	h, err := New(fstest.MapFS{".keep": {}}, []byte("stub"), "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/", "/setup", "/index.html"} {
		if w := get(h, target); w.Code != 200 || w.Body.String() != "stub" {
			t.Errorf("%s: %d %q", target, w.Code, w.Body)
		}
	}
	if w := get(h, "/", "Accept-Encoding", "br"); w.Header().Get("Content-Encoding") != "" {
		t.Errorf("the stub claims to be %s", w.Header().Get("Content-Encoding"))
	}
}
