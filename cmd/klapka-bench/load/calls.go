//go:build linux

package load

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one call between two of the phones, seen from both ends.
type call struct {
	p              *Phones
	caller, callee int
	id             string // Call-ID of the caller's side
	offer, answer  string // session descriptions
	hold           bool   // it goes on until it is hung up

	seq      string // CSeq of the INVITE or BYE that is to be answered
	branch   string
	asked    bool // for credentials
	answered bool
	begun    time.Time // when the INVITE with credentials left
	delay    *Samples
	remote   string // To with tag; target and route of the dialog follow (RFC 3261 §12.1.2)
	target   string
	route    []string
	far      Ends // where the server wants sound
	byes     int  // sides that know of the end: the caller's answer, the callee's BYE
	done     func(ok bool)
}

// Ends are the server's RTP addresses towards the caller and the callee.
type Ends struct{ Caller, Callee netip.AddrPort }

// Call has devices call one another, n calls at a rate per second: INVITE with a
// 401 round, 180, 200, ACK, and BYE by the caller at once. Callers are the first
// pairs devices; each calls the one pairs further, which must be registered. No
// sound is sent. Delay is from INVITE with credentials to 200.
func (p *Phones) Call(pairs, n int, rate float64) *Result {
	delay := new(Samples)
	r := pace(n, rate, patience, func(i int, done func(bool)) bool {
		caller := i % pairs
		l := &call{
			p: p, caller: caller, callee: caller + pairs, done: done, delay: delay,
			offer: description(p.at, 30000), answer: description(p.at, 30002),
		}
		return p.dial(l)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.calling)
	clear(p.answering)
	r.Delay = delay
	return r
}

// Connect sets n calls up and leaves them; device i calls device n+i, and ports(i)
// says where the two have their sound. It returns where the server wants it.
func (p *Phones) Connect(n int, rate float64, ports func(i int) (caller, callee netip.AddrPort)) ([]Ends, error) {
	calls := make([]*call, n)
	r := pace(n, rate, readiness, func(i int, done func(bool)) bool {
		a, b := ports(i)
		calls[i] = &call{
			p: p, caller: i, callee: n + i, done: done, delay: new(Samples), hold: true,
			offer: description(a.Addr(), a.Port()), answer: description(b.Addr(), b.Port()),
		}
		return p.dial(calls[i])
	})
	if r.Done != n {
		return nil, fmt.Errorf("%d of %d calls were set up", r.Done, n)
	}
	out := make([]Ends, n)
	for i, l := range calls {
		out[i] = l.far
	}
	return out, nil
}

// HangUp ends all calls that Connect left, and waits for that.
func (p *Phones) HangUp(rate float64) *Result {
	p.mu.Lock()
	var all []*call
	for _, l := range p.calling {
		all = append(all, l)
	}
	p.mu.Unlock()
	return pace(len(all), rate, readiness, func(i int, done func(bool)) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		all[i].done = done
		all[i].bye()
		return true
	})
}

func (p *Phones) dial(l *call) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calling[l.caller] != nil {
		return false // the call before has not ended
	}
	l.id = "c" + strconv.Itoa(l.caller) + "-" + p.next()
	l.target = "sip:" + Number(l.callee) + "@" + p.server.Addr().String()
	l.remote = "<" + l.target + ">"
	p.calling[l.caller], p.answering[l.callee] = l, l
	l.invite("")
	return true
}

// description offers or answers A-law in 20 ms packets.
func description(at netip.Addr, port uint16) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]v\r\ns=-\r\nc=IN IP4 %[1]v\r\nt=0 0\r\n"+
		"m=audio %[2]d RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n", at, port)
}

// soundAt is where a session description wants sound.
func soundAt(sdp string) netip.AddrPort {
	var addr netip.Addr
	var port int
	for l := range strings.SplitSeq(sdp, "\r\n") {
		if v, ok := strings.CutPrefix(l, "c=IN IP4 "); ok {
			addr, _ = netip.ParseAddr(v) // an invalid one shows as no sound
		}
		if v, ok := strings.CutPrefix(l, "m=audio "); ok {
			v, _, _ = strings.Cut(v, " ")
			port, _ = strconv.Atoi(v)
		}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// invite sends the INVITE, with credentials if there are some.
func (l *call) invite(credentials string) {
	l.begun = time.Now()
	l.seq = l.p.next()
	l.branch = "i" + l.seq
	b := l.request("INVITE", l.seq, l.branch)
	b = line(b, "Contact", "<"+l.p.contact(l.caller)+">")
	if credentials != "" {
		b = line(b, "Authorization", credentials)
	}
	l.send(end(b, l.offer))
}

// request begins a request of the caller.
func (l *call) request(method, seq, branch string) []byte {
	b := make([]byte, 0, 2048)
	b = append(append(append(b, method...), " "+l.target...), " SIP/2.0\r\n"...)
	b = line(b, "Via", l.p.via(l.caller, branch))
	for _, r := range l.route {
		b = line(b, "Route", r)
	}
	b = line(b, "Max-Forwards", "70")
	b = line(b, "From", "<sip:"+Number(l.caller)+"@"+l.p.server.Addr().String()+">;tag="+l.id)
	b = line(b, "To", l.remote)
	b = line(b, "Call-ID", l.id)
	return line(b, "CSeq", seq+" "+method)
}

func (l *call) send(b []byte) {
	_, _ = l.p.conn(l.caller).Write(b) // what is lost is a failure, by the clock
}

func (l *call) bye() {
	l.seq = l.p.next()
	l.send(end(l.request("BYE", l.seq, "b"+l.seq), ""))
}

// onResponse is called with p.mu held.
func (l *call) onResponse(m *message) {
	number, method, _ := strings.Cut(m.get("CSeq"), " ")
	switch {
	case m.status < 200:
	case method == "INVITE" && m.status < 300:
		l.onAnswer(m, number)
	case number != l.seq:
	case method == "INVITE":
		remote := l.remote
		l.remote = m.get("To")
		l.send(end(l.request("ACK", number, l.branch), ""))
		l.remote = remote
		if m.status != 401 || l.asked {
			l.over(false)
			return
		}
		l.asked = true
		l.invite(authorization(m.get("WWW-Authenticate"), Number(l.caller), "INVITE", l.target))
	case method == "BYE":
		l.bidden(m.status == 200)
	}
}

// onAnswer is the 200 for the INVITE, or one again whose ACK was late.
func (l *call) onAnswer(m *message, number string) {
	first := !l.answered
	if first {
		l.answered = true
		l.delay.Add(time.Since(l.begun))
		l.remote, l.target = m.get("To"), m.contact()
		l.route = m.routes()
		slices.Reverse(l.route)
		l.far.Caller = soundAt(m.body)
	}
	l.send(end(l.request("ACK", number, "a"+l.p.next()), ""))
	switch {
	case first && l.hold:
		l.done(true)
	case first:
		l.bye()
	}
}

// bidden is the end seen from one side; the call is over when both have it.
func (l *call) bidden(ok bool) {
	if l.byes++; l.byes == 2 || !ok {
		l.over(ok)
	}
}

func (l *call) over(ok bool) {
	if l.p.calling[l.caller] == l {
		delete(l.p.calling, l.caller)
		delete(l.p.answering, l.callee)
		l.done(ok)
	}
}

// onRequest is the callee's side: it rings and answers at once.
func (p *Phones) onRequest(c *net.UDPConn, m *message) {
	if m.method == "ACK" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.answering[m.called()]
	switch {
	case m.method == "INVITE" && l != nil:
		l.far.Callee = soundAt(m.body)
		contact := "<" + p.contact(l.callee) + ">"
		_, _ = c.Write(end(line(m.response(nil, "180 Ringing", "t"), "Contact", contact), ""))
		_, _ = c.Write(end(line(m.response(nil, "200 OK", "t"), "Contact", contact), l.answer))
	case m.method == "INVITE":
		_, _ = c.Write(end(m.response(nil, "480 Temporarily Unavailable", "t"), ""))
	default:
		_, _ = c.Write(end(m.response(nil, "200 OK", "t"), ""))
		if m.method == "BYE" && l != nil {
			l.bidden(true)
		}
	}
}
