package peer

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// State is how a session's connection stands.
type State string

// The states. A failed session can be mended by an ICE restart, a closed one
// cannot.
const (
	Connecting   State = "connecting"
	Connected    State = "connected"
	Disconnected State = "disconnected" // nothing heard for 5 s
	Failed       State = "failed"       // for 30 s
	Closed       State = "closed"       // by the browser
)

// Session is the peer connection of one page, and the switch in front of its
// slots. Its methods may be called from any goroutine; none but Negotiate waits.
type Session struct {
	gateway *Gateway
	pc      *webrtc.PeerConnection
	sound   *webrtc.RTPTransceiver
	wire    *wire
	out     stream.Sender
	name    string // CNAME of our reports
	due     stream.Reporter
	in      uplink
	onState func(State)

	negotiating sync.Mutex

	mu     sync.Mutex
	state  State
	agreed sdp.Session
	slots  map[*Slot]struct{}
	active *Slot
	closed bool
}

// NewSession makes a session that waits for an offer. onState, which may be nil,
// is told of every change of state but the one by Close; it must not block. After
// Gateway.Close the error is media.ErrClosed.
func (g *Gateway) NewSession(onState func(State)) (*Session, error) {
	pc, err := g.api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{g.certificate}})
	if err != nil {
		return nil, fmt.Errorf("peer connection: %w", err)
	}
	s := &Session{
		gateway: g, pc: pc, wire: &wire{}, name: stream.NewName(), onState: onState, state: Connecting,
		slots: map[*Slot]struct{}{}, in: uplink{receiver: stream.NewReceiver()},
	}
	s.sound, err = pc.AddTransceiverFromTrack(s.wire)
	if err == nil && !g.add(s) {
		err = media.ErrClosed
	}
	if err != nil {
		_ = pc.Close()
		return nil, err
	}
	s.out = stream.NewSender(s.wire, uint32(s.sound.Sender().GetParameters().Encodings[0].SSRC))
	s.out.Equip(g.tools)
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.changed() })
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.readSound(t) })
	go s.readReports(s.sound.Sender())
	go s.readReports(s.sound.Receiver())
	return s, nil
}

func (g *Gateway) add(s *Session) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.sessions[s] = struct{}{}
	return true
}

// changed tells what has become of the connection. The library calls it without
// order, so it asks for the state as it is now.
func (s *Session) changed() {
	now := map[webrtc.PeerConnectionState]State{
		webrtc.PeerConnectionStateConnected:    Connected,
		webrtc.PeerConnectionStateDisconnected: Disconnected,
		webrtc.PeerConnectionStateFailed:       Failed,
		webrtc.PeerConnectionStateClosed:       Closed,
	}[s.pc.ConnectionState()]
	if now == "" {
		now = Connecting
	}
	s.mu.Lock()
	if s.closed || now == s.state {
		s.mu.Unlock()
		return
	}
	s.state = now
	if now == Connected {
		s.wire.open.Store(true)
		s.due.Start(s.report)
	}
	s.mu.Unlock()
	s.gateway.log.Debug("media session", "state", now)
	if now == Closed {
		s.Close()
	}
	if s.onState != nil {
		s.onState(now)
	}
}

// State is how the connection stands.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Add puts a slot on the session, where it waits; it leaves the session it was
// on. A slot of a closed session stays without one.
func (s *Session) Add(k *Slot) {
	k.moving.Lock()
	defer k.moving.Unlock()
	old := k.session.Load()
	if old == s {
		return
	}
	if old != nil {
		old.remove(k)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || k.closed.Load() {
		return
	}
	s.slots[k] = struct{}{}
	k.session.Store(s)
}

// Remove takes a slot off the session.
func (s *Session) Remove(k *Slot) {
	k.moving.Lock()
	defer k.moving.Unlock()
	s.remove(k)
}

func (s *Session) remove(k *Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, mine := s.slots[k]; !mine {
		return
	}
	if s.active == k {
		s.turn(nil)
	}
	delete(s.slots, k)
	k.session.Store(nil)
}

// Activate gives microphone and loudspeaker to a slot of the session; nil takes
// them from whoever has them. It does nothing for a slot that is elsewhere.
func (s *Session) Activate(k *Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k != nil {
		if _, mine := s.slots[k]; !mine {
			return
		}
	}
	if s.active != k {
		s.turn(k)
	}
}

// turn switches over. Callers hold s.mu.
func (s *Session) turn(k *Slot) {
	now := s.measure()
	if s.active != nil {
		s.active.waits(now)
	}
	s.active = k
	s.out.Turn()
	if k != nil {
		k.speaks(now)
	}
}

// write sends a frame to the browser if it is for the active slot.
func (s *Session) write(k *Slot, f *media.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == k {
		s.out.Write(f, time.Now())
	}
}

// turned makes the next frame of an active slot the first of a new source.
func (s *Session) turned(k *Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == k {
		s.out.Turn()
	}
}

// dial sends digits to the browser if they are for the active slot.
func (s *Session) dial(k *Slot, digits string, each time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == k {
		s.out.Dial(digits, each)
	}
}

// speaker is the slot that has the microphone; nil: none.
func (s *Session) speaker() *Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// measure is what was measured on the connection so far.
func (s *Session) measure() (m media.Stats) {
	s.in.stats(&m)
	s.out.Stats(&m)
	return m
}

// remote is where the browser's packets come from; invalid: not known.
func (s *Session) remote() netip.AddrPort {
	pair, err := s.sound.Sender().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Remote == nil {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, pair.Remote.Port)
}

// Close ends the session; its slots stay, without one. It is idempotent.
func (s *Session) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed, s.state = true, Closed
	if s.active != nil {
		s.turn(nil)
	}
	for k := range s.slots {
		k.session.CompareAndSwap(s, nil)
	}
	s.slots = nil
	s.mu.Unlock()
	s.wire.open.Store(false)
	s.out.End()
	s.due.Close()
	g := s.gateway
	g.mu.Lock()
	delete(g.sessions, s)
	g.closing.Add(1)
	g.mu.Unlock()
	go func() { // waits for what the library runs, possibly our own caller
		defer g.closing.Done()
		_ = s.pc.GracefulClose()
	}()
}
