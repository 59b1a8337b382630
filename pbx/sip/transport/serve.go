package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// Handler answers one request. It runs in a goroutine of its own; the server
// transaction of a request without a final answer ends when it returns (P4), so
// an INVITE's handler stays until tx.Done(). ctx ends with the edge. A panic is
// contained and answered with 500. req.Source() is the peer's real address.
//
// tx.Respond refuses what Sanitize refuses.
type Handler func(ctx context.Context, flow Flow, req *sip.Request, tx sip.ServerTransaction)

// StrayHandler gets responses that belong to no client transaction: repeated
// 2xx to an INVITE whose transaction is over, and 2xx of further forks
// (RFC 3261 §13.2.2.4).
type StrayHandler func(e *Edge, res *sip.Response)

// Handle sets the handler of a method. Call it before Start.
func (e *Edge) Handle(method sip.RequestMethod, h Handler) {
	e.server.OnRequest(method, e.contain(h))
}

// HandleOther sets the handler of every method without one of its own.
func (e *Edge) HandleOther(h Handler) { e.server.OnNoRoute(e.contain(h)) }

// HandleStray sets the receiver of stray responses.
func (e *Edge) HandleStray(h StrayHandler) { e.stray.Store(&h) }

// OnConnectionLost has f told of every stream connection that ended while the
// edge lives, whoever ended it; several may ask, before Start. f runs in a
// goroutine of its own.
func (e *Edge) OnConnectionLost(f func(Flow)) { e.lost = append(e.lost, f) }

// contain wraps a handler: it finds the flow, guards what is answered and
// outlives what the handler does wrong.
func (e *Edge) contain(h Handler) func(*sip.Request, sip.ServerTransaction) {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		if e.ctx.Err() != nil || !e.work.enter() {
			return // Close has ended the transactions it saw, and would wait for this one
		}
		defer e.work.leave()
		flow, ok := e.flowOf(req)
		if !ok {
			return // its connection is gone: nobody is there to be answered
		}
		seen := *req // a copy, because the transaction reads its own at any time
		seen.SetSource(flow.Remote.String())
		g := &guardedTx{ServerTransaction: tx, edge: e}
		defer func() {
			if r := recover(); r != nil {
				e.panicked(r, &seen, g)
			}
		}()
		h(e.ctx, flow, &seen, g)
	}
}

// panicked reports a handler's panic and answers in its place.
func (e *Edge) panicked(r any, req *sip.Request, tx *guardedTx) {
	e.counts.Panics.Add(1)
	e.log.Error("sip handler panicked", "method", req.Method, "panic", fmt.Sprint(r),
		"stack", string(debug.Stack()))
	if tx.final.Load() || req.IsAck() {
		return
	}
	_ = tx.Respond(sip.NewResponseFromRequest(req, sip.StatusInternalServerError, "Server Internal Error", nil))
}

// flowOf finds the way a request came. On UDP the guard has written the source
// into the top Via, where nobody else can.
func (e *Edge) flowOf(req *sip.Request) (Flow, bool) {
	if e.stream != nil {
		remote, err := netip.ParseAddrPort(req.Source())
		if err != nil {
			return Flow{}, false
		}
		c := e.stream.find(unmap(remote), 0)
		if c == nil {
			return Flow{}, false
		}
		return Flow{Edge: e, Remote: c.remote, ConnID: c.id}, true
	}
	remote, ok := viaSource(req.Via())
	return Flow{Edge: e, Remote: remote}, ok
}

// strayResponse hands on what no transaction wanted.
func (e *Edge) strayResponse(res *sip.Response) {
	h := e.stray.Load()
	if h == nil || !e.work.enter() {
		return
	}
	defer e.work.leave()
	defer func() {
		if r := recover(); r != nil {
			e.counts.Panics.Add(1)
			e.log.Error("sip response handler panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	(*h)(e, res)
}

// connLost tells those who asked, unless it is we who go: registrations of
// streams outlive a restart. It is called under sipgo's locks.
func (e *Edge) connLost(c *streamConn) {
	if len(e.lost) == 0 || e.ctx.Err() != nil || !e.work.enter() {
		return
	}
	go func() {
		defer e.work.leave()
		for _, f := range e.lost {
			f(Flow{Edge: e, Remote: c.remote, ConnID: c.id})
		}
	}()
}

// guardedTx is a server transaction whose answers pass Sanitize.
type guardedTx struct {
	sip.ServerTransaction
	edge  *Edge
	final atomic.Bool
}

// Respond implements sip.ServerTransaction.
func (t *guardedTx) Respond(res *sip.Response) error {
	if err := Sanitize(res); err != nil {
		t.edge.counts.Refused.Add(1)
		t.edge.log.Error("sip response refused", slog.Int("status", res.StatusCode), "error", err)
		return err
	}
	if !res.IsProvisional() {
		t.final.Store(true)
	}
	return t.ServerTransaction.Respond(res)
}

// workers counts what runs for an edge, so that Close can wait for it; unlike a
// WaitGroup it lets work arrive while somebody waits.
type workers struct {
	mu     sync.Mutex
	n      int
	closed bool
	idle   chan struct{}
}

// enter reports whether work may begin.
func (w *workers) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.n++
	return true
}

func (w *workers) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n--
	if w.n == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// wait refuses further work and returns when none is left.
func (w *workers) wait() {
	w.mu.Lock()
	w.closed = true
	if w.n == 0 {
		w.mu.Unlock()
		return
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	<-idle
}
