package sip

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/sip/digest"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

const (
	offerSDP  = "v=0\r\no=- 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
	answerSDP = "v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8\r\n"
	otherSDP  = "v=0\r\no=- 3 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 20002 RTP/AVP 8\r\n"
)

var (
	serverAddr  = netip.MustParseAddrPort("192.0.2.1:5060")
	serverAddr6 = netip.MustParseAddrPort("[2001:db8::1]:5060")
)

// rig is a stack on a network in memory, with legs that only take notes.
type rig struct {
	t      *testing.T
	net    *pbxtest.Net
	udp    *transport.Edge
	tcp    *transport.Edge
	stack  *Stack
	door   *doorman
	events *eventLog
	legs   chan *fakeLeg // incoming ones, in order of arrival
	regs   map[string][]pbx.Binding
	far    time.Duration // what connecting to a phone takes

	mu     sync.Mutex
	refuse error // what the host says
	panics bool
	closed bool
}

// bubble runs a test in virtual time on a fresh rig.
func bubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		defer r.close()
		f(t, r)
	})
}

func newRig(t *testing.T) *rig {
	r := &rig{
		t: t, net: pbxtest.NewNet(1), events: &eventLog{},
		legs: make(chan *fakeLeg, 64), regs: make(map[string][]pbx.Binding),
	}
	conn, err := r.net.ListenPacket(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := r.net.Listen(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	if r.udp, err = transport.Open(transport.Options{Name: "udp", Net: transport.UDP, PacketConn: conn}); err != nil {
		t.Fatal(err)
	}
	if r.tcp, err = transport.Open(transport.Options{Name: "tcp", Net: transport.TCP, Listener: listener, Dial: r.connect}); err != nil {
		t.Fatal(err)
	}
	conn6, err := r.net.ListenPacket(serverAddr6)
	if err != nil {
		t.Fatal(err)
	}
	udp6, err := transport.Open(transport.Options{Name: "udp6", Net: transport.UDP, PacketConn: conn6})
	if err != nil {
		t.Fatal(err)
	}
	r.door = newDoorman()
	r.stack = newStack(Options{
		Edges: transport.Edges{r.udp, r.tcp, udp6}, Authority: r.door, Events: r.events,
		Bindings: r, Log: slog.New(slog.DiscardHandler),
	}, r)
	r.stack.Start()
	t.Cleanup(r.close)
	return r
}

func (r *rig) close() {
	if r.closed {
		return
	}
	r.closed = true
	r.stack.Close()
	_ = r.net.Close()
}

// phone starts a phone on UDP; 101 has the address 192.0.2.101.
func (r *rig) phone(number string) *pbxtest.Phone {
	r.t.Helper()
	conn, err := r.net.ListenPacket(netip.MustParseAddrPort("192.0.2." + number + ":5060"))
	if err != nil {
		r.t.Fatal(err)
	}
	return pbxtest.NewPhone(r.t, conn, serverAddr, number, "secret-"+number)
}

// streamPhone starts a phone on TCP.
func (r *rig) streamPhone(number string) *pbxtest.Phone {
	r.t.Helper()
	conn, err := r.net.Dial(context.Background(), netip.MustParseAddrPort("192.0.2."+number+":0"), serverAddr)
	if err != nil {
		r.t.Fatal(err)
	}
	return pbxtest.NewStreamPhone(r.t, conn, serverAddr, number, "secret-"+number)
}

// connect opens a connection to a phone on the edge's behalf.
func (r *rig) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	time.Sleep(r.far)
	return r.net.Dial(ctx, netip.AddrPortFrom(serverAddr.Addr(), 0), to)
}

// Invite implements host.
func (r *rig) Invite(sig leg.Signaler, inv leg.Invitation) (inbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panics {
		panic("host")
	}
	if r.refuse != nil {
		return nil, r.refuse
	}
	l := newFakeLeg(r.t)
	l.sig, l.inv = sig, inv
	r.legs <- l
	return l, nil
}

// Bindings implements Bindings.
func (r *rig) Bindings(device string) []pbx.Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.regs[device]
}

// incoming waits for the leg of a call to us.
func (r *rig) incoming() *fakeLeg {
	r.t.Helper()
	select {
	case l := <-r.legs:
		return l
	case <-time.After(time.Minute):
		r.t.Fatalf("no leg within a minute; refused: %v", r.events.refusals())
		return nil
	}
}

func (r *rig) noLeg() {
	r.t.Helper()
	synctest.Wait()
	select {
	case l := <-r.legs:
		r.t.Fatalf("a leg was made for %+v", l.inv)
	default:
	}
}

// bindingOf is where a phone on UDP would have registered.
func (r *rig) bindingOf(p *pbxtest.Phone) pbx.Binding {
	return pbx.Binding{
		Device: "dev-" + p.Number, Username: p.Number, Extension: p.Number, Contact: p.Contact(),
		Edge: "udp", Remote: p.Addr(),
	}
}

// call dials a phone.
func (r *rig) call(p *pbxtest.Phone, edits ...func(*leg.Dialing)) *fakeLeg {
	r.t.Helper()
	l := newFakeLeg(r.t)
	d := leg.Dialing{
		Binding: r.bindingOf(p), From: pbx.PartyInfo{Number: "101", Name: "Anna Nováková"},
		To: pbx.PartyInfo{Number: p.Number}, Offer: []byte(offerSDP),
	}
	for _, edit := range edits {
		edit(&d)
	}
	l.id = pbx.LegID(pbx.NewID())
	sig, err := r.stack.dial(d, l, l.id)
	if err != nil {
		r.t.Fatal(err)
	}
	l.sig = sig
	return l
}

// settle lets 100 s pass, in which every transaction ends.
func (r *rig) settle() { time.Sleep(100 * time.Second); synctest.Wait() }

// fakeLeg notes what it is told.
type fakeLeg struct {
	t      *testing.T
	id     pbx.LegID
	sig    leg.Signaler
	inv    leg.Invitation
	inputs chan leg.Input
}

func newFakeLeg(t *testing.T) *fakeLeg { return &fakeLeg{t: t, inputs: make(chan leg.Input, 256)} }

// Post implements inbox.
func (l *fakeLeg) Post(in leg.Input) { l.inputs <- in }

// expect waits for the next input, which must be of this kind.
func (l *fakeLeg) expect(kind leg.InputKind) leg.Input {
	l.t.Helper()
	select {
	case in := <-l.inputs:
		if in.Kind != kind {
			l.t.Fatalf("leg was told %v, want %v", in, kind)
		}
		return in
	case <-time.After(time.Hour):
		l.t.Fatalf("leg was not told %v", kind)
		return leg.Input{}
	}
}

// quiet fails when there is another input.
func (l *fakeLeg) quiet() {
	l.t.Helper()
	synctest.Wait()
	select {
	case in := <-l.inputs:
		l.t.Fatalf("leg was told %v", in)
	default:
	}
}

// eventLog is a publisher that keeps what it gets.
type eventLog struct {
	mu     sync.Mutex
	events []pbx.EventBody
}

func (e *eventLog) Publish(ev pbx.Event) pbx.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, ev.Body)
	return ev
}

// refusals are the reasons of the INVITEs that did not become calls.
func (e *eventLog) refusals() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, b := range e.events {
		if c, ok := b.(pbx.CallRefused); ok {
			out = append(out, c.Reason)
		}
	}
	return out
}

// doorman knows 101 to 199, each with the secret "secret-" and its number.
type doorman struct {
	digest *digest.Server
	last   atomic.Pointer[transport.Flow] // by which the last INVITE came
	slow   time.Duration                  // what looking somebody up takes
}

func newDoorman() *doorman { return &doorman{digest: digest.New(digest.Options{Realm: "klapka"})} }

// Authenticate implements Authority.
func (d *doorman) Authenticate(_ context.Context, flow transport.Flow, req *sip.Request) (pbx.PartyInfo, *sip.Response, string) {
	d.last.Store(&flow)
	challenge := func(why string) (pbx.PartyInfo, *sip.Response, string) {
		res := responseTo(req, sip.StatusProxyAuthRequired, "Proxy Authentication Required", "")
		for _, c := range d.digest.Challenges(flow.Remote.Addr(), false) {
			res.AppendHeader(sip.NewHeader("Proxy-Authenticate", c))
		}
		return pbx.PartyInfo{}, res, why
	}
	value, ok := header.Get(req, "Proxy-Authorization")
	if !ok {
		return challenge("")
	}
	time.Sleep(d.slow)
	c, err := digest.Parse(value)
	if err != nil {
		return pbx.PartyInfo{}, responseTo(req, sip.StatusBadRequest, "Malformed Credentials", ""), "malformed"
	}
	sum := md5.Sum([]byte(c.Username + ":klapka:secret-" + c.Username))
	out := d.digest.Verify(c, digest.Request{Method: string(req.Method), URI: req.Recipient.String(), Source: flow.Remote.Addr()},
		pbx.DigestHA1{MD5: hex.EncodeToString(sum[:])})
	if out != digest.OK {
		return challenge("digest")
	}
	return pbx.PartyInfo{
		Number: c.Username, Name: "User " + c.Username, Extension: c.Username, Device: "dev-" + c.Username,
	}, nil, ""
}

// answered is an incoming call that is up.
func (r *rig) answered(p *pbxtest.Phone) (*pbxtest.Call, *fakeLeg) {
	r.t.Helper()
	c := p.Invite("102", offerSDP)
	l := r.incoming()
	l.sig.Answer([]byte(answerSDP))
	c.Expect(200)
	c.Ack()
	l.expect(leg.InAcked)
	return c, l
}

// dialled is an outgoing call that is up.
func (r *rig) dialled(p *pbxtest.Phone, edits ...func(*leg.Dialing)) (*pbxtest.Call, *fakeLeg) {
	r.t.Helper()
	l := r.call(p, edits...)
	c := p.ExpectInvite()
	l.expect(leg.InTrying)
	c.Answer(answerSDP)
	l.expect(leg.InAnswered)
	l.sig.Ack(nil)
	c.ExpectAck()
	return c, l
}

func contains(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}
