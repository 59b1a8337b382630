package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// The networks of an edge.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
	WS  = "ws" // WebSocket, with or without TLS; its Listener is Sockets
)

// Options describe one edge.
type Options struct {
	Name string // unique within the exchange; it is stored in registrations. Empty: Net
	Net  string // UDP, TCP, TLS or WS

	// Bind is the address to listen on; port 0 takes a free one. PacketConn (for
	// UDP) or Listener (for TCP and TLS, below TLS) is used instead when set. WS has
	// no other way in than its Listener; there, Bind is the web server's address.
	Bind       netip.AddrPort
	PacketConn net.PacketConn
	Listener   net.Listener

	// Advertise is what peers are told to reach us at (Via, Contact). Zero: the
	// address listened on, or, when that is a wildcard, one of the machine's.
	Advertise netip.AddrPort

	// AdvertiseOther is the same for peers of the other family, where [::] takes
	// both in.
	AdvertiseOther netip.AddrPort

	// TLS is the server's side of TLS. Its GetCertificate is asked at every
	// handshake, so that renewed certificates need no restart.
	TLS *tls.Config

	// Dial opens a connection to a phone on a TCP edge; nil: the system's.
	Dial func(context.Context, netip.AddrPort) (net.Conn, error)

	Guard *Guard // nil: one of its own with default limits
	Log   *slog.Logger

	// Tap sees every message that passes; nil: nobody does. It runs where messages
	// are read and written, so it is quick, and it is called from any goroutine.
	Tap func(Message)
}

// Edge is one SIP listener. Handlers are set between Open and Start; every other
// method may be called from any goroutine.
type Edge struct {
	name, net string
	local     netip.AddrPort
	advertise netip.AddrPort
	other     netip.AddrPort                 // … to peers of the other family; zero: there are none
	fixed     bool                           // … was configured
	found     atomic.Pointer[netip.AddrPort] // where we are seen from outside; nil: unknown
	guard     *Guard
	log       *slog.Logger

	ua     *sipgo.UserAgent
	server *sipgo.Server
	packet *guardConn      // UDP
	stream *streamListener // TCP, TLS
	dial   func(context.Context, netip.AddrPort) (net.Conn, error)
	stray  atomic.Pointer[StrayHandler]
	lost   []func(Flow)

	ctx    context.Context
	cancel context.CancelFunc
	work   workers
	serve  sync.WaitGroup
	counts Counts
}

// Counts are what an edge counted since it was opened; read them with Load.
type Counts struct {
	Panics  atomic.Uint64 // handlers that panicked and were contained
	Refused atomic.Uint64 // outgoing messages that Sanitize refused
}

// Open binds an edge; nothing is read before Start. It fails with the listener's
// error, or when the options contradict each other.
func Open(o Options) (*Edge, error) {
	tuneSipgo()
	if o.Name == "" {
		o.Name = o.Net
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Guard == nil {
		o.Guard = NewGuard(Limits{}, nil)
	}
	e := &Edge{name: o.Name, net: o.Net, dial: o.Dial, guard: o.Guard, log: o.Log.With("edge", o.Name)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if err := e.bind(o); err != nil {
		e.cancel()
		return nil, fmt.Errorf("sip edge %s: %w", o.Name, err)
	}
	e.advertise, e.fixed = advertised(o.Advertise, e.local), o.Advertise.IsValid()
	e.other = otherFamily(o.AdvertiseOther, e.advertise, e.local)
	if err := e.newAgent(); err != nil {
		_ = e.closeListener() // nothing came of it anyway
		e.cancel()
		return nil, fmt.Errorf("sip edge %s: %w", o.Name, err)
	}
	return e, nil
}

// bind opens or takes over the socket.
func (e *Edge) bind(o Options) (err error) {
	switch o.Net {
	case UDP:
		conn := o.PacketConn
		if conn == nil {
			if conn, err = listenUDP(o.Bind); err != nil {
				return err
			}
		}
		widen(conn)
		e.local = addrPort(conn.LocalAddr())
		e.packet = newGuardConn(conn, e.guard, e.bury)
		e.packet.tap = tap{e.name, o.Tap}
		return nil
	case TCP, TLS, WS:
		if o.Net == TLS && o.TLS == nil {
			return errors.New("TLS needs a configuration with a certificate")
		}
		l := o.Listener
		if o.Net == WS && l == nil {
			return errors.New("a WebSocket edge needs the sockets of a web server")
		}
		if l == nil {
			if l, err = net.Listen(family("tcp", o.Bind), o.Bind.String()); err != nil {
				return err
			}
		}
		e.local = addrPort(l.Addr())
		if o.Net == WS {
			e.local = o.Bind
		}
		var conf *tls.Config
		if o.Net == TLS {
			conf = o.TLS
		}
		e.stream = newStreamListener(l, conf, e.guard, e.log, e.connLost)
		e.stream.tap = tap{e.name, o.Tap}
		return nil
	}
	return fmt.Errorf("unknown network %q", o.Net)
}

// newAgent makes sipgo's half. One agent per listener is what gives a request
// its ingress; sipgo itself does not keep it.
func (e *Edge) newAgent() (err error) {
	quiet := slog.New(quietHandler{e.log.Handler()})
	refuse := &sip.TransportTCP{DialerCreate: noDialer}
	tx := []sip.TransactionLayerOption{
		sip.WithTransactionLayerLogger(quiet),
		sip.WithTransactionLayerUnhandledResponseHandler(e.strayResponse),
	}
	if e.stream != nil {
		tx = append(tx, sip.WithTransactionLayerTerminateOnConnClose())
	}
	e.ua, err = sipgo.NewUA(
		sipgo.WithUserAgent("Klapka"),
		sipgo.WithUserAgentParser(sip.NewParser(sip.WithHeadersParsers(headerParsers()))),
		sipgo.WithUserAgentTransactionLayerOptions(tx...),
		sipgo.WithUserAgentTransportLayerOptions(
			sip.WithTransportLayerLogger(quiet),
			func(l *sip.TransportLayer) { l.OnMessage(stampTag) },
			sip.WithTransportLayerTransports(sip.TransportsConfig{
				TCP: refuse,
				TLS: &sip.TransportTLS{TransportTCP: &sip.TransportTCP{DialerCreate: noDialer}},
			}),
		),
	)
	if err != nil {
		return err
	}
	e.server, err = sipgo.NewServer(e.ua, sipgo.WithServerLogger(quiet))
	return err
}

// Name is the edge's name in registrations, events and logs.
func (e *Edge) Name() string { return e.name }

// Net is UDP, TCP, TLS or WS.
func (e *Edge) Net() string { return e.net }

// Local is the address listened on, with the real port.
func (e *Edge) Local() netip.AddrPort { return e.local }

// Guard is what stands in front of the edge.
func (e *Edge) Guard() *Guard { return e.guard }

// Counts are the edge's counters.
func (e *Edge) Counts() *Counts { return &e.counts }

// AddrFor is the address that the given peer should use for us. It differs from
// the advertised one for peers on this very machine when all addresses are
// listened on (they must not depend on a network being up), for peers of the other
// family, and for peers outside when it was found out at which address they see
// us.
func (e *Edge) AddrFor(remote netip.Addr) netip.AddrPort {
	if remote.IsLoopback() && e.local.Addr().IsUnspecified() {
		return netip.AddrPortFrom(remote, e.local.Port())
	}
	if seen := e.found.Load(); seen != nil && !inside(remote) && seen.Addr().Is4() == remote.Unmap().Is4() {
		return *seen
	}
	if e.other.IsValid() && e.other.Addr().Is4() == remote.Unmap().Is4() {
		return e.other
	}
	return e.advertise
}

// Contact is the address of record of one of our users as this peer should use
// it, with the transport parameter for streams (RFC 3261 §8.1.1.8). user may be
// empty; it must already be escaped.
func (e *Edge) Contact(user string, remote netip.Addr) sip.Uri {
	a := e.AddrFor(remote)
	u := sip.Uri{Scheme: "sip", User: user, Host: a.Addr().String(), Port: int(a.Port())}
	if e.net != UDP {
		u.UriParams = sip.HeaderParams{{K: "transport", V: e.net}}
	}
	return u
}

// Start begins to read; when it returns, requests can be sent.
func (e *Edge) Start() {
	e.serve.Go(func() {
		var err error
		switch {
		case e.packet != nil:
			err = e.server.ServeUDP(e.packet)
		case e.net == TLS:
			err = e.server.ServeTLS(e.stream)
		default:
			err = e.server.ServeTCP(e.stream)
		}
		if e.ctx.Err() == nil {
			e.log.Error("sip listener stopped", "error", err)
		}
	})
	if e.stream != nil {
		e.serve.Go(e.stream.run)
		return
	}
	<-e.packet.ready // before, sipgo would open a socket of its own for a request
}

// Close stops listening, ends every transaction and connection, and waits for
// the handlers that were running. It is idempotent.
func (e *Edge) Close() error {
	e.cancel()
	err := e.closeListener()
	e.ua.TransactionLayer().Close()
	if e.stream != nil {
		_ = e.ua.Close()
	}
	e.serve.Wait()
	e.work.wait()
	return err
}

// bury puts a dead connection in place of the socket. sipgo may still be about
// to look for it on behalf of a request it has read, and would open a socket of
// its own to answer from, which nobody closes. It runs in sipgo's reading
// goroutine, so that no message puts the socket back afterwards. Closing sipgo's
// transport would forget the dead one, too, so Close leaves that out: there is
// nothing in it but the socket we close.
func (e *Edge) bury() {
	pool := e.ua.TransportLayer().Pool(UDP)
	dead := deadConn{e.packet.LocalAddr()}
	pool.Add(everyone{}.String(), dead)
	pool.Add(dead.addr.String(), dead)
}

func (e *Edge) closeListener() error {
	if e.packet != nil {
		return e.packet.Close()
	}
	return e.stream.Close()
}

// layer is what sipgo is told to send by; to it, a WebSocket is a TCP connection.
func (e *Edge) layer() string {
	if e.net == WS {
		return "TCP"
	}
	return strings.ToUpper(e.net)
}

// viaTransport is the network of a flow as Via writes it (RFC 7118 §5.2).
func (e *Edge) viaTransport(f Flow) string {
	if e.net != WS {
		return strings.ToUpper(e.net)
	}
	if c := e.stream.find(f.Remote, f.ConnID); c != nil && c.secure {
		return "WSS"
	}
	return "WS"
}
