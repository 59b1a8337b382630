package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"klapka.dev/klapka/pbx"
)

// contentPolicy lets pages run scripts of our own files only. Styles may stand
// in the page, because the component library writes its variables there.
const contentPolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// permissions keeps what a softphone needs and gives up the rest.
const permissions = "microphone=(self), camera=(self), display-capture=(self), geolocation=(), payment=(), usb=(), serial=()"

// requestIDKey is where the request's id is kept in its Echo context.
const requestIDKey = "request"

// requestID gives each request a name that its log lines and its answer carry.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := pbx.NewID()
		c.Set(requestIDKey, id)
		c.Response().Header().Set("X-Request-Id", id)
		return next(c)
	}
}

// accessLog writes a line per request, at debug: at info it would say more of
// the health checks than of people.
func (s *Server) accessLog(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // writes the answer, so that its status is known below
		}
		r := c.Request()
		s.log.Debug("request", "request", c.Get(requestIDKey), "method", r.Method, "path", r.URL.Path,
			"status", c.Response().Status, "bytes", c.Response().Size, "took", time.Since(start), "remote", r.RemoteAddr)
		return nil
	}
}

// recoverPanic turns a fault of ours into a 500 and a log line.
func (s *Server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if e, ok := r.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(r) // the agreed way to drop a connection
			}
			s.log.Error("a request handler failed", "request", c.Get(requestIDKey), "path", c.Request().URL.Path,
				"panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = pbx.Errorf(pbx.Internal, "panic: %v", r)
		}()
		return next(c)
	}
}

func (s *Server) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", permissions)
		if c.IsTLS() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(c.Request().URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// checkHost refuses names that are not ours (RFC 9110 §7.4): a stranger's page
// whose name was made to point here (DNS rebinding) must reach nothing.
func (s *Server) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if (len(s.opts.Hosts) > 0 || s.opts.LoopbackOnly) && !s.ownHost(c.Request().Host) {
			return echo.NewHTTPError(http.StatusMisdirectedRequest, "this server does not go by that name; the setting http.hosts lists its names")
		}
		return next(c)
	}
}

func (s *Server) ownHost(hostport string) bool {
	host := strings.ToLower(hostOnly(hostport))
	if host == "localhost" || slices.Contains(s.opts.Hosts, host) {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// redirectToHTTPS sends browsers of other machines to the encrypted port: only
// there, and on localhost, they give a page the microphone. Probes are let be.
func (s *Server) redirectToHTTPS(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		port := s.httpsPort.Load()
		r := c.Request()
		if port == 0 || c.IsTLS() || isLoopback(r.RemoteAddr) || isProbe(r.URL.Path) {
			return next(c)
		}
		host := net.JoinHostPort(hostOnly(r.Host), strconv.Itoa(int(port)))
		return c.Redirect(http.StatusPermanentRedirect, "https://"+strings.TrimSuffix(host, ":443")+r.URL.RequestURI())
	}
}

func isProbe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// sameOrigin refuses requests that change something and come from a page of
// another origin, whatever cookies they carry.
func (s *Server) sameOrigin() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return echo.NewHTTPError(http.StatusForbidden, "the request comes from a page of another origin")
			}
			return next(c)
		}
	}
}

// limitTime bounds what a handler of the API may take. Sockets last longer.
func (s *Server) limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !strings.HasPrefix(r.URL.Path, "/api/") || r.Header.Get("Upgrade") != "" {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(r.Context(), handlerTimeout)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// isLoopback reports whether an address as in http.Request.RemoteAddr is this
// machine's own.
func isLoopback(remote string) bool {
	ap, err := netip.ParseAddrPort(remote)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
