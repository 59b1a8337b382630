package socket

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// path is where the socket is.
const path = "/api/socket"

// Names of the two unions in the document.
const (
	serverUnion = "ServerEvent"
	clientUnion = "ClientFrame"
)

// describe adds the socket to the document, and its frames as two unions told
// apart by t.
func describe(api huma.API) {
	doc := api.OpenAPI()
	doc.AddOperation(&huma.Operation{
		OperationID: "socket", Method: http.MethodGet, Path: path, Summary: "Events of the exchange, as a WebSocket",
		Description: "The page sends ClientFrame, hello first; the exchange sends ServerEvent. Each frame is one text message.",
		Responses: map[string]*huma.Response{
			"101": {Description: "Switching Protocols"}, "401": {Description: "Unauthorized"},
			"403": {Description: "Forbidden"}, "429": {Description: "Too Many Requests"},
		},
	})
	r := doc.Components.Schemas
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
