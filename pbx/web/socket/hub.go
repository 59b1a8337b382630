package socket

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
	"klapka.dev/klapka/pbx/web/session"
)

// Bounds of memory.
const (
	kept         = 2000 // frames kept for those who come back
	eventBuffer  = 4096 // events the hub may be behind
	perUser      = 20   // sockets of one user
	lookEvery    = time.Second
	measureEvery = 5 * time.Second
	offlineAfter = 5 * time.Second // a page that is reloaded is not away
)

// Bus is where events come from; event.Bus is one.
type Bus interface {
	Subscribe(buffer int, filter func(pbx.Event) bool) *event.Subscription
	Epoch() uint64
}

// Options make a Hub. Browsers may be nil: pages then see, but have no sound.
type Options struct {
	Bus       Bus
	Picture   func() live.Picture // the present state; called now and then
	Directory live.Directory
	Sessions  *session.Manager
	Browsers  pbx.Browsers
	Log       *slog.Logger
}

// Hub feeds the pages. Its methods may be called from any goroutine.
type Hub struct {
	o     Options
	epoch uint64
	moved chan pbx.CallID // calls that may be in another page than shown

	mu        sync.Mutex
	sub       *event.Subscription
	projector *live.Projector
	stale     bool // an event was missed
	seq       uint64
	ring      ring
	conns     map[*conn]struct{}
	users     map[string]int            // sockets by user id, those not greeted yet included
	online    map[string]*presence      // by extension
	renewed   map[string]uint64         // by user id: what he saw up to here was of other rights
	measured  map[pbx.LegID]pbx.Quality // when last told; Run's alone
	closed    bool
	closing   chan struct{} // closed with it
	serving   sync.WaitGroup
}

// presence is how many pages of an extension's user are open.
type presence struct {
	pages int
	left  time.Time // when the last one went
}

// New makes a hub that knows the present state; Run keeps it up to date.
func New(o Options) *Hub {
	h := &Hub{
		o: o, epoch: o.Bus.Epoch(), moved: make(chan pbx.CallID, 256),
		conns: map[*conn]struct{}{}, users: map[string]int{}, online: map[string]*presence{}, renewed: map[string]uint64{},
		closing: make(chan struct{}),
	}
	var place func(pbx.LegID) (string, bool)
	if o.Browsers != nil {
		place = func(leg pbx.LegID) (string, bool) {
			at, ok := o.Browsers.Place(leg)
			return at.Tab, ok
		}
	}
	h.projector = live.New(o.Directory, place)
	h.sub = h.subscribe()
	h.reset()
	if o.Sessions != nil {
		o.Sessions.OnEnded(h.signedOut)
	}
	return h
}

// Register adds the socket to a server, and its frames to the document.
func (h *Hub) Register(s *web.Server) {
	s.Handle(web.Needs(auth.OwnAccount), http.MethodGet, path, h.serveHTTP)
}

// Describe adds the frames to the document of a server.
func Describe(s *web.Server) { describe(s.API()) }

func (h *Hub) subscribe() *event.Subscription { return h.o.Bus.Subscribe(eventBuffer, nil) }

// Run follows the events until ctx ends, then closes every socket.
func (h *Hub) Run(ctx context.Context) {
	defer h.Close()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	measure := time.NewTicker(measureEvery)
	defer measure.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-h.sub.C():
			if !ok && !h.sub.Lagged() {
				return // the bus has closed
			}
			h.take(e, ok)
		case id := <-h.moved:
			h.mu.Lock()
			h.publish(h.projector.RefreshCall(id))
			h.mu.Unlock()
		case <-look.C:
			h.look()
		case <-measure.C:
			h.measure()
		}
	}
}

// take passes one event on; after a gap it starts again from the present state.
func (h *Hub) take(e pbx.Event, ok bool) {
	if !ok {
		h.o.Log.Warn("live view fell behind the events; starting again from the present state")
		h.mu.Lock()
		h.sub = h.subscribe() // before the picture, so that nothing between is missed
		h.mu.Unlock()
		h.reset()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	changes, known := h.projector.Apply(e)
	h.stale = h.stale || !known
	h.publish(changes)
}

// reset brings the view in line with the exchange.
func (h *Hub) reset() {
	now := h.o.Picture()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stale = false
	h.publish(h.projector.Reset(now))
}

// look sees to what no event tells: names, pages that went, gaps.
func (h *Hub) look() {
	now := time.Now()
	h.mu.Lock()
	stale := h.stale
	for ext, p := range h.online {
		if p.pages == 0 && now.Sub(p.left) >= offlineAfter {
			delete(h.online, ext)
			h.publish(h.projector.SetOnline(ext, false, now.UTC()))
		}
	}
	h.publish(h.projector.Refresh(now.UTC()))
	h.mu.Unlock()
	if stale {
		h.reset()
	}
}

// People returns everybody with the state of his line, in the order of numbers.
func (h *Hub) People() []live.Person {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.projector.People()
}

// Calls returns the calls of an extension, the oldest first.
func (h *Hub) Calls(extension string) []live.OwnCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.projector.Calls(extension)
}

// Owns reports whether a running leg is one of the extension's.
func (h *Hub) Owns(extension string, leg pbx.LegID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.projector.Owns(extension, leg)
}

// Sockets is the number of open ones.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// signedOut closes the sockets of sign-ins that ended.
func (h *Hub) signedOut(e session.Ended) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		if e.Concerns(c.who.Session) {
			c.end(ByeSignedOut)
		}
	}
}

// Close ends every socket and waits until they are gone; further ones are
// refused.
func (h *Hub) Close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
	for c := range h.conns {
		c.end(ByeShutdown)
	}
	h.sub.Close()
	h.mu.Unlock()
	h.serving.Wait()
}
