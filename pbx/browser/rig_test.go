package browser_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/browser"
	"klapka.dev/klapka/pbx/leg"
)

var discard = slog.New(slog.DiscardHandler)

// rig is an edge with a call control that does as it is told, in virtual time.
type rig struct {
	*testing.T
	edge *browser.Edge

	mu       sync.Mutex
	legs     []*leg.Leg
	notices  map[pbx.LegID]string
	events   []pbx.Event
	sessions []*session
	refuse   error // of the next session
	keys     map[pbx.LegID]string
	onInvite func(*leg.Leg)
}

// run gives a test its rig; what is left of legs is ended with it.
func run(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		test(t, r)
		r.finish()
	})
}

func newRig(t *testing.T, sessions func(func(peer.State)) (browser.Session, error)) *rig {
	t.Helper()
	r := &rig{T: t, notices: map[pbx.LegID]string{}, keys: map[pbx.LegID]string{}}
	if sessions == nil {
		sessions = r.newSession
	}
	r.edge = browser.New(browser.Options{
		Sessions: sessions, Host: r, People: r, Events: r, Log: discard,
	})
	return r
}

func (r *rig) finish() {
	for _, l := range r.legs {
		l.Post(leg.Input{Kind: leg.CmdEnd, Cause: pbx.Cause{Code: pbx.CauseShutdown}})
	}
	synctest.Wait()
	if err := r.edge.Close(); err != nil {
		r.Error(err)
	}
	synctest.Wait()
}

// Party implements browser.People.
func (r *rig) Party(number, device string) pbx.PartyInfo {
	return pbx.PartyInfo{Number: number, Extension: number, Name: "Person " + number, Device: device}
}

// Publish implements pbx.Publisher.
func (r *rig) Publish(e pbx.Event) pbx.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return e
}

// LegChanged implements leg.Watcher.
func (r *rig) LegChanged(l *leg.Leg, n leg.Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n.Kind {
	case leg.NoteRinging:
		r.notices[l.ID()] += "ringing "
	case leg.NoteUp:
		r.notices[l.ID()] += "up "
	case leg.NoteHeld:
		r.notices[l.ID()] += fmt.Sprintf("held=%v ", n.Held)
	case leg.NoteDigit:
		r.keys[l.ID()] += string(n.Key)
	case leg.NoteEnded:
		r.notices[l.ID()] += fmt.Sprintf("ended:%s/%s ", n.Cause.Code, n.Cause.By)
	case leg.NoteDead:
		r.notices[l.ID()] += "dead "
	}
}

// story is what a leg told its watcher.
func (r *rig) story(id pbx.LegID) string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.TrimSpace(r.notices[id])
}

// late is handed to an endpoint before its leg exists.
type late struct{ leg *leg.Leg }

func (o *late) OnFirstPacket(netip.AddrPort) {}

func (o *late) OnDigit(d media.Digit) { o.leg.OnDigit(d) }

func (r *rig) endpoint(o media.Observer) media.Endpoint {
	ep, err := r.edge.Endpoints().NewEndpoint(media.Options{Observer: o})
	if err != nil {
		r.Fatal(err)
	}
	return ep
}

// Invite implements leg.Host.
func (r *rig) Invite(sig leg.Signaler, inv leg.Invitation) (*leg.Leg, error) {
	if inv.Dialled == "refused" {
		return nil, pbx.Errorf(pbx.TooMany, "too many calls at once")
	}
	o := &late{}
	l := leg.New(leg.Options{
		ID: inv.Leg, Call: pbx.CallID("call-" + inv.Leg), Incoming: true, Party: inv.Caller, Edge: inv.Edge, Offer: inv.Offer,
		Signaler: sig, Endpoint: r.endpoint(o), Events: r, Watcher: r, Log: discard,
	})
	o.leg = l
	r.add(l)
	if r.onInvite != nil {
		r.onInvite(l)
	}
	return l, nil
}

func (r *rig) add(l *leg.Leg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.legs = append(r.legs, l)
}

func (r *rig) leg(id pbx.LegID) *leg.Leg {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.legs {
		if l.ID() == id {
			return l
		}
	}
	r.Fatalf("no leg %s", id)
	return nil
}

// post tells a leg what call control wants.
func (r *rig) post(id pbx.LegID, in leg.Input) {
	r.leg(id).Post(in)
	synctest.Wait()
}

// call rings a binding on behalf of 102.
func (r *rig) call(id pbx.LegID, b pbx.Binding) *leg.Leg {
	o := &late{}
	l := leg.New(leg.Options{
		ID: id, Call: "call", Party: r.Party(b.Extension, b.Device), Edge: b.Edge, Endpoint: r.endpoint(o),
		Events: r, Watcher: r, Log: discard,
	})
	o.leg = l
	r.add(l)
	l.Dial(r.edge.Dialer(), b, r.Party("102", ""))
	synctest.Wait()
	return l
}

// binding is the only one of an extension.
func (r *rig) binding(extension string) pbx.Binding {
	r.Helper()
	all := r.edge.Bindings(extension)
	if len(all) != 1 {
		r.Fatalf("%d bindings of %s", len(all), extension)
	}
	return all[0]
}

// page is an open page that notes its frames.
type page struct {
	*rig
	at   pbx.Tab
	link pbx.TabLink
	mu   sync.Mutex
	got  []string
}

// open opens a page of the person with this extension, who has the user id "u"+number.
func (r *rig) open(extension, client, tab string) *page {
	r.Helper()
	p := &page{rig: r, at: pbx.Tab{User: "u" + extension, Client: client, Tab: tab}}
	link, err := r.edge.Connect(pbx.TabInfo{Tab: p.at, Extension: extension, UserAgent: "Browser/1", Remote: "127.0.0.1:5", Send: p.take})
	if err != nil {
		r.Fatal(err)
	}
	p.link = link
	return p
}

func (p *page) take(f pbx.BrowserFrame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch f := f.(type) {
	case pbx.RingFrame:
		p.got = append(p.got, fmt.Sprintf("ring %s from %s", f.Leg, f.From.Number))
	case pbx.RingStopFrame:
		p.got = append(p.got, strings.TrimSpace(fmt.Sprintf("ring.stop %s %s", f.Reason, f.By)))
	case pbx.LegFrame:
		line := string(f.State)
		if f.Active {
			line += " active"
		}
		if f.Detached {
			line += " detached"
		}
		if f.Cause != nil {
			line += " " + string(f.Cause.Code)
		}
		p.got = append(p.got, line)
	}
}

// frames are the frames since it was last asked, each kind in words.
func (p *page) frames() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.got, ", ")
	p.got = nil
	return s
}

func (p *page) expect(want string) {
	p.Helper()
	if got := p.frames(); got != want {
		p.Errorf("page %s got\n     %s\nwant %s", p.at.Tab, got, want)
	}
}

// offer gives the page a media session.
func (p *page) offer(ms string) *session {
	p.Helper()
	if answer, err := p.link.Offer(ms, "offer", pbx.OfferNew); err != nil || answer != "answer" {
		p.Fatalf("answer %q, %v", answer, err)
	}
	return p.sessions[len(p.sessions)-1]
}

// dial calls somebody who answers.
func (p *page) dial(to string) pbx.LegID {
	p.Helper()
	d, err := p.edge.Dial(p.at, to)
	if err != nil {
		p.Fatal(err)
	}
	synctest.Wait()
	return d.Leg
}

func (p *page) talk(to string) pbx.LegID {
	p.Helper()
	id := p.dial(to)
	p.post(id, leg.Input{Kind: leg.CmdAnswer})
	p.frames()
	return id
}

// session is a media session without media.
type session struct {
	mu      sync.Mutex
	state   peer.State
	onState func(peer.State)
	slots   map[*peer.Slot]bool
	active  *peer.Slot
	offers  int
}

func (r *rig) newSession(onState func(peer.State)) (browser.Session, error) {
	s := &session{state: peer.Connected, onState: onState, slots: map[*peer.Slot]bool{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refuse; err != nil {
		return nil, err
	}
	r.sessions = append(r.sessions, s)
	return s, nil
}

func (s *session) Negotiate(_ context.Context, offer string) (string, error) {
	time.Sleep(5 * time.Millisecond)
	if offer == "bad" {
		return "", fmt.Errorf("%w: bad", peer.ErrDescription)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers++
	return "answer", nil
}

func (s *session) Add(k *peer.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots[k] = true
}

func (s *session) Activate(k *peer.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = k
}

func (s *session) State() peer.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = peer.Closed
}

// becomes changes the state of the connection.
func (s *session) becomes(v peer.State) {
	s.mu.Lock()
	s.state = v
	s.mu.Unlock()
	s.onState(v)
}

// plays reports whether a leg has microphone and loudspeaker.
func (s *session) plays(l *leg.Leg) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active != nil && media.Source(s.active) == l.Source()
}

func expectCode(t *testing.T, err error, want pbx.ErrorCode) {
	t.Helper()
	if got := pbx.CodeOf(err); got != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
