package pbxtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

var (
	here  = netip.MustParseAddrPort("10.0.0.1:5060")
	there = netip.MustParseAddrPort("10.0.0.2:5060")
)

func bind(t *testing.T, n *pbxtest.Net, addr netip.AddrPort) net.PacketConn {
	t.Helper()
	c, err := n.ListenPacket(addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// read collects packets until none has come for a second.
func read(t *testing.T, c net.PacketConn) (got []string) {
	t.Helper()
	b := make([]byte, 1500)
	for {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		n, _, err := c.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
}

func TestPacketsArriveWithTheirSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pbxtest.NewNet(1)
		defer n.Close()
		a, b := bind(t, n, here), bind(t, n, there)
		if _, err := a.WriteTo([]byte("ahoj"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		size, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:size]) != "aho" || from.String() != here.String() {
			t.Fatalf("got %q from %v (%v), want the packet cut to the buffer", buf[:size], from, err)
		}
	})
}

func TestDelayKeepsTheOrderAndVirtualTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pbxtest.NewNet(1)
		defer n.Close()
		n.SetLink(pbxtest.Link{Delay: 50 * time.Millisecond, Jitter: 40 * time.Millisecond})
		a, b := bind(t, n, here), bind(t, n, there)
		start := time.Now()
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			_, _ = a.WriteTo([]byte(want[i]), b.LocalAddr())
		}
		if got := read(t, b); !slices.Equal(got, want) {
			t.Errorf("arrived as %v", got)
		}
		if took := time.Since(start); took < time.Second+50*time.Millisecond || took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestChanceIsDecidedByTheSeed(t *testing.T) {
	run := func(link pbxtest.Link) (got []string) {
		synctest.Test(t, func(t *testing.T) {
			n := pbxtest.NewNet(7)
			defer n.Close()
			n.SetLinkBetween(here.Addr(), there.Addr(), link)
			a, b := bind(t, n, here), bind(t, n, there)
			for i := range 400 {
				_, _ = a.WriteTo([]byte(fmt.Sprintf("%03d", i)), b.LocalAddr())
				_, _ = b.WriteTo([]byte("back"), a.LocalAddr())
				time.Sleep(20 * time.Millisecond)
			}
			got = read(t, b)
			if back := len(read(t, a)); back != 400 {
				t.Errorf("%d of 400 on the perfect way back", back)
			}
		})
		return got
	}
	lossy := run(pbxtest.Link{Loss: 0.1})
	if len(lossy) < 340 || len(lossy) > 380 {
		t.Errorf("%d of 400 arrived with 10 %% loss", len(lossy))
	}
	if !slices.Equal(lossy, run(pbxtest.Link{Loss: 0.1})) {
		t.Error("two runs with one seed differ")
	}
	if double := run(pbxtest.Link{Duplicate: 0.1}); len(double) < 420 || len(double) > 460 {
		t.Errorf("%d arrived of 400 with 10 %% duplicates", len(double))
	}
	mixed := run(pbxtest.Link{Reorder: 0.1})
	overtaken := 0
	for i := 1; i < len(mixed); i++ {
		if mixed[i] < mixed[i-1] {
			overtaken++
		}
	}
	if overtaken < 20 || overtaken > 60 || len(mixed) != 400 {
		t.Errorf("%d of 400 arrived, %d of them overtaken", len(mixed), overtaken)
	}
}

func TestAddressesAreTakenAndFreed(t *testing.T) {
	n := pbxtest.NewNet(1)
	defer n.Close()
	a := bind(t, n, here)
	if _, err := n.ListenPacket(here); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second bind: %v", err)
	}
	one, two := bind(t, n, netip.AddrPortFrom(here.Addr(), 0)), bind(t, n, netip.AddrPortFrom(here.Addr(), 0))
	if one.LocalAddr().String() == two.LocalAddr().String() {
		t.Errorf("port 0 gave %v twice", one.LocalAddr())
	}
	_ = a.Close()
	if _, err := a.WriteTo(nil, two.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
	bind(t, n, here)
}

func TestCloseAndDeadlineEndARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pbxtest.NewNet(1)
		a := bind(t, n, here)
		end := make(chan error)
		readOne := func() { _, _, err := a.ReadFrom(make([]byte, 10)); end <- err }
		go readOne()
		synctest.Wait()
		_ = a.SetReadDeadline(time.Now())
		if err := <-end; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		_ = a.SetReadDeadline(time.Time{})
		go readOne()
		synctest.Wait()
		_ = n.Close()
		if err := <-end; !errors.Is(err, net.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
}

func TestCaptureSeesEveryPacket(t *testing.T) {
	n := pbxtest.NewNet(1)
	defer n.Close()
	var seen []bool
	n.Capture(func(p pbxtest.Packet) { seen = append(seen, p.Lost) })
	a := bind(t, n, here)
	_, _ = a.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(there))
	bind(t, n, there)
	_, _ = a.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(there))
	if !slices.Equal(seen, []bool{true, false}) {
		t.Errorf("lost: %v, want the first only, which nobody listened to", seen)
	}
}

func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pbxtest.NewNet(1)
		defer n.Close()
		l, err := n.Listen(there)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, c.RemoteAddr().String())
			_ = c.Close()
		}()
		c, err := n.Dial(t.Context(), netip.AddrPortFrom(here.Addr(), 40000), there)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != "10.0.0.1:40000" {
			t.Errorf("read %q, %v", got, err)
		}
		_ = l.Close()
		if _, err := n.Dial(context.Background(), here, there); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial after close: %v", err)
		}
	})
}
