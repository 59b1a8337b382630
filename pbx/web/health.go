package web

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// State is how far the exchange is, as /readyz tells it.
type State int32

// The states. A load balancer sends calls to a ready exchange only.
const (
	Starting State = iota // something does not accept yet
	Ready                 // SIP and HTTP accept, the store is migrated
	Draining              // new calls are refused, running ones go on
)

// String is the word in the answer of /readyz.
func (s State) String() string {
	return [...]string{"starting", "ready", "draining"}[s]
}

// SetState changes what /readyz answers.
func (s *Server) SetState(to State) { s.state.Store(int32(to)) }

// healthz says that the process is alive, nothing more.
func (s *Server) healthz(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"status": "alive", "version": s.opts.Version})
}

func (s *Server) readyz(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	state := State(s.state.Load())
	code := http.StatusOK
	if state != Ready {
		code = http.StatusServiceUnavailable
	}
	return c.JSON(code, map[string]string{"status": state.String()})
}

// metrics answers this machine, and others with the token. A request that came
// through a proxy, or under a name that is not this machine's, is somebody
// else's although it comes from loopback.
func (s *Server) metrics() echo.HandlerFunc {
	h := promhttp.HandlerFor(s.opts.Metrics, promhttp.HandlerOpts{ErrorLog: nil})
	return func(c echo.Context) error {
		if !s.mayReadMetrics(c.Request()) {
			c.Response().Header().Set("WWW-Authenticate", "Bearer")
			return echo.NewHTTPError(http.StatusUnauthorized, "a bearer token is needed (the setting metrics.token)")
		}
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}

func (s *Server) mayReadMetrics(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if want := s.opts.MetricsToken; bearer && want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1 {
		return true
	}
	direct := r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
	return direct && isLoopback(r.RemoteAddr) && s.ownHost(r.Host)
}
