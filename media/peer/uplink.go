package peer

import (
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// Packets taken of one browser in a second; more is a defect or an attack.
const (
	maxPackets = 500
	maxReports = 50
)

// uplink is what comes from the browser.
type uplink struct {
	mu       sync.Mutex
	receiver stream.Receiver
	rate     stream.Limiter
	reports  stream.Limiter
	ignored  uint64
}

func (in *uplink) connect(n *sdp.Session) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.receiver.Connect(n, time.Now())
}

func (in *uplink) accept(b []byte, out *stream.Arrival) {
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	*out = stream.Arrival{}
	var p stream.Packet
	if !in.receiver.Parse(b, &p, now) || !in.rate.Allow(now, maxPackets) {
		in.ignored++
		return
	}
	in.receiver.Accept(&p, now, out)
}

func (in *uplink) takeReports(packets []rtcp.Packet, ours uint32, clock int) {
	now := time.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.reports.Allow(now, maxReports) {
		in.receiver.TakeReports(packets, now, ours, clock)
	}
}

func (in *uplink) reception() []rtcp.ReceptionReport {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.receiver.Reception(time.Now())
}

func (in *uplink) stats(s *media.Stats) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.receiver.Stats(s)
	s.Ignored = in.ignored
}

// readSound hands the browser's packets to the slot that has the microphone.
func (s *Session) readSound(t *webrtc.TrackRemote) {
	b := make([]byte, stream.MaxDatagram)
	var a stream.Arrival
	for {
		n, _, err := t.Read(b)
		if n == 0 && err != nil {
			return
		}
		// An error with a packet is about a payload type that was not agreed.
		s.in.accept(b[:n], &a)
		if k := s.speaker(); k != nil {
			k.arrived(&a)
		}
	}
}

// reader is what gives us the browser's reports: on our stream, and on its own.
type reader interface {
	Read([]byte) (int, interceptor.Attributes, error)
}

func (s *Session) readReports(r reader) {
	b := make([]byte, stream.MaxDatagram)
	for {
		n, _, err := r.Read(b)
		if err != nil {
			return
		}
		if packets, err := rtcp.Unmarshal(b[:n]); err == nil {
			s.in.takeReports(packets, s.out.SSRC(), s.out.Format().ClockRate)
		}
	}
}

// report sends one compound report, and the timer to the next.
func (s *Session) report() {
	if !s.due.Again() {
		return
	}
	// A failure is the network's; the next report tells the same and more.
	_ = s.pc.WriteRTCP([]rtcp.Packet{
		s.out.Report(s.in.reception(), time.Now()),
		rtcp.NewCNAMESourceDescription(s.out.SSRC(), s.name),
	})
}
