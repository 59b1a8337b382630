package transport

import (
	"context"
	"log/slog"
	"maps"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// tuneSipgo sets what sipgo keeps in package variables. They belong to the
// process, are never changed again, and must be set before the first edge reads
// them, hence once.
var tuneSipgo = sync.OnceFunc(func() {
	// By default messages above 1300 bytes are refused on UDP, answers included
	// (P13). IP fragments them; phones and we reassemble.
	sip.UDPMTUSize = 65000
	// Its stream transports log there, whatever logger their layer is given, and
	// call every connection that ends an error.
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	sipgo.Init()
})

// headerParsers is sipgo's table without Contact, of which it keeps only the
// last and tears quoted parameters apart (P15): the raw text stays, package
// header reads it. The table is a copy because sipgo hands out its own (P14).
func headerParsers() map[string]sip.HeaderParser {
	m := maps.Clone(sip.DefaultHeadersParser())
	delete(m, "contact")
	delete(m, "m")
	return m
}

// quietHandler turns whatever sipgo logs into debug records: a peer's malformed
// message is an error to sipgo, and a flood of log lines to us.
type quietHandler struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h quietHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h quietHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(a)}
}

// WithGroup implements slog.Handler.
func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
