package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/pbx/web/session"
)

// Limits of a connection. A peer that sends or reads slowly holds a goroutine
// and a few kilobytes for this long at most.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	handlerTimeout    = 20 * time.Second
	maxHeaderBytes    = 32 << 10
	maxBodyBytes      = 1 << 20
	maxConnections    = 4096 // of one listener

	maxConnectionsPerSource = 256
)

// Options are what a Server is made of. Log and Metrics are required.
type Options struct {
	Version string
	Log     *slog.Logger
	Metrics *prometheus.Registry

	// MetricsToken opens /metrics to other machines; empty: loopback only.
	MetricsToken string
	// Hosts are the names under which browsers may come; IP addresses and
	// localhost are always allowed. Empty: any name, save on a demo.
	Hosts []string
	// LoopbackOnly refuses unknown names even when Hosts is empty: a page of a
	// stranger that has its own name point at 127.0.0.1 reaches nothing.
	LoopbackOnly bool

	Client http.Handler // pages at /
	Admin  http.Handler // pages at /admin/
	Setup  SetupFunc    // nil: there is nothing to set up

	// Sessions is who is signed in; nil: nobody can be.
	Sessions *session.Manager
}

// Server answers HTTP on any number of listeners.
type Server struct {
	log   *slog.Logger
	opts  Options
	echo  *echo.Echo
	api   huma.API
	state atomic.Int32 // State

	httpsPort atomic.Uint32 // where plain HTTP is redirected to; 0: nowhere

	mu      sync.Mutex
	servers []*http.Server
	serving sync.WaitGroup
	closed  bool
}

// New returns a server that does not listen yet and is not ready.
func New(o Options) *Server {
	s := &Server{log: o.Log, opts: o, echo: echo.New()}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // what it would say, we log ourselves
	e.HTTPErrorHandler = s.handleError
	e.Pre(s.requestID, newMeter(o.Metrics).measure, s.accessLog, s.recoverPanic)
	e.Pre(s.securityHeaders, s.checkHost, s.redirectToHTTPS, s.sameOrigin())
	e.Pre(middleware.BodyLimit(strconv.Itoa(maxBodyBytes)), s.limitTime)
	s.api = newAPI(e, o.Version)
	s.api.UseMiddleware(s.guard)
	s.routes()
	return s
}

// API is the document the rooms register their operations in, with Register.
func (s *Server) API() huma.API { return s.api }

// Routes lists every route there is, as "GET /api/calls/:leg", in order. What is
// below /api/ and not there is refused as not found by a route that is not
// listed.
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.echo.Routes() {
		if r.Path != unknownAPI && !strings.Contains(r.Method, "echo_") {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	slices.Sort(out)
	return out
}

// unknownAPI is the pattern of what the API does not have.
const unknownAPI = "/api/*"

// ServeHTTP answers one request; tests use it without a listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// routes is everything this room answers itself.
func (s *Server) routes() {
	e := s.echo
	e.GET("/healthz", s.healthz)
	e.HEAD("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.HEAD("/readyz", s.readyz)
	e.GET("/metrics", s.metrics())
	e.Any(unknownAPI, func(echo.Context) error { return echo.ErrNotFound })
	if s.opts.Setup != nil {
		s.registerSetup()
	}
	s.registerSession()
	s.registerAccount()
	if s.opts.Admin != nil {
		e.GET("/admin", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/admin/") })
		e.Match([]string{http.MethodGet, http.MethodHead}, "/admin/*", echo.WrapHandler(s.opts.Admin))
	}
	if s.opts.Client != nil {
		e.Match([]string{http.MethodGet, http.MethodHead}, "/*", echo.WrapHandler(s.opts.Client))
	}
}

// Serve accepts connections on l in the background until Shutdown or Close. With
// a certificate source they are encrypted. The listener is the server's from
// then on.
func (s *Server) Serve(l net.Listener, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	l = limitConnections(l, maxConnections, maxConnectionsPerSource)
	if certificate != nil {
		h.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate}
		s.httpsPort.CompareAndSwap(0, uint32(portOf(l.Addr())))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close() // nobody will hear of it any more
		return
	}
	s.servers = append(s.servers, h)
	s.serving.Go(func() {
		var err error
		if certificate != nil {
			err = h.ServeTLS(l, "", "")
		} else {
			err = h.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the web server stopped", "address", l.Addr().String(), "error", err)
		}
	})
}

// Shutdown stops accepting, waits until requests under way are answered or ctx
// ends, and then closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.SetState(Draining)
	s.mu.Lock()
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	var first error
	for _, h := range servers {
		if err := h.Shutdown(ctx); err != nil {
			_ = h.Close() // forced; its error is that of Shutdown
			first = errors.Join(first, err)
		}
	}
	s.serving.Wait()
	return first
}

func portOf(a net.Addr) uint16 {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return 0
	}
	return ap.Port()
}
