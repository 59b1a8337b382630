package webclient

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
)

// ICEServer is a server that helps a browser to reach the exchange, as
// RTCPeerConnection wants it.
type ICEServer struct {
	URLs       []string `json:"urls" nullable:"false"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// ICEServers are all of them.
type ICEServers struct {
	Servers []ICEServer `json:"servers" nullable:"false"`
	Until   *time.Time  `json:"until" doc:"When the credentials expire; null: there are none."`
}

// iceInput learns under which name the browser reaches us.
type iceInput struct{ host string }

// Resolve implements huma.Resolver.
func (i *iceInput) Resolve(ctx huma.Context) []error {
	i.host = ctx.Host()
	if host, _, err := net.SplitHostPort(i.host); err == nil {
		i.host = host
	}
	return nil
}

type iceOutput struct{ Body ICEServers }

func (a API) registerICE(s *web.Server) {
	web.Register(s, web.Needs(auth.OwnCalls), huma.Operation{
		OperationID: "iceServers", Method: http.MethodGet, Path: "/api/ice",
		Summary: "Servers that help a browser to reach the exchange, with credentials for an hour",
	}, func(ctx context.Context, in *iceInput) (*iceOutput, error) {
		out := &iceOutput{ICEServers{Servers: []ICEServer{}}}
		if a.Relays == nil {
			return out, nil
		}
		list, until := a.Relays.Servers(web.Who(ctx).User.ID, in.host)
		for _, s := range list {
			out.Body.Servers = append(out.Body.Servers, ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
		}
		if until = until.UTC(); !until.IsZero() {
			out.Body.Until = &until
		}
		return out, nil
	})
}
