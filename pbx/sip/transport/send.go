package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/emiago/sipgo/sip"
)

// Request sends a request on a flow of this edge as a client transaction. A Via
// with a new branch is added when the request has none (a CANCEL keeps the one
// of its INVITE), Max-Forwards and Content-Length likewise; everything else is
// the caller's. The caller must drain Responses until Done (P20).
//
// Errors: ErrFlowGone for a stream without its connection, ErrUnsafe, the edge
// being closed, or what the network said.
func (e *Edge) Request(ctx context.Context, f Flow, req *sip.Request) (sip.ClientTransaction, error) {
	if err := e.address(f, req); err != nil {
		return nil, err
	}
	tx, err := e.ua.TransactionLayer().Request(ctx, req)
	if err != nil {
		return nil, e.sendError(f, err)
	}
	return tx, nil
}

// Send sends a request on a flow without a transaction: an ACK for a 2xx
// (RFC 3261 §13.2.2.4). Errors as in Request.
func (e *Edge) Send(f Flow, req *sip.Request) error {
	if err := e.address(f, req); err != nil {
		return err
	}
	if err := e.ua.TransportLayer().WriteMsg(req); err != nil {
		return e.sendError(f, err)
	}
	return nil
}

// address makes a request ready for its flow: Via, destination and, on UDP, our
// socket (P6). On streams the local address is never given: sipgo would then
// take the connection that was accepted last (P7).
func (e *Edge) address(f Flow, req *sip.Request) error {
	switch {
	case f.Edge != e:
		return fmt.Errorf("sip edge %s: flow %s is not of this edge", e.name, f)
	case e.ctx.Err() != nil:
		return net.ErrClosed
	case e.stream != nil && e.stream.find(f.Remote, f.ConnID) == nil:
		return fmt.Errorf("%w: %s", ErrFlowGone, f)
	}
	if req.Via() == nil {
		req.PrependHeader(e.via(f))
	}
	if req.MaxForwards() == nil {
		hops := sip.MaxForwardsHeader(70)
		req.AppendHeader(&hops)
	}
	if req.ContentLength() == nil {
		req.SetBody(req.Body())
	}
	req.SetTransport(e.layer())
	req.SetDestination(f.Remote.String())
	if e.packet != nil {
		req.Laddr = sip.Addr{IP: e.local.Addr().AsSlice(), Port: int(e.local.Port())}
	}
	if err := Sanitize(req); err != nil {
		e.counts.Refused.Add(1)
		return err
	}
	return nil
}

// via is our own hop (RFC 3261 §18.1.1, RFC 3581 §3).
func (e *Edge) via(f Flow) *sip.ViaHeader {
	a := e.AddrFor(f.Remote.Addr())
	return &sip.ViaHeader{
		ProtocolName:    "SIP",
		ProtocolVersion: "2.0",
		Transport:       e.viaTransport(f),
		Host:            a.Addr().String(),
		Port:            int(a.Port()),
		Params:          sip.HeaderParams{{K: "branch", V: sip.GenerateBranch()}, {K: "rport"}},
	}
}

// sendError tells a connection that broke just now from other failures.
func (e *Edge) sendError(f Flow, err error) error {
	if e.stream != nil && (errors.Is(err, errNoDial) || e.stream.find(f.Remote, f.ConnID) == nil) {
		return fmt.Errorf("%w: %s: %w", ErrFlowGone, f, err)
	}
	return fmt.Errorf("sip edge %s: %w", e.name, err)
}

// errNoDial is why sipgo may not open connections.
var errNoDial = errors.New("transport: connections are not opened on the way")

// noDialer is the dialer given to sipgo. A request whose connection is gone must
// fail; sipgo would open a new one to the peer's ephemeral port instead (P19).
func noDialer(net.Addr) net.Dialer {
	return net.Dialer{Control: func(string, string, syscall.RawConn) error { return errNoDial }}
}
