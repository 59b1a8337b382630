package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/web/session"
)

// status maps every error code to HTTP (RFC 9110 §15); there is no second place.
//
//exhaustive:enforce
var status = map[pbx.ErrorCode]int{
	pbx.Invalid:      http.StatusUnprocessableEntity,
	pbx.Unauthorized: http.StatusUnauthorized,
	pbx.Forbidden:    http.StatusForbidden,
	pbx.NotFound:     http.StatusNotFound,
	pbx.Conflict:     http.StatusConflict,
	pbx.TooMany:      http.StatusTooManyRequests,
	pbx.Unavailable:  http.StatusServiceUnavailable,
	pbx.Internal:     http.StatusInternalServerError,
}

// retryAfter says, in seconds, when to try again after a passing refusal.
var retryAfter = map[pbx.ErrorCode]int{pbx.TooMany: 5, pbx.Unavailable: 5}

// newAPI makes the API document at /api/openapi.json. No page of documentation
// is served: it would load scripts from elsewhere.
func newAPI(e *echo.Echo, version string) huma.API {
	c := huma.DefaultConfig("Klapka", version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath, c.SchemasPath = "", ""
	c.CreateHooks = nil // they would add $schema to every answer
	c.Transformers = append(c.Transformers, withoutValues)
	return humaecho.New(e, c)
}

// withoutValues keeps what was sent out of validation errors: it may be a
// password.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if m, ok := v.(*huma.ErrorModel); ok {
		for _, d := range m.Errors {
			d.Value = nil
		}
	}
	return v, nil
}

// problem is err as an RFC 9457 problem with its headers.
func (s *Server) problem(err error, path string) error {
	var ready huma.StatusError
	if errors.As(err, &ready) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = pbx.Errorf(pbx.Unavailable, "it took too long; try again")
	}
	var e *pbx.Error
	if !errors.As(err, &e) || e.Code == pbx.Internal {
		s.log.Error("a request failed", "path", path, "error", err)
		e = pbx.Errorf(pbx.Internal, "something went wrong here; it was logged")
	}
	m := &huma.ErrorModel{Status: status[e.Code], Title: http.StatusText(status[e.Code]), Detail: e.Message}
	if e.Field != "" {
		m.Errors = []*huma.ErrorDetail{{Message: e.Message, Location: location(e.Field)}}
	}
	wait, passing := retryAfter[e.Code]
	var throttled session.ThrottledError
	if errors.As(err, &throttled) {
		wait = throttled.Seconds()
	}
	if passing {
		return withHeaders{m, http.Header{"Retry-After": {strconv.Itoa(wait)}}}
	}
	return m
}

// withHeaders is a problem that sends headers with it.
type withHeaders struct {
	*huma.ErrorModel
	headers http.Header
}

// GetHeaders implements huma.HeadersError.
func (w withHeaders) GetHeaders() http.Header { return w.headers }

// location names an input field as huma does: a field without a place is one of
// the body.
func location(field string) string {
	if strings.Contains(field, ".") {
		return field
	}
	return "body." + field
}

// handleError answers what Echo refuses itself and what the middleware returns.
func (s *Server) handleError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	m := s.modelOf(err, c)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(m.Status) // the peer is gone if this fails
		return
	}
	body, err := json.Marshal(m)
	if err != nil {
		s.log.Error("an error could not be written", "error", err)
		return
	}
	_ = c.Blob(m.Status, "application/problem+json", body) // as above
}

func (s *Server) modelOf(err error, c echo.Context) *huma.ErrorModel {
	var he *echo.HTTPError
	if errors.As(err, &he) {
		m := &huma.ErrorModel{Status: he.Code, Title: http.StatusText(he.Code)}
		if text, ok := he.Message.(string); ok && text != m.Title {
			m.Detail = text
		}
		return m
	}
	err = s.problem(err, c.Request().URL.Path)
	var h huma.HeadersError
	if errors.As(err, &h) {
		for k, v := range h.GetHeaders() {
			c.Response().Header()[k] = v
		}
	}
	var m *huma.ErrorModel
	var with withHeaders
	switch {
	case errors.As(err, &with):
		return with.ErrorModel
	case errors.As(err, &m):
		return m
	}
	return &huma.ErrorModel{Status: http.StatusInternalServerError, Title: http.StatusText(http.StatusInternalServerError)}
}
