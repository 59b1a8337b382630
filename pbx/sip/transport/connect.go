package transport

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/header"
)

// Alive is FlowOf for a way that needs no connecting: ok is false for a stream
// whose connection is gone.
func (es Edges) Alive(b pbx.Binding) (f Flow, ok bool) {
	f, ok = es.FlowOf(b)
	return f, ok && (f.Edge.stream == nil || f.Edge.stream.find(f.Remote, f.ConnID) != nil)
}

// Reach returns a living way to a registered contact. For UDP that is FlowOf. A
// stream registration outlives our restart, its connection does not: then the
// phone is connected to at its contact, provided that this is where it
// registered from. Behind NAT it cannot be, and nobody shall have us connect to
// third parties. Over TLS it is not tried: no phone has a certificate that proves
// its address, so whoever sits there now would be told who calls; such a phone is
// reachable again when it has reconnected, and so is one on a WebSocket. Reach may wait for the network; errors
// are ErrFlowGone.
func (es Edges) Reach(ctx context.Context, b pbx.Binding) (Flow, error) {
	f, ok := es.Alive(b)
	switch {
	case ok:
		return f, nil
	case f.Edge == nil:
		return Flow{}, fmt.Errorf("%w: no edge %q", ErrFlowGone, b.Edge)
	}
	to, ok := contactAddr(b.Contact)
	if !ok || f.Edge.net != TCP || to.Addr() != b.Remote.Addr() {
		return Flow{}, fmt.Errorf("%w: %s", ErrFlowGone, f)
	}
	return f.Edge.connect(ctx, to)
}

// contactAddr is the address in a contact, if it is one.
func contactAddr(contact string) (netip.AddrPort, bool) {
	u, err := header.ParseURI(contact)
	if err != nil {
		return netip.AddrPort{}, false
	}
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil {
		return netip.AddrPort{}, false
	}
	port := u.Port
	if port == 0 {
		port = sip.DefaultTcpPort
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), true
}

// connect opens a connection to a phone, or takes the one that is open.
func (e *Edge) connect(ctx context.Context, to netip.AddrPort) (Flow, error) {
	if c := e.stream.find(to, 0); c != nil {
		return Flow{Edge: e, Remote: to, ConnID: c.id}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.guard.limits.Write)
	defer cancel()
	dial := e.dial
	if dial == nil {
		dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", to.String())
		}
	}
	raw, err := dial(ctx, to)
	if err != nil {
		return Flow{}, fmt.Errorf("%w: %w", ErrFlowGone, err)
	}
	c, err := e.stream.adopt(ctx, raw)
	if err != nil {
		return Flow{}, err
	}
	return Flow{Edge: e, Remote: c.remote, ConnID: c.id}, nil
}

// adopt hands sipgo a connection that we opened. The peer need not say anything
// on it first.
func (s *streamListener) adopt(ctx context.Context, raw net.Conn) (*streamConn, error) {
	c, ok := s.enter(raw)
	if !ok {
		_ = raw.Close()
		return nil, fmt.Errorf("%w: refused by our own limits", ErrFlowGone)
	}
	defer s.work.Done()
	c.spoken = true
	select {
	case s.ready <- c:
	case <-ctx.Done():
		_ = c.Close()
		return nil, fmt.Errorf("%w: %w", ErrFlowGone, ctx.Err())
	case <-s.ctx.Done():
		_ = c.Close()
		return nil, net.ErrClosed
	}
	// sipgo enters the connection into its pool before it accepts another one;
	// until then it would not find it.
	select {
	case s.ready <- nil:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	c.open.Store(true)
	return c, nil
}
