package peer_test

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/peer/peertest"
)

// newTCPGateway has a TCP port beside its UDP port.
func newTCPGateway(t *testing.T) *peer.Gateway {
	t.Helper()
	any := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	g, err := peer.New(peer.Options{Bind: any, TCP: any})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		start := time.Now()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("the gateway closed after %v", took)
		}
	})
	return g
}

// A browser that can send no UDP at all is heard, and hears, over TCP.
func TestSoundOverTCP(t *testing.T) {
	g := newTCPGateway(t)
	s := newSession(t, g, nil)
	b, err := peertest.NewWithoutUDP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if err := b.Connect(negotiate(s)); err != nil {
		t.Fatal(err)
	}
	k := talking(t, s, nil)
	s.Activate(k)
	ear := mediatest.NewEar()
	k.Attach(ear)
	k.Hear(tone(t, 1000))
	b.Say(440)
	expectTone(t, ear, 440, 300*time.Millisecond, 900*time.Millisecond)
	expectTone(t, b.Ear(), 1000, 300*time.Millisecond, 900*time.Millisecond)
}

// Connections that say nothing, or nonsense, are not waited for: neither by those
// who come after them nor by the end of the gateway.
func TestHeldTCPConnections(t *testing.T) {
	g := newTCPGateway(t)
	for i := range 150 {
		c, err := net.Dial("tcp", g.TCPAddresses()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if i%2 == 0 {
			_, _ = c.Write([]byte(strings.Repeat("nonsense", 100)))
		}
	}
	connected(t, g) // over UDP
}

// Reliability rows 2 to 4: under a spray of ClientHellos, checks and garbage 50
// of 50 browsers are connected, and memory does not grow with the spray.
func TestFiftySessionsUnderASpray(t *testing.T) {
	g := newGateway(t)
	connected(t, g)
	before := heap()
	stop := spray(t, g.Addresses()[0])
	for range 50 {
		s, b := connected(t, g)
		s.Close()
		_ = b.Close()
	}
	sent := stop()
	eventually(t, "the sessions are gone", func() bool { return g.Sessions() == 1 })
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("%d bytes are kept after %d packets of spray", grown, sent)
	}
	t.Logf("%d packets of spray", sent)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
