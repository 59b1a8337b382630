package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"klapka.dev/klapka/pbx/web/spa"
)

// Whether or not Node was there when the program was built, every page of the
// portal answers with a document that names the product.
func TestEveryPageAnswers(t *testing.T) {
	h := Handler()
	for _, target := range []string{Base, "/admin/people", "/admin/records?cause=busy"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Klapka") {
			t.Errorf("%s: %d %.80q", target, w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: type %q", target, got)
		}
	}
}

// The page of a program built without Node speaks all three languages and loads
// nothing from elsewhere.
func TestStubSpeaksThreeLanguages(t *testing.T) {
	h, err := spa.New(fstest.MapFS{}, stub, Base)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, Base, nil))
	page := w.Body.String()
	for _, lang := range []string{`lang="en"`, `lang="de"`, `lang="cs"`} {
		if !strings.Contains(page, lang) {
			t.Errorf("no section with %s", lang)
		}
	}
	if strings.Contains(page, "://") || strings.Contains(page, "<script") {
		t.Error("the stub refers to other addresses or runs scripts")
	}
}
