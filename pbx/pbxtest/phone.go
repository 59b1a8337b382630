package pbxtest

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/icholy/digest"

	"klapka.dev/klapka/pbx"
)

// The timers of RFC 3261 §17 that the phone keeps.
const (
	phoneT1 = 500 * time.Millisecond
	phoneT2 = 4 * time.Second
)

// Phone is a scripted telephone: a small SIP user agent on one socket that does
// by itself what any phone does (retransmit, answer challenges, acknowledge
// refusals, answer BYE, CANCEL and OPTIONS) and leaves the rest to the script.
// It works in virtual time; every method may be called from any goroutine, the
// waiting ones fail the test when what they wait for does not come.
type Phone struct {
	Number   string // user part of its address
	Username string // for digest; as Number unless changed
	Secret   string
	Domain   string        // host part of its address, as the server's unless changed
	Patience time.Duration // how long Expect… waits, default 70 s

	// Edit, when set, sees every message before it is sent and may change it;
	// returning false keeps it from being sent.
	Edit func(*Message) bool
	// Mute leaves CANCEL, BYE and other requests unanswered.
	Mute bool
	// NoAck leaves final non-2xx responses unacknowledged.
	NoAck bool

	t       testing.TB
	wire    wire
	server  netip.AddrPort
	nonces  map[string]int // nonce → uses, for nc
	mu      sync.Mutex
	txs     map[string]*phoneTx // by branch
	calls   map[string]*Call    // by Call-ID
	served  map[string]*Message // last response by branch and method
	invites chan *Call
	strays  chan *Message // what belongs to no call
	regID   string
	regSeq  uint32
	done    chan struct{}
	stopped bool
}

// wire carries whole messages.
type wire interface {
	send(b []byte) error
	receive() ([]byte, error)
	local() netip.AddrPort
	transport() string
	close() error
}

// NewPhone starts a phone on a packet connection. It is closed with the test,
// or by Close: a test in a synctest bubble must close it inside.
func NewPhone(t testing.TB, conn net.PacketConn, server netip.AddrPort, number, secret string) *Phone {
	return newPhone(t, &packetWire{conn: conn, server: net.UDPAddrFromAddrPort(server)}, server, number, secret)
}

// NewStreamPhone starts a phone on a TCP (or TLS) connection to the server.
func NewStreamPhone(t testing.TB, conn net.Conn, server netip.AddrPort, number, secret string) *Phone {
	return newPhone(t, newStreamWire(conn), server, number, secret)
}

func newPhone(t testing.TB, w wire, server netip.AddrPort, number, secret string) *Phone {
	p := &Phone{
		Number: number, Username: number, Secret: secret, Domain: server.Addr().String(),
		Patience: 70 * time.Second,
		t:        t, wire: w, server: server,
		nonces:  make(map[string]int),
		txs:     make(map[string]*phoneTx),
		calls:   make(map[string]*Call),
		served:  make(map[string]*Message),
		invites: make(chan *Call, 64),
		strays:  make(chan *Message, 1024),
		regID:   pbx.NewID(),
		done:    make(chan struct{}),
	}
	go p.listen()
	t.Cleanup(p.Close)
	return p
}

// Close ends the phone without a word on the wire, as pulling its plug does.
func (p *Phone) Close() {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return
	}
	p.stopped = true
	for _, tx := range p.txs {
		tx.stop()
	}
	for _, c := range p.calls {
		c.stopTimers()
	}
	p.mu.Unlock()
	_ = p.wire.close()
	<-p.done
}

// Addr is the phone's own address.
func (p *Phone) Addr() netip.AddrPort { return p.wire.local() }

// Contact is the URI under which the phone is reached.
func (p *Phone) Contact() string {
	uri := fmt.Sprintf("sip:%s@%s", p.Number, p.wire.local())
	if p.wire.transport() != "UDP" {
		uri += ";transport=" + strings.ToLower(p.wire.transport())
	}
	return uri
}

// Register registers the phone for an hour and returns the 200.
func (p *Phone) Register() *Message { return p.RegisterFor(time.Hour) }

// RegisterFor registers the phone for that long; 0 removes the registration.
func (p *Phone) RegisterFor(d time.Duration) *Message {
	p.t.Helper()
	m := p.Request("REGISTER", "sip:"+p.Domain, func(m *Message) {
		p.mu.Lock()
		p.regSeq++
		m.Set("Call-ID", p.regID)
		m.Set("CSeq", fmt.Sprintf("%d REGISTER", p.regSeq))
		p.mu.Unlock()
		m.Add("Contact", "<"+p.Contact()+">")
		m.Add("Expires", fmt.Sprint(int(d/time.Second)))
	})
	if m.Status() != 200 {
		p.t.Fatalf("phone %s: REGISTER was answered:\n%s", p.Number, m)
	}
	p.mu.Lock()
	p.regSeq = max(p.regSeq, m.CSeq())
	p.mu.Unlock()
	return m
}

// Request sends a request outside of any dialog and returns the final response,
// after a challenge was answered. The edits are made before it is sent.
func (p *Phone) Request(method, uri string, edits ...func(*Message)) *Message {
	p.t.Helper()
	m := p.newRequest(method, uri)
	for _, edit := range edits {
		edit(m)
	}
	return p.later(m)()
}

// later sends a request; the function it returns waits for the final response.
func (p *Phone) later(m *Message) func() *Message {
	tx := p.begin(m)
	return func() *Message {
		p.t.Helper()
		return p.await(tx, m.Method())
	}
}

// await waits for a final response of a transaction.
func (p *Phone) await(tx *phoneTx, what string) *Message {
	p.t.Helper()
	r := tx.final(p.Patience)
	if r == nil {
		p.t.Fatalf("phone %s: no final response to %s within %v", p.Number, what, p.Patience)
	}
	return r
}

// newRequest fills in what every request out of a dialog needs.
func (p *Phone) newRequest(method, uri string) *Message {
	m := &Message{Start: method + " " + uri + " SIP/2.0"}
	m.Add("Via", p.via())
	m.Add("Max-Forwards", "70")
	m.Add("From", fmt.Sprintf("<sip:%s@%s>;tag=%s", p.Number, p.Domain, pbx.NewID()))
	m.Add("To", "<"+uri+">")
	if method == "REGISTER" {
		m.Set("To", fmt.Sprintf("<sip:%s@%s>", p.Number, p.Domain))
	}
	m.Add("Call-ID", pbx.NewID())
	m.Add("CSeq", "1 "+method)
	return m
}

func (p *Phone) via() string {
	return fmt.Sprintf("SIP/2.0/%s %s;rport;branch=z9hG4bK%s", p.wire.transport(), p.wire.local(), pbx.NewID())
}

// Send puts a message onto the wire as it is, and expects nothing.
func (p *Phone) Send(m *Message) {
	if p.Edit != nil && !p.Edit(m) {
		return
	}
	p.SendRaw(m.Bytes())
}

// SendRaw puts bytes onto the wire.
func (p *Phone) SendRaw(b []byte) { _ = p.wire.send(b) }

// ExpectInvite waits for a call to the phone. It is already answered with 100.
func (p *Phone) ExpectInvite() *Call {
	p.t.Helper()
	select {
	case c := <-p.invites:
		return c
	case <-time.After(p.Patience):
		p.t.Fatalf("phone %s: no INVITE within %v", p.Number, p.Patience)
		return nil
	}
}

// Incoming gives the calls to the phone that no Expect… has taken, for scripts
// that answer any number of them.
func (p *Phone) Incoming() <-chan *Call { return p.invites }

// ExpectNoInvite fails when a call comes within d.
func (p *Phone) ExpectNoInvite(d time.Duration) {
	p.t.Helper()
	select {
	case c := <-p.invites:
		p.t.Fatalf("phone %s: unexpected call:\n%s", p.Number, c.invite)
	case <-time.After(d):
	}
}

// ExpectStray waits for the next message that belongs to no call and no
// transaction of the phone.
func (p *Phone) ExpectStray() *Message {
	p.t.Helper()
	select {
	case m := <-p.strays:
		return m
	case <-time.After(p.Patience):
		p.t.Fatalf("phone %s: no message within %v", p.Number, p.Patience)
		return nil
	}
}

// authorize answers the challenge in r by the same request anew, or returns nil
// when it has no secret or its answer was just refused.
func (p *Phone) authorize(m, r *Message) *Message {
	header, challenge := "Authorization", r.Get("WWW-Authenticate")
	if r.Status() == 407 {
		header, challenge = "Proxy-Authorization", r.Get("Proxy-Authenticate")
	}
	stale := strings.Contains(strings.ToLower(challenge), "stale=true")
	if p.Secret == "" || challenge == "" || m.Get(header) != "" && !stale {
		return nil
	}
	ch, err := digest.ParseChallenge(challenge)
	if err != nil {
		return nil
	}
	p.mu.Lock()
	p.nonces[ch.Nonce]++
	count := p.nonces[ch.Nonce]
	p.mu.Unlock()
	cred, err := digest.Digest(ch, digest.Options{
		Method: m.Method(), URI: m.URI(), Username: p.Username, Password: p.Secret, Count: count,
	})
	if err != nil {
		return nil
	}
	again := m.clone()
	again.Remove(header)
	again.Set("Via", p.via())
	again.Set("CSeq", fmt.Sprintf("%d %s", m.CSeq()+1, m.Method()))
	again.Add(header, cred.String())
	return again
}
