package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// wan is an exchange at an address of the machine that hosts in namespaces of
// their own can reach.
type wan struct {
	*world
	at   netip.Addr
	used int
}

// newWAN starts it with further settings. Its network is number, so that tests can
// run side by side.
func newWAN(t *testing.T, number byte, settings ...string) *wan {
	t.Helper()
	if !full() {
		t.Skip("real phones: set KLAPKA_TEST_FULL to 1")
	}
	n := &wan{at: netip.AddrFrom4([4]byte{10, byte(64 + os.Getpid()%128), number, 1})}
	// It is on a link of its own, so that it is there whatever cables are.
	link := fmt.Sprintf("kw%x-%d", os.Getpid(), number)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", link).Run() })
	run(t, "ip", "link", "add", link, "type", "bridge")
	run(t, "ip", "addr", "add", n.at.String()+"/32", "dev", link)
	run(t, "ip", "link", "set", link, "up")
	n.world = startWorld(t, []string{"--demo-anywhere"}, append(settings, "KLAPKA_SIP_UDP", n.at.String()+":0",
		"KLAPKA_SIP_TCP", n.at.String()+":0", "KLAPKA_SIP_TLS", n.at.String()+":0", "KLAPKA_RTP_LISTEN", n.at.String())...)
	return n
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}

// host is a host with a cable of its own to the exchange.
func (n *wan) host(t *testing.T) (*pbxtest.NetNS, *pbxtest.Cable, netip.Addr) {
	t.Helper()
	here, there := n.addresses()
	h := pbxtest.NewNetNS(t)
	cable := h.Plug(here, nil, there)
	h.Via(there.Addr())
	return h, cable, here.Addr()
}

// addresses are those of the two ends of the next cable.
func (n *wan) addresses() (host, exchange netip.Prefix) {
	n.used++
	net := n.at.As4()
	net[3] = byte(16 * n.used)
	first := netip.AddrFrom4(net).Next()
	return netip.PrefixFrom(first.Next(), 28), netip.PrefixFrom(first, 28)
}

// behindNAT is a host behind a router that hides it.
func (n *wan) behindNAT(t *testing.T) (*pbxtest.NetNS, netip.Addr) {
	t.Helper()
	router, cable, _ := n.host(t)
	router.Masquerade(cable.From)
	h := pbxtest.NewNetNS(t)
	at, gateway := netip.MustParsePrefix("192.168.1.2/24"), netip.MustParsePrefix("192.168.1.1/24")
	h.Plug(at, router, gateway)
	h.Via(gateway.Addr())
	return h, at.Addr()
}

// phoneAt registers a phone of the demo from a host.
func (n *wan) phoneAt(t *testing.T, ns *pbxtest.NetNS, at netip.Addr, number string, hz float64, change ...func(*pbxtest.BaresipOptions)) *phone {
	t.Helper()
	o := pbxtest.BaresipOptions{
		At: netip.AddrPortFrom(at, 5060), NS: ns, Server: n.SIP(), Number: number, Secret: "klapka-demo-" + number,
	}
	for _, c := range change {
		c(&o)
	}
	sounding(t, &o, hz)
	return &phone{Baresip: pbxtest.StartBaresip(t, o), t: t, number: number, hz: hz}
}

// Two phones with the same private address, each behind a router of its own that
// changes ports as well, call each other: both hear the other.
func TestBehindNAT(t *testing.T) {
	n := newWAN(t, 1)
	hostA, atA := n.behindNAT(t)
	hostB, atB := n.behindNAT(t)
	a, b := n.phoneAt(t, hostA, atA, "101", 440), n.phoneAt(t, hostB, atB, "102", 620)
	const talk = 4 * time.Second
	for _, c := range []struct{ from, to *phone }{{a, b}, {b, a}} {
		c.from.calls(c.to)
		time.Sleep(talk)
		c.to.Hangup()
		c.from.Expect("CALL_CLOSED", patience)
		c.to.Expect("CALL_CLOSED", patience)
		c.from.hears(c.to, talk)
		c.to.hears(c.from, talk)
	}
	for _, r := range n.records(2) {
		for _, l := range r.Legs {
			if strings.HasPrefix(l.Remote, "192.168.") {
				t.Errorf("the record says that the phone is at %s, which is not where it can be reached", l.Remote)
			}
		}
	}
}

// A phone's cable is pulled for ten seconds in mid-call: nobody hangs up, and a
// second after it is in again both hear each other.
func TestLinkFlaps(t *testing.T) {
	n := newWAN(t, 2)
	hostA, cable, atA := n.host(t)
	hostB, _, atB := n.host(t)
	a, b := n.phoneAt(t, hostA, atA, "101", 440), n.phoneAt(t, hostB, atB, "102", 620)
	a.calls(b)
	time.Sleep(2 * time.Second)
	cable.Down()
	time.Sleep(10 * time.Second)
	cable.Up()
	time.Sleep(time.Second)
	const talk = 3 * time.Second
	time.Sleep(talk)
	for _, p := range []*phone{a, b} {
		if len(p.Events("CALL_CLOSED")) != 0 {
			t.Fatalf("phone %s was hung up", p.number)
		}
	}
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	a.hears(b, talk)
	b.hears(a, talk)
	n.records(1)
}

// A phone loses power in mid-call: once nothing was heard of it for the time set,
// the other is hung up, and the record says why.
func TestUnpluggedPhone(t *testing.T) {
	n := newWAN(t, 3, "KLAPKA_CALLS_MEDIA_TIMEOUT", "4s")
	hostA, cable, atA := n.host(t)
	hostB, _, atB := n.host(t)
	a, b := n.phoneAt(t, hostA, atA, "101", 440), n.phoneAt(t, hostB, atB, "102", 620)
	a.calls(b)
	time.Sleep(2 * time.Second)
	began := time.Now()
	cable.Down()
	b.Expect("CALL_CLOSED", 20*time.Second)
	if d := time.Since(began); d < 4*time.Second || d > 15*time.Second {
		t.Errorf("the other phone was hung up after %v, want about 4 s", d)
	}
	if r := n.records(1)[0]; r.Cause.Code != pbx.CauseMediaTimeout || r.Cause.By != pbx.BySystem {
		t.Errorf("record %+v", r)
	}
}

// A phone's router gets another address in mid-call, as at night at home: once
// the phone has sent its re-INVITE from there, both hear each other again.
func TestAddressChanges(t *testing.T) {
	n := newWAN(t, 6)
	router, cable, outside := n.host(t)
	router.Masquerade(cable.From)
	at, gateway := netip.MustParsePrefix("192.168.1.2/24"), netip.MustParsePrefix("192.168.1.1/24")
	hostA := pbxtest.NewNetNS(t)
	hostA.Plug(at, router, gateway)
	hostA.Via(gateway.Addr())
	hostB, _, atB := n.host(t)
	a, b := n.phoneAt(t, hostA, at.Addr(), "101", 440), n.phoneAt(t, hostB, atB, "102", 620)
	a.calls(b)
	time.Sleep(2 * time.Second)
	cable.Readdress(netip.PrefixFrom(outside, 28), netip.PrefixFrom(outside.Next(), 28))
	router.Via(netip.PrefixFrom(outside, 28).Masked().Addr().Next())
	time.Sleep(time.Second)
	a.Command("reinvite", "")
	time.Sleep(time.Second)
	const talk = 3 * time.Second
	time.Sleep(talk)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	a.hearsTone(b.hz, talk)
	b.hears(a, talk)
	n.records(1)
}

// Phones on addresses of IPv6 that are nobody else's (RFC 4193) call each other
// over the network, not only within the machine.
func TestUniqueLocalAddresses(t *testing.T) {
	if !full() {
		t.Skip("real phones: set KLAPKA_TEST_FULL to 1")
	}
	subnet := func(i byte, host byte) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0, 0x6b, byte(os.Getpid() >> 8), byte(os.Getpid()), i, 15: host}), 64)
	}
	var hosts []*pbxtest.NetNS
	for i := range byte(2) {
		h := pbxtest.NewNetNS(t)
		h.Plug(subnet(i, 2), nil, subnet(i, 1))
		h.Run("ip", "-6", "route", "replace", "default", "via", subnet(i, 1).Addr().String())
		hosts = append(hosts, h)
	}
	n := &wan{at: subnet(0, 1).Addr()}
	at := netip.AddrPortFrom(n.at, 0).String()
	n.world = startWorld(t, []string{"--demo-anywhere"}, "KLAPKA_SIP_UDP", at, "KLAPKA_SIP_TCP", at, "KLAPKA_SIP_TLS", at,
		"KLAPKA_RTP_LISTEN", n.at.String())
	a := n.phoneAt(t, hosts[0], subnet(0, 2).Addr(), "101", 440)
	b := n.phoneAt(t, hosts[1], subnet(1, 2).Addr(), "102", 620)
	const talk = 3 * time.Second
	a.calls(b)
	time.Sleep(talk)
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	a.hears(b, talk)
	b.hears(a, talk)
	n.records(1)
}
