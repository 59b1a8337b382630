package rtp

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	pion "github.com/pion/rtp"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// nowhere is a socket that takes everything and gives nothing.
type nowhere struct {
	sent   int
	once   sync.Once
	closed chan struct{}
}

func (c *nowhere) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	<-c.closed
	return 0, netip.AddrPort{}, net.ErrClosed
}

func (c *nowhere) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	c.sent++
	return len(b), nil
}

func (c *nowhere) ReadFrom([]byte) (int, net.Addr, error)    { return 0, nil, os.ErrInvalid }
func (c *nowhere) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }
func (c *nowhere) LocalAddr() net.Addr                       { return &net.UDPAddr{} }
func (c *nowhere) SetDeadline(time.Time) error               { return nil }
func (c *nowhere) SetReadDeadline(time.Time) error           { return nil }
func (c *nowhere) SetWriteDeadline(time.Time) error          { return nil }
func (c *nowhere) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

var (
	partyAddr = netip.MustParseAddrPort("10.0.1.1:4000")
	aLaw      = sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1}
	muLaw     = sdp.Codec{Name: sdp.PCMU, PT: 0, ClockRate: 8000, Channels: 1}
	keyEvent  = sdp.Codec{Name: sdp.TelephoneEvent, PT: 101, ClockRate: 8000, Channels: 1}
)

// twoEndpoints are connected, and the second hears the first.
func twoEndpoints(t testing.TB, listener sdp.Codec) (a, b *endpoint) {
	t.Helper()
	g, err := New(Options{
		Advertise: netip.MustParseAddr("10.0.0.1"), PortMin: 10000, PortMax: 10100,
		Listen: func(netip.AddrPort) (net.PacketConn, error) { return &nowhere{closed: make(chan struct{})}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	for _, codec := range []sdp.Codec{aLaw, listener} {
		e, err := g.NewEndpoint(media.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := sdp.Session{Remote: partyAddr, Codec: codec, Receive: []sdp.Codec{aLaw, muLaw, keyEvent}, Event: keyEvent}
		if err := e.Connect(s); err != nil {
			t.Fatal(err)
		}
		a, b = b, e.(*endpoint)
	}
	b.Hear(a)
	return a, b
}

// speech is a packet of 20 ms; number moves it on.
func speech(t testing.TB) []byte {
	t.Helper()
	b, err := (&pion.Packet{
		Header:  pion.Header{Version: 2, PayloadType: 8, SSRC: 7},
		Payload: make([]byte, 160),
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(b []byte, i int) {
	b[2], b[3] = byte(i>>8), byte(i)
	ts := uint32(i) * 160
	b[4], b[5], b[6], b[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
}

// The packet path allocates nothing, converted or not.
func TestRelayAllocatesNothing(t *testing.T) {
	for _, listener := range []sdp.Codec{aLaw, muLaw} {
		a, b := twoEndpoints(t, listener)
		packet, i := speech(t), 0
		allocs := testing.AllocsPerRun(200, func() {
			i++
			number(packet, i)
			a.in.rate = stream.Limiter{}
			a.onRTP(packet, partyAddr)
		})
		if sent := b.rtp.(*nowhere).sent; allocs != 0 || sent != 201 {
			t.Errorf("%s: %v allocations a packet, %d of 201 sent", listener.Name, allocs, sent)
		}
	}
}

// Nor does it when sound is decoded and encoded, unless Opus is involved.
func TestTranscodingAllocatesNothing(t *testing.T) {
	a, b := twoEndpoints(t, sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1})
	packet, i := speech(t), 0
	step := func() {
		i++
		number(packet, i)
		a.in.rate = stream.Limiter{}
		a.onRTP(packet, partyAddr)
	}
	step()
	if allocs := testing.AllocsPerRun(200, step); allocs != 0 {
		t.Errorf("%v allocations a packet", allocs)
	}
	if sent := b.rtp.(*nowhere).sent; sent != 202 {
		t.Errorf("%d of 202 sent", sent)
	}
}

// Nor when it is encrypted and decrypted. The library pools what it hashes with,
// and the race detector empties pools at random.
func TestEncryptionAllocatesNothing(t *testing.T) {
	for _, key := range sdp.NewCrypto() {
		a, b := twoEndpoints(t, aLaw)
		for _, e := range []*endpoint{a, b} {
			s := sdp.Session{Remote: partyAddr, Codec: aLaw, Receive: []sdp.Codec{aLaw}, Encrypt: key, Decrypt: key}
			if err := e.Connect(s); err != nil {
				t.Fatal(err)
			}
		}
		ctx, err := newContext(key)
		if err != nil {
			t.Fatal(err)
		}
		packet, i := speech(t), 0
		var sealed [300][]byte
		for i := range sealed {
			number(packet, i)
			if sealed[i], err = ctx.EncryptRTP(nil, packet, nil); err != nil {
				t.Fatal(err)
			}
		}
		step := func() {
			a.in.rate = stream.Limiter{}
			a.onRTP(sealed[i], partyAddr)
			i++
		}
		step()
		allocs := testing.AllocsPerRun(200, step)
		if sent := b.rtp.(*nowhere).sent; allocs > 1 || sent != i {
			t.Errorf("%s: %v allocations a packet, %d of %d sent", key.Suite, allocs, sent, i)
		}
	}
}

func BenchmarkRelay(bench *testing.B) {
	for name, listener := range map[string]sdp.Codec{"same": aLaw, "converted": muLaw} {
		bench.Run(name, func(bench *testing.B) {
			a, b := twoEndpoints(bench, listener)
			packet, i := speech(bench), 0
			bench.ReportAllocs()
			for bench.Loop() {
				i++
				number(packet, i)
				a.in.rate = stream.Limiter{}
				a.onRTP(packet, partyAddr)
			}
			if sent := b.rtp.(*nowhere).sent; sent != i {
				bench.Fatalf("%d of %d sent", sent, i)
			}
		})
	}
}

// BenchmarkLoopback relays through real sockets and says what a packet costs the
// processor, sender and receiver on the same machine included.
func BenchmarkLoopback(bench *testing.B) {
	local := netip.MustParseAddr("127.0.0.1")
	g, err := New(Options{Advertise: local, PortMin: 42000, PortMax: 42999})
	if err != nil {
		bench.Fatal(err)
	}
	defer g.Close()
	phones, ends := [2]*net.UDPConn{}, [2]*endpoint{}
	for i := range ends {
		if phones[i], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			bench.Fatal(err)
		}
		defer phones[i].Close()
		e, err := g.NewEndpoint(media.Options{})
		if err != nil {
			bench.Fatal(err)
		}
		remote := phones[i].LocalAddr().(*net.UDPAddr).AddrPort()
		if err := e.Connect(sdp.Session{Remote: remote, Codec: aLaw, Receive: []sdp.Codec{aLaw}}); err != nil {
			bench.Fatal(err)
		}
		ends[i] = e.(*endpoint)
	}
	ends[1].Hear(ends[0])
	packet, b, i := speech(bench), make([]byte, 2000), 0
	before := processorTime(bench)
	for bench.Loop() {
		i++
		number(packet, i)
		ends[0].in.mu.Lock()
		ends[0].in.rate = stream.Limiter{}
		ends[0].in.mu.Unlock()
		if _, err := phones[0].WriteToUDPAddrPort(packet, ends[0].Local()); err != nil {
			bench.Fatal(err)
		}
		if _, _, err := phones[1].ReadFromUDPAddrPort(b); err != nil {
			bench.Fatal(err)
		}
	}
	bench.ReportMetric(float64((processorTime(bench)-before).Nanoseconds())/1e3/float64(i), "CPU-µs/packet")
}

func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Whatever arrives, our parser reads it as pion's does or refuses it, and the
// endpoint lives on to relay speech.
func FuzzRTP(f *testing.F) {
	f.Add(speech(f))
	f.Add([]byte{0x80, 201, 0, 0})
	f.Add([]byte{0xBF, 0x88, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xFF, 0xFF})
	f.Add(append([]byte{0x90, 101, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7, 0xBE, 0xDE, 0, 1, 0, 0, 0, 0}, 11, 138, 3, 192))
	f.Add([]byte{0xA0, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7, 1, 2, 3, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		var p stream.Packet
		var want pion.Packet
		if p.Parse(data) {
			if err := want.Unmarshal(data); err == nil && (p.Seq != want.SequenceNumber || p.Timestamp != want.Timestamp ||
				p.SSRC != want.SSRC || p.PayloadType != want.PayloadType || p.Marker != want.Marker || string(p.Payload) != string(want.Payload)) {
				t.Fatalf("read %+v, pion %+v", p, want)
			}
		}
		a, b := twoEndpoints(t, muLaw)
		out, said := b.rtp.(*nowhere), speech(t)
		a.onRTP(data, partyAddr)
		before := out.sent
		number(said, int(p.Seq)+200)
		a.onRTP(said, partyAddr)
		if out.sent == before {
			t.Fatal("speech is no longer relayed")
		}
	})
}

// Whatever arrives at the RTCP port, nothing happens but counting.
func FuzzRTCP(f *testing.F) {
	f.Add([]byte{0x80, 201, 0, 0})
	f.Add([]byte{0x80, 200, 0, 1, 0, 0, 0, 7})
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 1, 0, 0, 0, 7})
	a, _ := twoEndpoints(f, aLaw)
	a.onRTP(speech(f), partyAddr)
	from := netip.AddrPortFrom(partyAddr.Addr(), partyAddr.Port()+1)
	f.Fuzz(func(t *testing.T, data []byte) {
		a.in.reports = stream.Limiter{}
		a.onRTCP(data, from)
		if s := a.Stats(); s.RoundTrip < 0 || s.RemoteJitter < 0 || a.in.control.source.IsValid() && a.in.control.source != from {
			t.Fatalf("%+v", s)
		}
	})
}
