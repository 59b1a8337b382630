package web

import (
	"context"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web/session"
)

// Access says who may use a route. The zero Access is nobody, so that a route
// whose author did not think of it is closed.
type Access struct {
	permission auth.Permission
	open       bool
}

// Open lets everybody in, signed in or not.
func Open() Access { return Access{open: true} }

// Needs lets in who is signed in and has the permission.
func Needs(p auth.Permission) Access { return Access{permission: p} }

// csrfHeader carries the page's proof that it may read our answers.
const csrfHeader = "X-CSRF-Token"

// Names of the session cookie. The prefix binds it to HTTPS, this host and
// every path (RFC 6265bis §4.1.3.2).
const (
	plainCookie  = "klapka_session"
	secureCookie = "__Host-klapka_session"
)

// accessKey is where an operation keeps its Access in its metadata.
const accessKey = "access"

type contextKey int

// What the guard puts into a request's context.
const (
	whoKey contextKey = iota
	fromKey
	secureKey
)

// Who returns who sent the request. On a route that is Open it is the zero
// Identity.
func Who(ctx context.Context) session.Identity {
	who, _ := ctx.Value(whoKey).(session.Identity)
	return who
}

// From returns where the request comes from.
func From(ctx context.Context) session.From {
	from, _ := ctx.Value(fromKey).(session.From)
	return from
}

func isSecure(ctx context.Context) bool {
	secure, _ := ctx.Value(secureKey).(bool)
	return secure
}

// guard stands in front of every operation of the document, however it was
// registered.
func (s *Server) guard(hc huma.Context, next func(huma.Context)) {
	access, _ := hc.Operation().Metadata[accessKey].(Access)
	c := humaecho.Unwrap(hc)
	ctx, err := s.admit(c.Request(), access)
	if err != nil {
		s.handleError(err, c)
		return
	}
	next(huma.WithContext(hc, ctx))
}

// admit decides whether a request gets in, and returns the context to handle it
// with. Errors: Unauthorized, Forbidden, Unavailable.
func (s *Server) admit(r *http.Request, access Access) (context.Context, error) {
	ctx := context.WithValue(r.Context(), fromKey, fromOf(r))
	ctx = context.WithValue(ctx, secureKey, r.TLS != nil)
	if access.open {
		return ctx, nil
	}
	if s.opts.Sessions == nil {
		return nil, pbx.Errorf(pbx.Unauthorized, "sign in first")
	}
	who, err := s.opts.Sessions.Resolve(ctx, cookieOf(r), fromOf(r))
	switch {
	case err != nil:
		return nil, err
	case changes(r.Method) && !who.CSRFMatches(r.Header.Get(csrfHeader)):
		return nil, pbx.Errorf(pbx.Forbidden, "the header %s is missing or of another sign-in; GET /api/me tells it", csrfHeader)
	case !auth.Allows(who.User.Role, access.permission):
		return nil, pbx.Errorf(pbx.Forbidden, "you are not allowed to do this")
	}
	return context.WithValue(ctx, whoKey, who), nil
}

// changes reports whether a method may change something (RFC 9110 §9.2.1).
func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func fromOf(r *http.Request) session.From {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	agent := r.UserAgent()
	return session.From{IP: host, UserAgent: agent[:min(len(agent), 300)]}
}

func cookieName(secure bool) string {
	if secure {
		return secureCookie
	}
	return plainCookie
}

func cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookieName(r.TLS != nil))
	if err != nil {
		return ""
	}
	return c.Value
}

// cookie is the session cookie; an empty value takes it away.
func cookie(value string, secure bool) http.Cookie {
	c := http.Cookie{
		Name: cookieName(secure), Value: value, Path: "/", Secure: secure, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, MaxAge: int(session.Life.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// Register adds an operation to the API, for those whom access lets in; its
// handler learns by Who who it was. Errors of handler become problems by their
// code; an internal one keeps its text to itself and the log.
func Register[I, O any](s *Server, access Access, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[accessKey] = access
	op.Errors = append(op.Errors, access.refusals()...)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.problem(err, op.Path)
		}
		return out, nil
	})
}

// refusals are what the guard may answer, for the document.
func (a Access) refusals() []int {
	if a.open {
		return nil
	}
	return []int{http.StatusUnauthorized, http.StatusForbidden}
}

// Handle serves pattern (in Echo's notation) outside the API document, for those
// whom access lets in: event sockets, downloads. An error of h, returned before
// anything was written, becomes a problem.
func (s *Server) Handle(access Access, method, pattern string, h func(http.ResponseWriter, *http.Request) error) {
	s.echo.Add(method, pattern, func(c echo.Context) error {
		ctx, err := s.admit(c.Request(), access)
		if err != nil {
			return err
		}
		return h(c.Response(), c.Request().WithContext(ctx))
	})
}
