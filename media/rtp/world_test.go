package rtp_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/rtp"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx/pbxtest"
)

var (
	pcma  = sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1}
	pcmu  = sdp.Codec{Name: sdp.PCMU, PT: 0, ClockRate: 8000, Channels: 1}
	event = sdp.Codec{Name: sdp.TelephoneEvent, PT: 101, ClockRate: 8000, Channels: 1}
)

// frame is the usual time between two packets of a phone.
const frame = 20 * time.Millisecond

// world is an engine and phones on a network, in virtual time.
type world struct {
	*testing.T
	net    *pbxtest.Net
	engine *rtp.Engine
}

// run gives a test its world, with room for 20 endpoints.
func run(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	runWith(t, rtp.Options{PortMin: 10000, PortMax: 10039}, test)
}

func runWith(t *testing.T, o rtp.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: pbxtest.NewNet(1)}
		o.Advertise, o.Listen = netip.MustParseAddr("10.0.0.1"), w.net.ListenPacket
		var err error
		if w.engine, err = rtp.New(o); err != nil {
			t.Fatal(err)
		}
		defer w.net.Close()
		defer w.engine.Close()
		test(t, w)
	})
}

// endpoint makes an endpoint that is closed with the world.
func (w *world) endpoint(o media.Observer) media.Endpoint {
	w.Helper()
	e, err := w.engine.NewEndpoint(media.Options{Observer: o})
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// party is an endpoint with a phone that was offered PCMA and digits.
func (w *world) party(addr string) (media.Endpoint, *phone) {
	w.Helper()
	e, p := w.endpoint(nil), w.phone(addr)
	w.connect(e, p.session())
	return e, p
}

func (w *world) connect(e media.Endpoint, s sdp.Session) {
	w.Helper()
	if err := e.Connect(s); err != nil {
		w.Fatal(err)
	}
}

// observer collects what an endpoint tells.
type observer struct {
	mu     sync.Mutex
	digits []media.Digit
	first  []netip.AddrPort
}

func (o *observer) OnDigit(d media.Digit) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.digits = append(o.digits, d)
}

func (o *observer) OnFirstPacket(addr netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.first = append(o.first, addr)
}

// keys are the digits reported so far.
func (o *observer) keys() (s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range o.digits {
		s += string(d.Key)
	}
	return s
}

// heard is a packet that reached a phone.
type heard struct {
	pion.Packet
	at   time.Time
	from string
}

// phone has an RTP and an RTCP socket and notes what it gets.
type phone struct {
	*testing.T
	rtp, rtcp net.PacketConn
	addr      netip.AddrPort
	send      pion.Packet // the next packet
	sealed    atomic.Bool // reports are encrypted, and not looked at

	mu      sync.Mutex
	got     []heard
	reports [][]rtcp.Packet
}

func (w *world) phone(addr string) *phone {
	w.Helper()
	a := netip.MustParseAddrPort(addr)
	p := &phone{T: w.T, addr: a, rtp: w.bind(a), rtcp: w.bind(netip.AddrPortFrom(a.Addr(), a.Port()+1))}
	p.send.Header = pion.Header{Version: 2, PayloadType: 8, SSRC: uint32(a.Port()), SequenceNumber: 65530, Timestamp: 1000}
	go p.hear()
	go p.hearReports()
	return p
}

func (w *world) bind(a netip.AddrPort) net.PacketConn {
	w.Helper()
	c, err := w.net.ListenPacket(a)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (p *phone) hear() {
	b := make([]byte, 1600)
	for {
		n, from, err := p.rtp.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		h := heard{at: time.Now(), from: from.String()}
		if err := h.Unmarshal(slices.Clone(b[:n])); err != nil {
			p.Errorf("phone got no RTP: %v", err)
		}
		p.mu.Lock()
		p.got = append(p.got, h)
		p.mu.Unlock()
	}
}

func (p *phone) hearReports() {
	b := make([]byte, 1600)
	for {
		n, _, err := p.rtcp.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if p.sealed.Load() {
			continue
		}
		packets, err := rtcp.Unmarshal(slices.Clone(b[:n]))
		if err != nil {
			p.Errorf("phone got no RTCP: %v", err)
		}
		p.mu.Lock()
		p.reports = append(p.reports, packets)
		p.mu.Unlock()
	}
}

// packets is what arrived so far.
func (p *phone) packets() []heard {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// control is the RTCP that arrived so far.
func (p *phone) control() [][]rtcp.Packet {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.reports)
}

// session is the agreement with a phone that takes PCMA and telephone events.
func (p *phone) session() sdp.Session {
	return sdp.Session{
		Remote: p.addr, Codec: pcma, Receive: []sdp.Codec{pcma, pcmu, event}, Event: event,
		PTime: frame, Direction: sdp.SendRecv,
	}
}

// talk sends packets of 20 ms, the payload of each being 160 times its number.
func (p *phone) talk(to media.Endpoint, packets int) {
	for range packets {
		p.say(to.Local(), byte(p.send.SequenceNumber))
		time.Sleep(frame)
	}
}

// say sends one packet and leaves the numbers of the next.
func (p *phone) say(to netip.AddrPort, fill byte) {
	p.send.Payload = slices.Repeat([]byte{fill}, 160)
	p.transmit(to)
	p.send.Timestamp += 160
}

// transmit sends what send holds.
func (p *phone) transmit(to netip.AddrPort) {
	b, err := p.send.Marshal()
	if err != nil {
		p.Fatal(err)
	}
	p.raw(to, b)
	p.send.SequenceNumber++
	p.send.Marker = false
}

func (p *phone) raw(to netip.AddrPort, b []byte) {
	if _, err := p.rtp.WriteTo(b, net.UDPAddrFromAddrPort(to)); err != nil {
		p.Error(err)
	}
}

// press sends a telephone event of some 50 ms updates, all with one timestamp;
// ends is how many of the three end packets are sent.
func (p *phone) press(to media.Endpoint, code byte, updates, ends int) {
	p.send.PayloadType, p.send.Marker = 101, true
	duration := 0
	for i := range updates + ends {
		flags := byte(10)
		if i < updates {
			duration += 400
		} else {
			flags |= 0x80
		}
		p.send.Payload = []byte{code, flags, byte(duration >> 8), byte(duration)}
		p.transmit(to.Local())
		time.Sleep(50 * time.Millisecond)
	}
	p.send.Timestamp += uint32(400 * (updates + ends))
	p.send.PayloadType = 8
}

// continuous checks that packets are one stream: one SSRC, sequence numbers
// without a gap, timestamps that grow.
func continuous(t *testing.T, got []heard) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		a, b := got[i-1], got[i]
		if b.SSRC != a.SSRC {
			t.Errorf("packet %d: SSRC changed", i)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Errorf("packet %d: sequence number %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		if int32(b.Timestamp-a.Timestamp) < 0 {
			t.Errorf("packet %d: timestamp %d after %d", i, b.Timestamp, a.Timestamp)
		}
	}
}
