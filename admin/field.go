package admin

import (
	"encoding/json"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
)

// Text is a text of a request that may be null, or left out, which is not the
// same when something is changed.
type Text struct {
	Given bool
	Value string // empty for null
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	t.Given, t.Value = true, ""
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &t.Value)
}

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(null(t.Value)) }

// Schema implements huma.SchemaProvider.
func (Text) Schema(huma.Registry) *huma.Schema {
	longest := 100
	return &huma.Schema{Type: huma.TypeString, Nullable: true, MaxLength: &longest}
}

// null is a text, or null for an empty one.
func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// set assigns what was given.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// field renames the field of an error to what the request calls it.
func field(err error, from, to string) error {
	var e *pbx.Error
	if errors.As(err, &e) && e.Field == from {
		return &pbx.Error{Code: e.Code, Field: to, Message: e.Message}
	}
	return err
}
