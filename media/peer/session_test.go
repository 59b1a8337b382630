package peer_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/sdp"
)

// states are what a session told of itself.
type states struct {
	mu  sync.Mutex
	all []peer.State
}

func (s *states) add(v peer.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, v)
}

func (s *states) has(v peer.State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.all {
		if have == v {
			return true
		}
	}
	return false
}

func attribute(description, name string) string {
	_, rest, _ := strings.Cut(description, "a="+name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// A network change is an ICE restart: other credentials, the same session, slots
// and encryption, and the sound goes on.
func TestICERestart(t *testing.T) {
	s, b := newSession(t, newGateway(t), nil), newBrowser(t)
	var first string
	if err := b.Connect(func(offer string) (string, error) {
		answer, err := s.Negotiate(context.Background(), offer)
		first = answer
		return answer, err
	}); err != nil {
		t.Fatal(err)
	}
	k := talking(t, s, nil)
	s.Activate(k)
	ear := mediatest.NewEar()
	k.Attach(ear)
	b.Say(440)
	k.Hear(tone(t, 1000))
	eventually(t, "sound before the restart", func() bool { return k.Stats().PacketsReceived > 5 && len(b.Heard()) > 5 })
	ssrc := b.Heard()[0].SSRC
	offer, err := b.Offer(true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Negotiate(context.Background(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if attribute(second, "ice-ufrag") == attribute(first, "ice-ufrag") {
		t.Error("the same ICE credentials after a restart")
	}
	if attribute(second, "fingerprint") != attribute(first, "fingerprint") {
		t.Error("another certificate after a restart")
	}
	if err := b.Take(second); err != nil {
		t.Fatal(err)
	}
	received, heard := k.Stats().PacketsReceived, len(b.Heard())
	eventually(t, "sound after the restart", func() bool {
		return k.Stats().PacketsReceived > received+25 && len(b.Heard()) > heard+25
	})
	for _, h := range b.Heard() {
		if h.SSRC != ssrc {
			t.Fatal("another stream after the restart")
		}
	}
}

// A connection with another certificate than the offer names does not come to be.
func TestForeignFingerprintRefused(t *testing.T) {
	seen := &states{}
	s, b := newSession(t, newGateway(t), seen.add), newBrowser(t)
	offer, err := b.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	print := attribute(offer, "fingerprint")
	last := print[len(print)-1:]
	other := "0"
	if last == "0" {
		other = "1"
	}
	answer, err := s.Negotiate(context.Background(), strings.ReplaceAll(offer, print, print[:len(print)-1]+other))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Take(answer); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session has failed", func() bool { return seen.has(peer.Failed) || seen.has(peer.Closed) })
	if seen.has(peer.Connected) {
		t.Error("connected with a foreign certificate")
	}
}

// A browser that goes away properly ends its session at once; the slots stay.
func TestBrowserCloses(t *testing.T) {
	seen := &states{}
	g := newGateway(t)
	s, b := newSession(t, g, seen.add), newBrowser(t)
	if err := b.Connect(negotiate(s)); err != nil {
		t.Fatal(err)
	}
	k := talking(t, s, nil)
	s.Activate(k)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the session is closed", func() bool { return seen.has(peer.Closed) })
	if g.Sessions() != 0 {
		t.Errorf("%d sessions left", g.Sessions())
	}
	if _, err := s.Negotiate(context.Background(), ""); !errors.Is(err, media.ErrClosed) {
		t.Errorf("negotiating after the end: %v", err)
	}
	if err := k.Connect(sdp.Session{}); err != nil {
		t.Errorf("the slot went with its session: %v", err)
	}
}

// What is no offer of one stream of sound is refused, and nothing is left.
func TestUnusableOffers(t *testing.T) {
	g := newGateway(t)
	const head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	for name, offer := range map[string]string{
		"nothing":    "",
		"garbage":    "\x00\xFFoffer",
		"no sound":   head,
		"video":      head + "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
		"data":       head + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n",
		"unsecured":  head + "m=audio 9 RTP/AVP 8\r\na=mid:0\r\n",
		"no codec":   head + "m=audio 9 UDP/TLS/RTP/SAVPF 18\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 00\r\na=setup:actpass\r\n",
		"no ice":     head + "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=mid:0\r\na=fingerprint:sha-256 00\r\na=setup:actpass\r\n",
		"no key":     head + "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n",
		"very large": head + strings.Repeat("a=x\r\n", 1<<16),
	} {
		s := newSession(t, g, nil)
		if answer, err := s.Negotiate(context.Background(), offer); !errors.Is(err, peer.ErrDescription) {
			t.Errorf("%s: error %v, answer %q", name, err, answer)
		}
		s.Close()
	}
}

// The gateway's one port takes whatever strangers send (ClientHellos, STUN with
// unknown names, RTP, noise): calls go on, calls come about, nothing grows
// (advisories on DTLS hello races and spoofed hellos).
func TestSprayedPort(t *testing.T) {
	g := newGateway(t)
	s, b := connected(t, g)
	k := talking(t, s, nil)
	s.Activate(k)
	ear := mediatest.NewEar()
	k.Attach(ear)
	b.Say(440)
	goroutines := runtime.NumGoroutine()
	stop := spray(t, g.Addresses()[0])
	for range 3 {
		connected(t, g)
	}
	expectTone(t, ear, 440, 300*time.Millisecond, 1300*time.Millisecond)
	sent := stop()
	if s.State() != peer.Connected {
		t.Errorf("session is %s", s.State())
	}
	if stats := k.Stats(); stats.PacketsLost > 5 {
		t.Errorf("%d of %d packets lost under %d of spray", stats.PacketsLost, stats.PacketsReceived, sent)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 200 {
		t.Errorf("%d goroutines more after %d packets", n, sent)
	}
}

// spray sends junk of every kind until stopped, and says how many packets.
func spray(t *testing.T, to netip.AddrPort) (stop func() int) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	hello := append([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0, 48}, make([]byte, 60)...)
	binding := append([]byte{0, 1, 0, 12, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 6, 0, 8}, "abcd:efg"...)
	sound := append([]byte{128, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9}, make([]byte, 160)...)
	broken := []byte{0, 1, 255, 255, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	kinds := [][]byte{hello, binding, sound, broken, {0}, {}, []byte("GET / HTTP/1.1\r\n\r\n")}
	done, sent := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { sent <- n }()
		for {
			select {
			case <-done:
				return
			default:
			}
			_, _ = c.Write(kinds[n%len(kinds)])
			if n++; n%20 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() int {
		close(done)
		n := <-sent
		_ = c.Close()
		return n
	}
}

// A gateway that is closed makes no sessions, and closing ends those there are.
func TestGatewayCloses(t *testing.T) {
	g := newGateway(t)
	s, _ := connected(t, g)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if s.State() != peer.Closed || g.Sessions() != 0 {
		t.Errorf("session is %s, %d left", s.State(), g.Sessions())
	}
	if _, err := g.NewSession(nil); !errors.Is(err, media.ErrClosed) {
		t.Errorf("a new session: %v", err)
	}
}

// What browsers are told is the configured address, at the real port.
func TestAdvertisedAddress(t *testing.T) {
	g, err := peer.New(peer.Options{
		Bind: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Advertise: []netip.Addr{netip.MustParseAddr("192.0.2.7")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	s, b := newSession(t, g, nil), newBrowser(t)
	offer, err := b.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Negotiate(context.Background(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if c := attribute(answer, "candidate"); !strings.Contains(c, " 192.0.2.7 ") || strings.Contains(answer, "candidate:1 1 udp 0 127.0.0.1") {
		t.Errorf("candidates of\n%s", answer)
	}
}

// Slots race with sessions: whatever the order, a closed slot is on none.
func TestSlotsRace(t *testing.T) {
	g := newGateway(t)
	sa, sb := newSession(t, g, nil), newSession(t, g, nil)
	var work sync.WaitGroup
	for range 50 {
		k := talking(t, sa, nil)
		for _, do := range []func(){
			func() { sa.Activate(k) }, func() { sb.Add(k); sb.Activate(k) }, func() { k.Press("1", 0) },
			func() { k.Hear(k) }, func() { k.Stats() }, k.Close, func() { sa.Remove(k) },
		} {
			work.Go(do)
		}
	}
	work.Wait()
	sa.Close()
	sb.Close()
}
