package rtp

import (
	"net/netip"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// Packets accepted per endpoint and second. Speech is 50, in packets of 10 ms
// 100; what is more is an accident or an attack.
const (
	maxPackets = 500
	maxReports = 50
)

// ingress is what comes from the party, if it is believed.
type ingress struct {
	mu       sync.Mutex
	receiver stream.Receiver
	keys     openers
	latch    latch
	control  controlLatch
	rate     stream.Limiter
	reports  stream.Limiter
	ignored  uint64
}

// arrival is what one packet leads to.
type arrival struct {
	stream.Arrival
	learned bool // where the party is
}

// connect installs a session here and there at once, so that what is learned
// meanwhile is not undone.
func (in *ingress) connect(s *sdp.Session, now time.Time, w *wire, there *stream.Sender) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.receiver.Connect(s, now); err != nil {
		return err
	}
	if err := in.keys.change(s.Decrypt, now); err != nil {
		return err
	}
	if err := w.change(s.Encrypt); err != nil {
		return err
	}
	remote := netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	rtcp := netip.AddrPortFrom(s.RemoteRTCP.Addr().Unmap(), s.RemoteRTCP.Port())
	in.latch.renegotiate(remote, s.Signalling.Unmap())
	in.control.renegotiate(remote, rtcp)
	to := in.latch.destination()
	sends := s.Direction != sdp.RecvOnly && s.Direction != sdp.Inactive
	there.Connect(stream.Agreement{
		Codec: s.Codec, Event: s.Event, PTime: s.PTime, To: to,
		Open: sends && reachable(s.Remote) && to.IsValid(),
	})
	return nil
}

// lead has our stream go to where the party turned out to be.
func (in *ingress) lead(there *stream.Sender) {
	in.mu.Lock()
	defer in.mu.Unlock()
	there.Follow(in.latch.destination())
}

// accept judges one packet from the socket and fills in what follows from it.
func (in *ingress) accept(b []byte, from netip.AddrPort, now time.Time, out *arrival) {
	in.mu.Lock()
	defer in.mu.Unlock()
	*out = arrival{}
	var p stream.Packet
	// Decrypting comes first: who has no key is not heard, not even learned from.
	b, ok := in.keys.open(b, from == in.latch.source, now)
	if !ok || !in.receiver.Parse(b, &p, now) || !in.latched(&p, from, now, out) || !in.receiver.Open() ||
		!in.rate.Allow(now, maxPackets) {
		in.ignored++
		return
	}
	in.receiver.Accept(&p, now, &out.Arrival)
}

// latched asks the latch, and has the answers follow the source.
func (in *ingress) latched(p *stream.Packet, from netip.AddrPort, now time.Time, out *arrival) bool {
	before := in.latch.source
	if !in.latch.believes(p, from, now) {
		return false
	}
	out.learned = in.latch.source != before
	return true
}

// stats fills in what was measured here.
func (in *ingress) stats(s *media.Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.receiver.Stats(s)
	s.Ignored = in.ignored
}
