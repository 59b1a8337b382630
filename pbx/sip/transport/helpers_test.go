package transport

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx/pbxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	serverAddr = netip.MustParseAddrPort("10.0.0.1:5060")
	phoneAddr  = netip.MustParseAddrPort("10.0.0.7:40022")
)

// lab is an edge on a network in memory; make it within a bubble.
type lab struct {
	t    *testing.T
	net  *pbxtest.Net
	edge *Edge
}

// newLab opens an edge that answers OPTIONS with 200; configure may change the
// options and set handlers.
func newLab(t *testing.T, o Options, configure func(*Edge)) *lab {
	t.Helper()
	l := &lab{t: t, net: pbxtest.NewNet(1)}
	var err error
	if o.Net == "" {
		o.Net = UDP
	}
	if o.Net == UDP {
		o.PacketConn, err = l.net.ListenPacket(serverAddr)
	} else {
		o.Listener, err = l.net.Listen(serverAddr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if l.edge, err = Open(o); err != nil {
		t.Fatal(err)
	}
	l.edge.Handle(sip.OPTIONS, func(_ context.Context, _ Flow, req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
		tx.Terminate()
	})
	if configure != nil {
		configure(l.edge)
	}
	l.edge.Start()
	return l
}

func (l *lab) close() {
	if err := l.edge.Close(); err != nil {
		l.t.Errorf("closing the edge: %v", err)
	}
	_ = l.net.Close()
}

// peer is a socket that speaks raw SIP.
type peer struct {
	t    *testing.T
	conn net.PacketConn
}

func (l *lab) peer(addr netip.AddrPort) *peer {
	l.t.Helper()
	c, err := l.net.ListenPacket(addr)
	if err != nil {
		l.t.Fatal(err)
	}
	return &peer{l.t, c}
}

func (p *peer) send(msg string) {
	p.t.Helper()
	if _, err := p.conn.WriteTo([]byte(msg), net.UDPAddrFromAddrPort(serverAddr)); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the next datagram, or "" after two seconds of silence.
func (p *peer) read() string {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	buf := make([]byte, 65535)
	n, _, err := p.conn.ReadFrom(buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func (p *peer) expect(prefix string) string {
	p.t.Helper()
	got := p.read()
	if !strings.HasPrefix(got, prefix) {
		p.t.Fatalf("want %q, got %q", prefix, got)
	}
	return got
}

// request is a complete request with an own branch; extra are header lines.
func request(method, via, branch string, extra ...string) string {
	lines := []string{
		method + " sip:10.0.0.1 SIP/2.0",
		"Via: SIP/2.0/" + via + ";branch=z9hG4bK" + branch,
		"From: <sip:101@10.0.0.1>;tag=a",
		"To: <sip:10.0.0.1>",
		"Call-ID: c" + branch,
		"CSeq: 1 " + method,
		"Max-Forwards: 70",
	}
	lines = append(lines, extra...)
	return strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
}
