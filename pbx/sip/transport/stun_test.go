package transport

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
)

// stunServer answers with mapped() until its socket is closed; without one, never.
func (l *lab) stunServer(at string, mapped func() string) net.PacketConn {
	l.t.Helper()
	c, err := l.net.ListenPacket(addr(at))
	if err != nil {
		l.t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
			if m.Decode() != nil || mapped() == "" {
				continue
			}
			a := addr(mapped())
			res, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
				&stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())})
			if err != nil {
				return
			}
			_, _ = c.WriteTo(res.Raw, from)
		}
	}()
	return c
}

// Behind a router that maps our socket, peers outside are told where they see
// us, peers inside our own address; a change is noticed, and SIP goes on.
func TestAddressBySTUN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		defer l.close()
		where := "198.51.100.4:1024"
		server := l.stunServer("192.0.2.9:3478", func() string { return where })
		es := Edges{l.edge}
		outside, insider := netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("10.0.0.7")
		for _, next := range []string{"198.51.100.4:1024", "198.51.100.4:1024", "198.51.100.9:5060"} {
			before := l.edge.AddrFor(outside)
			where = next
			changed, err := es.Rediscover(t.Context(), "192.0.2.9")
			if err != nil || (len(changed) == 1) != (before != addr(next)) {
				t.Fatalf("%v: %v, %v", next, changed, err)
			}
			if l.edge.AddrFor(outside) != addr(next) || l.edge.AddrFor(insider) != serverAddr {
				t.Fatalf("told %v outside and %v inside", l.edge.AddrFor(outside), l.edge.AddrFor(insider))
			}
		}
		p := l.peer(phoneAddr)
		p.send(request("OPTIONS", "UDP "+phoneAddr.String(), "s"))
		p.expect("SIP/2.0 200")

		where = "" // the server falls silent: what was known stays
		start := time.Now()
		if _, err := es.Rediscover(t.Context(), "192.0.2.9:3478"); err == nil || time.Since(start) != 3500*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if l.edge.AddrFor(outside) != addr("198.51.100.9:5060") {
			t.Errorf("forgot the address: %v", l.edge.AddrFor(outside))
		}
		_ = server.Close()
	})
}

// Whoever else says STUN to the SIP port changes nothing: not with the right
// form, not at the right time from another address, not with another number.
func TestForgedSTUN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, nil)
		defer l.close()
		forged := func(set ...stun.Setter) string {
			m, err := stun.Build(append(set, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IPv4(203, 0, 113, 66), Port: 66})...)
			if err != nil {
				t.Fatal(err)
			}
			return string(m.Raw)
		}
		liar, server := l.peer(addr("192.0.2.66:3478")), l.peer(addr("192.0.2.9:3478"))
		liar.send(forged(stun.TransactionID))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := Edges{l.edge}.Rediscover(ctx, "192.0.2.9")
			done <- err
		}()
		question := server.read()
		m := &stun.Message{Raw: []byte(question)}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		liar.send(forged(stun.NewTransactionIDSetter(m.TransactionID)))
		server.send(forged(stun.TransactionID))
		server.send(question[:20])
		if err := <-done; err == nil || l.edge.Seen().IsValid() {
			t.Errorf("%v, seen at %v", err, l.edge.Seen())
		}
	})
}

// A configured address is not overruled, and streams take the address of their
// family with their own port.
func TestReadvertise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outside := netip.MustParseAddr("203.0.113.5")
		fixed := newLab(t, Options{Advertise: addr("198.51.100.1:5060")}, nil)
		defer fixed.close()
		if fixed.edge.Readvertise(addr("198.51.100.2:1")) || fixed.edge.AddrFor(outside) != addr("198.51.100.1:5060") {
			t.Errorf("told %v", fixed.edge.AddrFor(outside))
		}
		stream := newLab(t, Options{Net: TCP}, nil)
		defer stream.close()
		if stream.edge.Readvertise(addr("[2001:db8::1]:1")) || !stream.edge.Readvertise(addr("198.51.100.2:1")) ||
			stream.edge.AddrFor(outside) != addr("198.51.100.2:5060") {
			t.Errorf("told %v", stream.edge.AddrFor(outside))
		}
	})
}
