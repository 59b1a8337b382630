package exchange

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/admin"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/webclient"
)

// Document is the OpenAPI 3.1 description of everything the API can do, as JSON,
// without an exchange to do it. The clients' types are generated from it.
func Document(version string) ([]byte, error) {
	s := web.New(web.Options{
		Version: version, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Setup: func(context.Context, web.SetupRequest) error { return nil },
	})
	describe(s, webclient.API{}, admin.API{})
	return s.API().OpenAPI().MarshalJSON()
}
