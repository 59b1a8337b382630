package rtp_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/rtp"
	"klapka.dev/klapka/media/sdp"
)

// talker is a phone on a real socket that says who it is in every packet and
// counts what it hears of itself and of others.
type talker struct {
	conn         *net.UDPConn
	id           uint32
	own, strange atomic.Int64
	done         sync.WaitGroup
}

func newTalker(t *testing.T, id uint32) *talker {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	k := &talker{conn: c, id: id}
	k.done.Go(func() {
		b := make([]byte, 2000)
		for {
			n, _, err := c.ReadFromUDPAddrPort(b)
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil || n != 172: // our reports, among others
			case binary.BigEndian.Uint32(b[12:]) == k.id:
				k.own.Add(1)
			default:
				k.strange.Add(1)
			}
		}
	})
	return k
}

func (k *talker) addr() netip.AddrPort { return k.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (k *talker) say(to netip.AddrPort, seq uint16) {
	b := make([]byte, 172)
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint32(b[8:], k.id)
	binary.BigEndian.PutUint32(b[12:], k.id)
	_, _ = k.conn.WriteToUDPAddrPort(b, to)
}

func (k *talker) close() {
	_ = k.conn.Close()
	k.done.Wait()
}

// Calls on real sockets come and go while packets flow, over so few ports that
// each is used again at once, as are the descriptors behind them: everybody hears
// his own echo and never anybody else's, and every port is free in the end.
func TestRealSocketsComeAndGo(t *testing.T) {
	g, err := rtp.New(rtp.Options{
		Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 44000, PortMax: 44039,
		DrainQuiet: 5 * time.Millisecond, DrainMax: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for id := range uint32(6) {
		all.Go(func() {
			for call := range uint32(15) {
				k := newTalker(t, id<<16|call+1)
				echoed(t, g, k)
				k.close()
			}
		})
	}
	all.Wait()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.NewEndpoint(media.Options{}); !errors.Is(err, media.ErrClosed) {
		t.Errorf("an endpoint of a closed engine: %v", err)
	}
}

// echoed is one call: the phone talks until it has heard itself 20 times.
func echoed(t *testing.T, g *rtp.Engine, k *talker) {
	e, err := g.NewEndpoint(media.Options{})
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Close()
	e.Hear(e)
	if err := e.Connect(sdp.Session{Remote: k.addr(), Codec: pcma, Receive: []sdp.Codec{pcma}}); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for seq := uint16(1); k.own.Load() < 20; seq++ {
		if time.Now().After(deadline) {
			t.Errorf("%d echoes of %d packets: %+v", k.own.Load(), seq, e.Stats())
			return
		}
		k.say(e.Local(), seq)
		time.Sleep(3 * time.Millisecond) // within what a party may send
	}
	if n := k.strange.Load(); n > 0 {
		t.Errorf("%d packets of somebody else were heard", n)
	}
}

// A closed call's port stays bound while its party goes on sending, and is free
// soon after it stopped: also where a loop reads it.
func TestRealSocketDrains(t *testing.T) {
	const quiet = time.Second
	g, err := rtp.New(rtp.Options{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 44100, PortMax: 44101, DrainQuiet: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	e, err := g.NewEndpoint(media.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := newTalker(t, 1)
	defer k.close()
	e.Close()
	bound := func() bool {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(e.Local()))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}
	for seq, began := uint16(0), time.Now(); time.Since(began) < 3*quiet/2; seq++ {
		k.say(e.Local(), seq)
		if !bound() {
			t.Fatalf("the port was free %v after the end, with the party still sending", time.Since(began))
		}
		time.Sleep(10 * time.Millisecond)
	}
	for deadline := time.Now().Add(10 * time.Second); bound(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the port is never free again")
		}
	}
}
