package transport

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Real sockets of both families, over loopback: requests in, requests out, and
// the addresses that peers are told.
func TestRealSockets(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"} {
		for _, network := range []string{UDP, TCP} {
			t.Run(network+" "+bind, func(t *testing.T) {
				e, err := Open(Options{Net: network, Bind: netip.MustParseAddrPort(bind)})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = e.Close() }()
				flows := make(chan Flow, 1)
				e.Handle(sip.OPTIONS, func(_ context.Context, f Flow, req *sip.Request, tx sip.ServerTransaction) {
					flows <- f
					_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
				})
				e.Start()
				target := e.Local()
				switch {
				case target.Addr() == netip.IPv4Unspecified():
					target = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), target.Port())
				case target.Addr().IsUnspecified():
					target = netip.AddrPortFrom(netip.IPv6Loopback(), target.Port())
				}
				conn, err := net.Dial(network, target.String())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				buf := make([]byte, 4096)
				exchange := func(prefix string) string {
					n, err := conn.Read(buf)
					if got := string(buf[:n]); err != nil || !strings.HasPrefix(got, prefix) {
						t.Fatalf("%q, %v", got, err)
					}
					return string(buf[:n])
				}
				via := strings.ToUpper(network) + " " + conn.LocalAddr().String()
				if _, err := conn.Write([]byte(request("OPTIONS", via, "real"))); err != nil {
					t.Fatal(err)
				}
				exchange("SIP/2.0 200 OK")
				f := <-flows
				if bind == "[::]:0" {
					ip4, ip6 := e.AddrFor(netip.MustParseAddr("192.0.2.5")), e.AddrFor(netip.MustParseAddr("2001:db8::5"))
					if !ip4.Addr().Is4() && len(machineAddrs()) > 0 || ip4 == ip6 && hasBoth() {
						t.Errorf("IPv4 peers are told %v, IPv6 peers %v", ip4, ip6)
					}
				}
				if us := e.AddrFor(f.Remote.Addr()); us != target {
					t.Errorf("a peer at %v is told %v, want %v", f.Remote, us, target)
				}
				tx, err := e.Request(t.Context(), f, options("sip:101@"+conn.LocalAddr().String()))
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Terminate()
				if got := exchange("OPTIONS sip:101@"); !strings.Contains(got, " "+target.String()+";branch=") {
					t.Errorf("Via: %q", got)
				}
			})
		}
	}
}

// hasBoth reports whether the machine has addresses of both families.
func hasBoth() bool {
	var has [2]bool
	for _, ip := range machineAddrs() {
		if ip.Is4() {
			has[0] = true
		} else {
			has[1] = true
		}
	}
	return has[0] && has[1]
}

// One listener for both families: each peer is told an address of its own.
func TestAdvertiseOther(t *testing.T) {
	e, err := Open(Options{
		Net: UDP, Bind: addr("[::]:0"),
		Advertise: addr("[2001:db8::1]:0"), AdvertiseOther: addr("198.51.100.1:0"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if a, b := e.AddrFor(netip.MustParseAddr("203.0.113.5")).Addr(), e.AddrFor(netip.MustParseAddr("2001:db8::5")).Addr(); a.String() != "198.51.100.1" || b.String() != "2001:db8::1" {
		t.Errorf("told %v and %v", a, b)
	}
	if u := e.Contact("1", netip.MustParseAddr("2001:db8::5")); !strings.HasPrefix(u.String(), "sip:1@[2001:db8::1]:") {
		t.Errorf("Contact %s", u.String())
	}
}
