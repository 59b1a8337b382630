package exchange

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"klapka.dev/klapka/pbx/event"
)

// registerMetrics exposes the figures that the rooms keep anyway; they are read
// when somebody asks, so that counting costs nothing more.
func (x *Exchange) registerMetrics() {
	gauge := func(name, help string, value func() float64) {
		x.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "klapka_" + name, Help: help}, value))
	}
	counter := func(name, help, label, word string, value func() float64) {
		var labels prometheus.Labels
		if label != "" {
			labels = prometheus.Labels{label: word}
		}
		x.metrics.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: "klapka_" + name, Help: help, ConstLabels: labels}, value))
	}
	gauge("calls", "Calls now.", func() float64 { return float64(x.calls.Counts().Calls) })
	gauge("legs", "Legs now, those still being cleaned up included.", func() float64 { return float64(x.calls.Counts().Legs) })
	gauge("dialogs", "SIP dialogs now, early ones included.", func() float64 { return float64(x.stack.Usages()) })
	gauge("registrations", "Registered contacts now.", func() float64 { return float64(x.registry.Len()) })
	gauge("bans", "Addresses not listened to now.", func() float64 { return float64(len(x.guard.Bans().List())) })
	counter("calls_total", "Calls since the start.", "", "", func() float64 { return float64(x.calls.Counts().Total) })

	g, s := x.guard.Counts(), x.stack.Counts()
	for word, n := range map[string]*atomic.Uint64{
		"admitted": &g.Admitted, "junk": &g.Junk, "too_long": &g.TooLong, "too_fast": &g.TooFast,
		"banned": &g.Banned, "keepalive": &g.Keepalives,
	} {
		counter("sip_received_total", "Messages from the network, by what became of them.", "verdict", word, read(n))
	}
	for word, n := range map[string]*atomic.Uint64{
		"received": &s.Invites, "challenged": &s.Challenged, "refused": &s.Refused, "sent": &s.Dialled,
	} {
		counter("sip_invites_total", "INVITEs by what became of them.", "fate", word, read(n))
	}
	for word, n := range map[string]*atomic.Uint64{
		"ack_lost": &s.AckLost, "answer_repeated": &s.Repeated, "malformed": &s.Malformed,
		"unknown_dialog": &s.Strangers, "panic": &s.Panics, "connection_refused": &g.Conns,
	} {
		counter("sip_trouble_total", "What went wrong in signalling.", "kind", word, read(n))
	}
	x.metrics.MustRegister(journalMetrics{x.bus})
}

func read(n *atomic.Uint64) func() float64 { return func() float64 { return float64(n.Load()) } }

// journalMetrics are the figures of the journal and of those who read it.
type journalMetrics struct{ bus *event.Bus }

var (
	eventsDesc  = prometheus.NewDesc("klapka_events_total", "Events published.", nil, nil)
	bytesDesc   = prometheus.NewDesc("klapka_journal_bytes_total", "Bytes written to the journal.", nil, nil)
	errorsDesc  = prometheus.NewDesc("klapka_journal_errors_total", "Times the disk refused the journal.", nil, nil)
	droppedDesc = prometheus.NewDesc("klapka_journal_dropped_total", "History events lost because the disk refused too long.", nil, nil)
	lagDesc     = prometheus.NewDesc("klapka_follower_lag_seconds", "Age of the oldest event the database has not got yet.", []string{"follower"}, nil)
)

// Describe implements prometheus.Collector.
func (m journalMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{eventsDesc, bytesDesc, errorsDesc, droppedDesc, lagDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m journalMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.bus.Stats()
	for d, v := range map[*prometheus.Desc]uint64{
		eventsDesc: s.Published, bytesDesc: s.JournalBytes, errorsDesc: s.JournalErrors, droppedDesc: s.Dropped,
	} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	for _, f := range s.Followers {
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, f.Lag.Seconds(), f.Name)
	}
}
