package pbxtest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// NetNS is a network namespace: a host of its own on this machine, with its own
// addresses, routes and filter. The nil NetNS is the machine itself.
type NetNS struct {
	t    testing.TB
	name string
}

var interfaces atomic.Uint32

// NewNetNS makes a namespace that ends with the test, with everything in it. It
// needs to be root; who is not skips the test, or fails it when KLAPKA_TEST_FULL
// is 1.
func NewNetNS(t testing.TB) *NetNS {
	t.Helper()
	NeedProgram(t, "ip", "iproute2")
	if os.Geteuid() != 0 {
		if os.Getenv("KLAPKA_TEST_FULL") == "1" {
			t.Fatal("network namespaces are made by root only")
		}
		t.Skip("network namespaces are made by root only")
	}
	n := &NetNS{t: t, name: fmt.Sprintf("klapka-%d-%d", os.Getpid(), interfaces.Add(1))}
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "del", n.name).CombinedOutput(); err != nil {
			t.Errorf("ip netns del %s: %v %s", n.name, err, out)
		}
	})
	n.host("ip", "netns", "add", n.name)
	n.Run("ip", "link", "set", "lo", "up")
	return n
}

// host runs a program outside the namespace.
func (n *NetNS) host(program string, args ...string) {
	n.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}

// Run runs a program in the namespace, which must succeed.
func (n *NetNS) Run(program string, args ...string) {
	n.t.Helper()
	n.host("ip", append([]string{"netns", "exec", n.name, program}, args...)...)
}

// Inside turns a command into one that runs in the namespace, under the same
// process id.
func (n *NetNS) Inside(cmd *exec.Cmd) *exec.Cmd {
	if n == nil {
		return cmd
	}
	inside := exec.Command("ip", append([]string{"netns", "exec", n.name}, cmd.Args...)...)
	inside.Dir, inside.Env = cmd.Dir, cmd.Env
	return inside
}

// Cable is a pair of network interfaces, one in each of two namespaces.
type Cable struct {
	from, to *NetNS
	From, To string // names of the interfaces
}

// Plug lays a cable to another namespace, nil for the machine, and gives the ends
// their addresses.
func (n *NetNS) Plug(at netip.Prefix, to *NetNS, there netip.Prefix) *Cable {
	n.t.Helper()
	id := fmt.Sprintf("%x%x", os.Getpid()&0xffff, interfaces.Add(1))
	c := &Cable{from: n, to: to, From: "kf" + id, To: "kt" + id}
	n.host("ip", "link", "add", c.From, "type", "veth", "peer", "name", c.To)
	n.host("ip", "link", "set", c.From, "netns", n.name)
	n.address(c.From, at)
	if to == nil {
		n.host("ip", "addr", "add", there.String(), "dev", c.To, "nodad")
		n.host("ip", "link", "set", c.To, "up")
		return c
	}
	n.host("ip", "link", "set", c.To, "netns", to.name)
	to.address(c.To, there)
	return c
}

func (n *NetNS) address(link string, at netip.Prefix) {
	n.t.Helper()
	n.Run("ip", "addr", "add", at.String(), "dev", link, "nodad")
	n.Run("ip", "link", "set", link, "up")
}

// Readdress gives the near end another address in place of the one it has. Routes
// by the cable are lost.
func (c *Cable) Readdress(from, to netip.Prefix) {
	c.from.t.Helper()
	c.from.Run("ip", "addr", "del", from.String(), "dev", c.From) // first, for others of its network would go with it
	c.from.Run("ip", "addr", "add", to.String(), "dev", c.From, "nodad")
}

// Down and Up pull the far end out and put it in again.
func (c *Cable) Down() { c.from.t.Helper(); c.set("down") }

// Up ends Down.
func (c *Cable) Up() { c.from.t.Helper(); c.set("up") }

func (c *Cable) set(how string) {
	c.from.t.Helper()
	if c.to == nil {
		c.from.host("ip", "link", "set", c.To, how)
		return
	}
	c.to.Run("ip", "link", "set", c.To, how)
}

// Via sends everything that is not on one of its cables to a router.
func (n *NetNS) Via(router netip.Addr) {
	n.t.Helper()
	n.Run("ip", "route", "replace", "default", "via", router.String())
}

// Masquerade makes the namespace a router that hides what is behind it: packets
// that leave by the link have its address, and only answers come in.
func (n *NetNS) Masquerade(link string) {
	n.t.Helper()
	NeedProgram(n.t, "iptables", "iptables")
	n.Run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	// Ports are changed too, as most routers for homes do.
	n.Run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-o", link, "-p", "udp", "-j", "MASQUERADE", "--to-ports", "40000-60000", "--random")
	n.Run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-o", link, "-j", "MASQUERADE")
	n.Run("iptables", "-w", "-A", "FORWARD", "-i", link, "-m", "conntrack", "!", "--ctstate", "ESTABLISHED,RELATED", "-j", "DROP")
}

// Dial connects from inside the namespace, or from the machine for nil.
func (n *NetNS) Dial(network, address string, timeout time.Duration) (conn net.Conn, err error) {
	if failed := n.do(func() { conn, err = net.DialTimeout(network, address, timeout) }); failed != nil {
		return nil, failed
	}
	return conn, err
}

// ListenPacket opens a UDP socket inside the namespace.
func (n *NetNS) ListenPacket(at netip.AddrPort) (conn net.PacketConn, err error) {
	if failed := n.do(func() { conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)) }); failed != nil {
		return nil, failed
	}
	return conn, err
}
