package trace

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

// Options bound a Recorder; a zero field means its default.
type Options struct {
	Calls    int // calls remembered; 500
	Refused  int // refused INVITEs remembered beside them; 200
	Messages int // messages kept of one dialog; 100
	Events   int // events kept of one call; 300
	Bytes    int // of all messages together; 32 MiB
	Log      *slog.Logger
}

// maxMessage is how much of one message is kept, in bytes.
const maxMessage = 16 << 10

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *int
		value int
	}{{&o.Calls, 500}, {&o.Refused, 200}, {&o.Messages, 100}, {&o.Events, 300}, {&o.Bytes, 32 << 20}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Message is one SIP message as an edge saw it.
type Message struct {
	Edge   string
	Sent   bool // by us; else received
	Banned bool // from an address that is not listened to
	Remote netip.AddrPort
	Raw    []byte // copied when it is kept
}

// Messages is the port by which edges hand over what passes them. It is quick
// and may be called from any goroutine.
type Messages interface {
	Message(m Message)
}

// Recorder remembers. It implements Messages and pbx.Traces.
type Recorder struct {
	o Options

	mu      sync.Mutex
	calls   shelf              // calls, the oldest first
	refused shelf              // INVITEs without a call, likewise
	dialogs map[string]*dialog // by Call-ID
	bytes   int
	known   knowledge
}

// story is what is remembered of one call or refused INVITE.
type story struct {
	id       pbx.CallID
	at       time.Time
	events   []pbx.Event
	dropped  int
	dialogs  []*dialog
	isCall   bool
	refused  *pbx.CallRefused
	banned   netip.Addr // set when it stands for INVITEs of a banned address
	attempts int
}

// dialog is the messages with one Call-ID.
type dialog struct {
	id       string
	owner    *story
	leg      pbx.LegID
	messages []message
	dropped  int
	bytes    int
}

type message struct {
	at     time.Time
	edge   string
	sent   bool
	remote netip.AddrPort
	raw    []byte
}

// New returns a Recorder that remembers nothing yet.
func New(o Options) *Recorder {
	o = o.withDefaults()
	return &Recorder{
		o: o, dialogs: make(map[string]*dialog), known: newKnowledge(),
		calls: shelf{max: o.Calls, byID: map[pbx.CallID]*story{}}, refused: shelf{max: o.Refused, byID: map[pbx.CallID]*story{}},
	}
}

// buffer is how many events may wait: a second of a busy exchange.
const buffer = 8192

// Run listens to the bus until ctx ends or the bus closes. When it did not keep
// up, it goes on with what comes then.
func (r *Recorder) Run(ctx context.Context, bus *event.Bus) {
	for ctx.Err() == nil {
		sub := bus.Subscribe(buffer, wanted)
		r.listen(ctx, sub)
		sub.Close()
		if !sub.Lagged() {
			return
		}
		r.o.Log.Warn("the trace missed some events")
	}
}

func (r *Recorder) listen(ctx context.Context, sub *event.Subscription) {
	for {
		select {
		case e, ok := <-sub.C():
			if !ok {
				return
			}
			r.Event(e)
		case <-ctx.Done():
			return
		}
	}
}

// wanted chooses the events that belong to a call or explain one.
func wanted(e pbx.Event) bool {
	switch e.Body.(type) {
	case pbx.CallRefused, pbx.DeviceRegistered, pbx.DeviceUnregistered, pbx.AuthFailed:
		return true
	}
	return e.Call != ""
}

// Message implements Messages.
func (r *Recorder) Message(m Message) {
	method, request := methodOf(m.Raw)
	if request && notOfCalls(method) {
		return // registrations and pings would push out the calls
	}
	id := callID(m.Raw)
	if len(id) == 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.dialogs[string(id)]
	switch {
	case m.Banned:
		r.banned(m, now, string(id))
		return
	case d == nil && (!request || method != "INVITE"):
		return
	case d == nil:
		s := &story{id: pbx.CallID(pbx.NewID()), at: now, attempts: 1}
		d = r.open(string(id), s)
		r.evict(r.refused.put(s))
	}
	r.keep(d, m, now)
}

// banned notes an INVITE from an address that is not listened to: one story for
// all of them, or a flood would be all that is remembered.
func (r *Recorder) banned(m Message, now time.Time, id string) {
	who := m.Remote.Addr()
	for _, s := range r.refused.list {
		if s.banned == who {
			s.attempts++
			return
		}
	}
	if r.dialogs[id] != nil {
		return // it is part of a story already
	}
	s := &story{id: pbx.CallID(pbx.NewID()), at: now, banned: who, attempts: 1}
	s.refused = &pbx.CallRefused{Source: m.Remote.String(), Reason: "banned"}
	r.keep(r.open(id, s), m, now)
	r.evict(r.refused.put(s))
}

// open makes a dialog of a story. The lock is held.
func (r *Recorder) open(id string, s *story) *dialog {
	d := &dialog{id: id, owner: s}
	r.dialogs[id] = d
	s.dialogs = append(s.dialogs, d)
	return d
}

// keep copies a message. The lock is held.
func (r *Recorder) keep(d *dialog, m Message, now time.Time) {
	if len(d.messages) >= r.o.Messages {
		d.dropped++
		return
	}
	raw := append([]byte(nil), m.Raw[:min(len(m.Raw), maxMessage)]...)
	d.messages = append(d.messages, message{now, m.Edge, m.Sent, m.Remote, raw})
	d.bytes += len(raw)
	r.bytes += len(raw)
	for r.bytes > r.o.Bytes {
		oldest := r.refused.oldest()
		if c := r.calls.oldest(); oldest == nil || c != nil && c.at.Before(oldest.at) {
			oldest = c
		}
		if oldest == nil || oldest == d.owner {
			return // the only one left; its own bounds hold
		}
		r.forget(oldest)
	}
}

// forget drops a story with its dialogs. The lock is held.
func (r *Recorder) forget(s *story) {
	r.calls.drop(s)
	r.refused.drop(s)
	r.evict(s)
}

// evict lets go of what a story holds; nil: nothing. The lock is held.
func (r *Recorder) evict(s *story) {
	if s == nil {
		return
	}
	for _, d := range s.dialogs {
		r.bytes -= d.bytes
		delete(r.dialogs, d.id)
	}
	s.dialogs = nil
}

// shelf is stories in the order in which they came.
type shelf struct {
	max  int
	list []*story
	byID map[pbx.CallID]*story
}

// put adds a story and returns the one that has to go, or nil.
func (h *shelf) put(s *story) (gone *story) {
	if len(h.list) >= h.max {
		gone = h.list[0]
		h.drop(gone)
	}
	h.list = append(h.list, s)
	h.byID[s.id] = s
	return gone
}

func (h *shelf) drop(s *story) {
	if h.byID[s.id] != s {
		return
	}
	delete(h.byID, s.id)
	for i, o := range h.list {
		if o == s {
			copy(h.list[i:], h.list[i+1:])
			h.list[len(h.list)-1] = nil
			h.list = h.list[:len(h.list)-1]
			return
		}
	}
}

func (h *shelf) oldest() *story {
	if len(h.list) == 0 {
		return nil
	}
	return h.list[0]
}
