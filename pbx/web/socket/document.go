package socket

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Names of the two unions in the document.
const (
	serverUnion = "ServerEvent"
	clientUnion = "ClientFrame"
)

// describe adds the frames to the document as two unions told apart by t.
func describe(api huma.API) {
	r := api.OpenAPI().Components.Schemas
	r.Map()[serverUnion] = union(r, ServerFrames())
	r.Map()[clientUnion] = union(r, ClientFrames())
	for _, name := range []string{serverUnion, clientUnion} {
		r.Map()[name].PrecomputeMessages()
	}
}

func union(r huma.Registry, frames []any) *huma.Schema {
	u := &huma.Schema{Discriminator: &huma.Discriminator{PropertyName: "t", Mapping: map[string]string{}}}
	for _, f := range frames {
		t := reflect.TypeOf(f)
		ref := r.Schema(t, true, t.Name())
		field, _ := t.FieldByName("T")
		u.OneOf = append(u.OneOf, ref)
		u.Discriminator.Mapping[field.Tag.Get("enum")] = ref.Ref
	}
	return u
}
