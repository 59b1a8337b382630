package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// The waits for an answer to one question (RFC 8489 §6.2.1 has more of them; the
// next round comes soon anyway).
var stunWaits = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second}

// stunPort is where a STUN server listens unless it says so (RFC 8489 §8.1).
const stunPort = "3478"

// errNoSTUN says that a server did not answer.
var errNoSTUN = errors.New("transport: no answer from the STUN server")

// question is a binding request under way on a UDP edge: it leaves from the
// socket that phones use, since only that one's mapping in a router is of any
// use.
type question struct {
	mu     sync.Mutex
	server netip.AddrPort
	id     [stun.TransactionIDSize]byte
	answer chan netip.AddrPort // nil: nothing was asked
}

// take reads an answer; it reports whether the datagram was one, which then is
// nobody else's business. What did not come from the server that was asked, or
// does not carry the number of the question, is not believed.
func (q *question) take(msg []byte, src netip.AddrPort) bool {
	if !stun.IsMessage(msg) {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.answer == nil || src != q.server {
		return true
	}
	m := &stun.Message{Raw: append([]byte(nil), msg...)}
	if m.Decode() != nil || m.TransactionID != q.id || m.Type != stun.BindingSuccess {
		return true
	}
	var mapped stun.XORMappedAddress
	if mapped.GetFrom(m) != nil {
		return true
	}
	ip, ok := netip.AddrFromSlice(mapped.IP)
	if !ok {
		return true
	}
	select {
	case q.answer <- unmap(netip.AddrPortFrom(ip, uint16(mapped.Port))):
	default: // answered already
	}
	return true
}

// Mapped asks a STUN server at which address this UDP edge is seen (RFC 8489).
// Errors: no answer, or what the network said.
func (e *Edge) Mapped(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	if e.packet == nil {
		return netip.AddrPort{}, fmt.Errorf("sip edge %s: STUN needs UDP", e.name)
	}
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, err
	}
	q := &e.packet.question
	answer := make(chan netip.AddrPort, 1)
	q.mu.Lock()
	q.server, q.id, q.answer = server, m.TransactionID, answer
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.answer = nil
		q.mu.Unlock()
	}()
	for _, wait := range stunWaits {
		if _, err := e.packet.PacketConn.WriteTo(m.Raw, net.UDPAddrFromAddrPort(server)); err != nil {
			return netip.AddrPort{}, err
		}
		late := time.NewTimer(wait)
		select {
		case a := <-answer:
			late.Stop()
			return a, nil
		case <-late.C:
		case <-ctx.Done():
			late.Stop()
			return netip.AddrPort{}, ctx.Err()
		}
	}
	return netip.AddrPort{}, errNoSTUN
}

// Readvertise changes what peers outside are told to reach us at, and reports
// whether that is new. An edge whose address was configured keeps it. Peers in
// private networks go on being told our own address: the public one may not lead
// back in from there.
func (e *Edge) Readvertise(a netip.AddrPort) bool {
	if e.fixed || !a.IsValid() || a.Addr().Is4() != e.advertise.Addr().Is4() {
		return false
	}
	if e.packet == nil {
		a = netip.AddrPortFrom(a.Addr(), e.local.Port()) // a stream's port is not mapped by asking over UDP
	}
	old := e.found.Swap(&a)
	return (old == nil && a != e.advertise) || old != nil && *old != a
}

// Seen is what Readvertise was told last; zero: nothing yet.
func (e *Edge) Seen() netip.AddrPort {
	if a := e.found.Load(); a != nil {
		return *a
	}
	return netip.AddrPort{}
}

// inside reports whether a peer is in a network like our own, behind the same
// router or reached by a tunnel.
func inside(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
}

// Rediscover asks a STUN server, "host" or "host:port", for the address of each
// UDP edge, and has the edges of streams advertise the address of the first that
// got an answer in their family. It reports which edges are seen elsewhere now.
func (es Edges) Rediscover(ctx context.Context, server string) (changed Edges, err error) {
	if _, _, bad := net.SplitHostPort(server); bad != nil {
		server = net.JoinHostPort(server, stunPort)
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return nil, err
	}
	ips, err := lookUp(ctx, host)
	if err != nil {
		return nil, err
	}
	var seen []netip.AddrPort
	for _, e := range es {
		if e.packet == nil {
			continue
		}
		for _, ip := range ips {
			if ip.Is4() != e.advertise.Addr().Is4() {
				continue
			}
			a, failed := e.Mapped(ctx, netip.AddrPortFrom(ip, uint16(number)))
			if failed != nil {
				err = fmt.Errorf("sip edge %s: %w", e.name, failed)
				continue
			}
			seen = append(seen, a)
			if e.Readvertise(a) {
				changed = append(changed, e)
			}
			break
		}
	}
	return append(changed, es.follow(seen)...), err
}

// follow gives the edges of streams the addresses seen.
func (es Edges) follow(seen []netip.AddrPort) (changed Edges) {
	for _, e := range es {
		for _, a := range seen {
			if e.packet == nil && a.Addr().Is4() == e.advertise.Addr().Is4() {
				if e.Readvertise(a) {
					changed = append(changed, e)
				}
				break
			}
		}
	}
	return changed
}

func lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, err
}
