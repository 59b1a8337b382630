package peer_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/media/peer/peertest"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// newGateway is a gateway on a free loopback port.
func newGateway(t testing.TB) *peer.Gateway {
	t.Helper()
	g, err := peer.New(peer.Options{Bind: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func newBrowser(t testing.TB) *peertest.Browser {
	t.Helper()
	b, err := peertest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func newSession(t testing.TB, g *peer.Gateway, onState func(peer.State)) *peer.Session {
	t.Helper()
	s, err := g.NewSession(onState)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// connected are a session and the browser at its other end.
func connected(t testing.TB, g *peer.Gateway) (*peer.Session, *peertest.Browser) {
	t.Helper()
	s, b := newSession(t, g, nil), newBrowser(t)
	if err := b.Connect(negotiate(s)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both ends are connected", func() bool { return s.State() == peer.Connected })
	return s, b
}

func negotiate(s *peer.Session) func(string) (string, error) {
	return func(offer string) (string, error) { return s.Negotiate(context.Background(), offer) }
}

// talking is a slot whose leg is up.
func talking(t testing.TB, s *peer.Session, o media.Observer) *peer.Slot {
	t.Helper()
	k := s.NewSlot(media.Options{Observer: o})
	if err := k.Connect(sdp.Session{Direction: sdp.SendRecv}); err != nil {
		t.Fatal(err)
	}
	return k
}

// toneSource says one frequency at the pace of the clock, however late the
// machine is.
type toneSource struct {
	stream.Sinks
	stop, done chan struct{}
}

// tone is a source of one frequency, until the test ends.
func tone(t testing.TB, hz float64) media.Source {
	t.Helper()
	return toneIn(t, sdp.Codec{Name: sdp.PCMA, ClockRate: 8000, Channels: 1}, hz)
}

// toneIn is a tone in a codec.
func toneIn(t testing.TB, format sdp.Codec, hz float64) media.Source {
	t.Helper()
	payloads, _ := audio.NewClip(mediatest.Sine(8000, hz, -10, time.Second)).Frames(format)
	samples := uint32(format.ClockRate / 50)
	s := &toneSource{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		start := time.Now()
		for i := 0; ; i++ {
			s.Deliver(&media.Frame{
				Codec: format, Payload: payloads[i%len(payloads)], Samples: samples, Timestamp: samples * uint32(i), Seq: uint16(i), Stream: uint32(hz),
			})
			select {
			case <-time.After(time.Until(start.Add(time.Duration(i+1) * 20 * time.Millisecond))):
			case <-s.stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(s.stop); <-s.done })
	return s
}

// expectTone listens until the stretch is past, and for a while after that, as
// sound that was late on a busy machine lies where its timestamps say.
func expectTone(t testing.TB, e *mediatest.Ear, hz float64, from, to time.Duration) {
	t.Helper()
	time.Sleep(to - e.Heard().Duration())
	err := errors.New("not heard")
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		if err = (mediatest.Expect{Tone: hz, From: from, To: to}).Check(e.Heard()); err == nil {
			return
		}
	}
	t.Error(err)
}

func expectSilence(t testing.TB, e *mediatest.Ear, from time.Duration) {
	t.Helper()
	if err := (mediatest.Expect{From: from}).Check(e.Heard()); err != nil {
		t.Error(err)
	}
}

// eventually waits until ok, for what only the network can tell.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// watcher notes what an endpoint observes.
type watcher struct {
	mu     sync.Mutex
	digits string
	first  []netip.AddrPort
}

func (w *watcher) OnDigit(d media.Digit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.digits += string(d.Key)
}

func (w *watcher) OnFirstPacket(a netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.first = append(w.first, a)
}

func (w *watcher) keys() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.digits
}

// frames is a sink that keeps what it is given.
type frames struct {
	mu  sync.Mutex
	all []media.Frame
}

func (f *frames) WriteFrame(v *media.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := *v
	c.Payload = append([]byte(nil), v.Payload...)
	f.all = append(f.all, c)
}

func (f *frames) got() []media.Frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]media.Frame(nil), f.all...)
}
