package exchange

import (
	"strings"
	"testing"
)

// The portal's operations are in the document that the pages' types are made of.
func TestDocumentHasThePortal(t *testing.T) {
	doc, err := Document("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"/api/admin/people/{id}"`, `"/api/admin/trace/{call}"`, `"/api/admin/records.csv"`, `"AdminPerson"`} {
		if !strings.Contains(string(doc), part) {
			t.Errorf("the document lacks %s", part)
		}
	}
}
