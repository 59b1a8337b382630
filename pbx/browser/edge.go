package browser

import (
	"log/slog"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// EdgeName is the edge of bindings and legs of browsers.
const EdgeName = "browser"

// contactScheme begins the contact, and the device id, of a browser.
const contactScheme = "browser:"

// Bounds of what one user or page may keep here.
const (
	maxSessions = 20 // media sessions of a user
	maxLegs     = 16 // legs of a page
)

// Options make an Edge. Zero durations take their default; the rest must be set.
type Options struct {
	Sessions func(onState func(peer.State)) (Session, error) // see Through
	Host     leg.Host
	People   People
	Events   pbx.Publisher
	Log      *slog.Logger
	Grace    time.Duration // how long a leg is kept without its page; 30 s
	Asleep   time.Duration // after how long without a heartbeat a page is asleep; 15 s
}

// Edge is the edge of browsers. One mutex guards all it knows; under it nothing
// waits: legs, sockets and media sessions are only posted to.
type Edge struct {
	o   Options
	log *slog.Logger

	mu      sync.Mutex
	tabs    map[pbx.Tab]*tab
	users   map[string]map[*tab]struct{}
	clients map[clientID]*client
	legs    map[pbx.LegID]*usage
	missed  memory
	closed  bool
}

// clientID names a browser profile of a user.
type clientID struct{ user, client string }

// client is a browser profile with at least one page; it rings as one device.
type client struct {
	id        clientID
	extension string
	agent     string
	remote    string
	since     time.Time
	tabs      map[*tab]struct{}
	awake     bool // some page answers heartbeats; as last told
}

func (c *client) device() string { return contactScheme + c.id.client }

// New returns an edge without browsers.
func New(o Options) *Edge {
	if o.Grace <= 0 {
		o.Grace = 30 * time.Second
	}
	if o.Asleep <= 0 {
		o.Asleep = 15 * time.Second
	}
	return &Edge{
		o: o, log: o.Log, tabs: map[pbx.Tab]*tab{}, users: map[string]map[*tab]struct{}{},
		clients: map[clientID]*client{}, legs: map[pbx.LegID]*usage{},
	}
}

// SetHost names who takes incoming legs. It is for wiring, where edge and call
// control need each other, and must be called before the first page connects.
func (e *Edge) SetHost(h leg.Host) { e.o.Host = h }

// Endpoints makes the endpoints of browser legs: slots that get their media
// session once it is known which page they are in.
func (e *Edge) Endpoints() media.Factory { return slots{} }

type slots struct{}

// NewEndpoint implements media.Factory.
func (slots) NewEndpoint(o media.Options) (media.Endpoint, error) { return peer.NewSlot(o), nil }

// Bindings are the browsers in which somebody may be called under the number:
// one for each profile that has an awake page. Username is the user's id.
func (e *Edge) Bindings(extension string) []pbx.Binding {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []pbx.Binding
	for _, c := range e.clients {
		if extension == "" || c.extension != extension || !c.awake {
			continue
		}
		out = append(out, pbx.Binding{
			Device: c.device(), Username: c.id.user, Extension: c.extension, Contact: c.device(),
			UserAgent: c.agent, Edge: EdgeName, Remote: address(c.remote), Registered: c.since,
		})
	}
	return out
}

// Close forgets every page and ends the media sessions. Legs are not ended: that
// is call control's, before.
func (e *Edge) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, t := range e.tabs {
		e.drop(t)
	}
	return nil
}

// rouse finds out whether a client is awake, and tells when that changed.
func (e *Edge) rouse(c *client) {
	awake := false
	for t := range c.tabs {
		awake = awake || t.link != nil && !t.asleep
	}
	if awake == c.awake {
		return
	}
	c.awake = awake
	e.o.Events.Publish(pbx.Event{Body: pbx.DeviceReachable{
		Device: c.device(), Extension: c.extension, Contact: c.device(), Reachable: awake,
	}})
}
