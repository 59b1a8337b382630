package rtp_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/rtp"
)

// few is a range of three pairs, its ends being odd and even.
var few = rtp.Options{PortMin: 9999, PortMax: 10006}

func TestPairsAreEvenAndRunOut(t *testing.T) {
	runWith(t, few, func(t *testing.T, w *world) {
		seen := map[uint16]bool{}
		for range 3 {
			e := w.endpoint(nil)
			port := e.Local().Port()
			if port%2 != 0 || port < 10000 || port > 10004 || seen[port] || e.Local().Addr() != addrPort("10.0.0.1:1").Addr() {
				t.Errorf("endpoint at %v", e.Local())
			}
			seen[port] = true
		}
		if _, err := w.engine.NewEndpoint(media.Options{}); !errors.Is(err, media.ErrNoPorts) {
			t.Errorf("fourth of three pairs: %v", err)
		}
	})
}

// A pair is not taken when another program holds either of its ports.
func TestPairsThatAreHeldAreSteppedOver(t *testing.T) {
	runWith(t, few, func(t *testing.T, w *world) {
		w.bind(addrPort("10.0.0.1:10001"))
		other := w.bind(addrPort("10.0.0.1:10004"))
		if port := w.endpoint(nil).Local().Port(); port != 10002 {
			t.Errorf("got port %d, want 10002", port)
		}
		if _, err := w.engine.NewEndpoint(media.Options{}); !errors.Is(err, media.ErrNoPorts) {
			t.Errorf("no pair is left: %v", err)
		}
		_ = other.Close()
		if port := w.endpoint(nil).Local().Port(); port != 10004 {
			t.Errorf("got port %d, want 10004, which is free by now", port)
		}
	})
}

// Where nothing can be bound at all, the reason is told and not tried for on
// every pair.
func TestWhyNothingCanBeBound(t *testing.T) {
	tried := 0
	g, err := rtp.New(rtp.Options{
		Advertise: addrPort("10.0.0.1:1").Addr(), PortMin: 10000, PortMax: 19999,
		Listen: func(netip.AddrPort) (net.PacketConn, error) { tried++; return nil, syscall.EMFILE },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.NewEndpoint(media.Options{})
	if !errors.Is(err, media.ErrNoPorts) || !errors.Is(err, syscall.EMFILE) || tried != 1 {
		t.Errorf("after %d tries: %v", tried, err)
	}
}

// A pair comes back after all others had their turn, and two engines do not
// begin with the same one.
func TestPairsAreUsedAgainAsLateAsPossible(t *testing.T) {
	starts := map[uint16]bool{}
	for range 8 {
		runWith(t, rtp.Options{PortMin: 10000, PortMax: 10199}, func(t *testing.T, w *world) {
			seen := map[uint16]bool{}
			for i := range 100 {
				e := w.endpoint(nil)
				port := e.Local().Port()
				if i == 0 {
					starts[port] = true
				}
				if seen[port] {
					t.Fatalf("port %d again after %d of 100", port, i)
				}
				seen[port] = true
				e.Close()
				time.Sleep(3 * time.Second)
			}
		})
	}
	if len(starts) < 2 {
		t.Error("every engine begins with the same port")
	}
}

// A closed pair stays bound while the party still sends (draining), so that the
// next call does not hear the last one; but not for ever.
func TestClosedPortsAreDrained(t *testing.T) {
	runWith(t, few, func(t *testing.T, w *world) {
		alice := w.phone("10.0.1.1:4000")
		bound := func(e media.Endpoint) bool {
			synctest.Wait()
			c, err := w.net.ListenPacket(e.Local())
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		}
		quiet := w.endpoint(nil)
		quiet.Close()
		time.Sleep(1900 * time.Millisecond)
		if !bound(quiet) {
			t.Error("free before 2 s of silence")
		}
		time.Sleep(200 * time.Millisecond)
		if bound(quiet) {
			t.Error("still bound after 2 s of silence")
		}

		busy := w.endpoint(nil)
		w.connect(busy, alice.session())
		busy.Close()
		alice.talk(busy, 1000)
		if !bound(busy) {
			t.Error("free while the party sends")
		}
		alice.talk(busy, 600)
		if bound(busy) {
			t.Error("still bound after 30 s")
		}
		if s := busy.Stats(); s.PacketsReceived != 0 {
			t.Errorf("%d packets taken after the end", s.PacketsReceived)
		}
	})
}

// A new call is worth more than a drained port; the latch still keeps the last
// call's packets out of it.
func TestDrainingGivesWayToANewCall(t *testing.T) {
	runWith(t, few, func(t *testing.T, w *world) {
		alice, bob := w.phone("10.0.1.1:4000"), w.phone("10.0.1.2:4000")
		var open []media.Endpoint
		for range 3 {
			open = append(open, w.endpoint(nil))
		}
		w.connect(open[1], alice.session())
		alice.talk(open[1], 5)
		open[1].Close()
		alice.talk(open[1], 5)
		e := w.endpoint(nil)
		if e.Local() != open[1].Local() {
			t.Fatalf("got %v, want %v", e.Local(), open[1].Local())
		}
		w.connect(e, bob.session())
		e.Hear(e)
		alice.talk(e, 4)
		bob.talk(e, 5)
		if n := len(bob.packets()); n != 5 {
			t.Errorf("bob got %d of 5 packets", n)
		}
		if n := len(alice.packets()); n != 0 {
			t.Errorf("alice got %d packets of bob's call", n)
		}
	})
}

func TestDrainingIsBounded(t *testing.T) {
	runWith(t, rtp.Options{PortMin: 10000, PortMax: 10099, DrainPairs: 3}, func(t *testing.T, w *world) {
		var last []media.Endpoint
		for range 10 {
			e := w.endpoint(nil)
			e.Close()
			last = append(last, e)
		}
		synctest.Wait()
		for i, e := range last {
			c, err := w.net.ListenPacket(e.Local())
			if (err != nil) != (i >= 7) {
				t.Errorf("closed endpoint %d of 10: %v, want the last three bound", i, err)
			}
			if c != nil {
				_ = c.Close()
			}
		}
	})
}

// Closing the engine frees everything at once, calls included.
func TestEngineCloses(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		gone := w.endpoint(nil)
		gone.Close()
		start := time.Now()
		if err := w.engine.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("closed after %v: %v", time.Since(start), err)
		}
		w.bind(a.Local())
		w.bind(gone.Local())
		if _, err := w.engine.NewEndpoint(media.Options{}); !errors.Is(err, media.ErrClosed) {
			t.Errorf("new endpoint: %v", err)
		}
		if err := a.Connect(alice.session()); !errors.Is(err, media.ErrClosed) {
			t.Errorf("connect: %v", err)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	here := addrPort("10.0.0.1:1").Addr()
	for name, o := range map[string]rtp.Options{
		"no address":       {PortMin: 10000, PortMax: 10100},
		"wildcard only":    {Bind: netip.IPv4Unspecified(), PortMin: 10000, PortMax: 10100},
		"no range":         {Advertise: here},
		"backwards":        {Advertise: here, PortMin: 10100, PortMax: 10000},
		"no complete pair": {Advertise: here, PortMin: 10001, PortMax: 10002},
		"beyond 65535":     {Advertise: here, PortMin: 65534, PortMax: 65536},
	} {
		if _, err := rtp.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := rtp.New(rtp.Options{Advertise: here, Bind: netip.IPv4Unspecified(), PortMin: 65534, PortMax: 65535}); err != nil {
		t.Error(err)
	}
}
