package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// meter counts requests. Its labels are closed sets: the routes, the methods of
// RFC 9110 and the five classes of status.
type meter struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeter(r *prometheus.Registry) *meter {
	m := &meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "klapka_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "klapka_http_request_seconds", Help: "Time from a request to its answer.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"route"}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

func (m *meter) measure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		route := c.Path()
		if route == "" {
			route = "other"
		}
		method := "other"
		switch r := c.Request().Method; r {
		case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
			method = r
		}
		m.requests.WithLabelValues(route, method, strconv.Itoa(c.Response().Status/100)+"xx").Inc()
		m.seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
		return err
	}
}
