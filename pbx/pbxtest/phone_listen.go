package pbxtest

import (
	"fmt"
	"strings"

	"klapka.dev/klapka/pbx"
)

// listen reads until the wire is closed.
func (p *Phone) listen() {
	defer close(p.done)
	for {
		b, err := p.wire.receive()
		if err != nil {
			return
		}
		m, err := ParseMessage(b)
		if err != nil {
			continue // keepalives, and what a fuzzed server may say
		}
		if m.Status() != 0 {
			p.onResponse(m)
		} else {
			p.onRequest(m)
		}
	}
}

func (p *Phone) onResponse(r *Message) {
	p.mu.Lock()
	tx := p.txs[r.Branch()+r.Method()]
	if tx != nil && tx.request.Branch() == r.Branch() {
		tx.stop() // but not for a repeated challenge that was answered already
	}
	p.mu.Unlock()
	if tx == nil {
		p.stray(r)
		return
	}
	request := tx.current()
	if tx.call != nil {
		tx.call.onResponse(request, r)
		return
	}
	if r.Method() == "INVITE" && r.Status() >= 300 && !p.NoAck {
		p.Send(ackRefusal(request, r))
	}
	if again := p.challenged(request, r); again != nil {
		p.start(tx, again)
		return
	}
	p.mu.Lock()
	c := p.calls[r.Get("Call-ID")]
	p.mu.Unlock()
	if c != nil && c.ackAgain(r) {
		return
	}
	if request.Branch() != r.Branch() {
		return // a challenge that came twice, and was answered already
	}
	tx.deliver(r)
}

// ackAgain repeats the ACK of a 2xx that was acknowledged before.
func (c *Call) ackAgain(r *Message) bool {
	c.mu.Lock()
	ack := c.acks[r.CSeq()]
	c.mu.Unlock()
	if ack == nil || r.Method() != "INVITE" || r.Status() < 200 || r.Status() >= 300 {
		return false
	}
	c.phone.Send(ack)
	return true
}

// challenged is the request with credentials when r asks for them.
func (p *Phone) challenged(request, r *Message) *Message {
	if r.Status() != 401 && r.Status() != 407 || request.Branch() != r.Branch() {
		return nil
	}
	return p.authorize(request, r)
}

// ackRefusal is the ACK that belongs to the transaction (RFC 3261 §17.1.1.3).
func ackRefusal(request, r *Message) *Message {
	m := &Message{Start: strings.Replace(request.Start, request.Method(), "ACK", 1)}
	via := request.Get("Via")
	if request.Branch() != r.Branch() {
		via = r.Get("Via") // a challenge that came twice; the request is the next one already
	}
	m.Add("Via", via)
	for _, route := range request.All("Route") {
		m.Add("Route", route)
	}
	m.Add("Max-Forwards", "70")
	m.Add("From", request.Get("From"))
	m.Add("To", r.Get("To"))
	m.Add("Call-ID", request.Get("Call-ID"))
	m.Add("CSeq", fmt.Sprintf("%d ACK", r.CSeq()))
	return m
}

// onResponse takes a response to the call's first INVITE.
func (c *Call) onResponse(request, r *Message) {
	p := c.phone
	if r.Status() >= 300 && !p.NoAck {
		p.Send(ackRefusal(request, r))
	}
	if r.CSeq() != request.CSeq() {
		return // a challenge that was answered already, repeated
	}
	if again := p.challenged(request, r); again != nil {
		c.mu.Lock()
		c.seq, c.inviteSeq = again.CSeq(), again.CSeq()
		c.mu.Unlock()
		p.start(c.tx, again)
		return
	}
	c.mu.Lock()
	c.seen[r.Status()]++
	first := c.seen[r.Status()] == 1
	if r.Status() > 100 && r.Status() < 300 {
		c.learn(r)
	}
	c.mu.Unlock()
	if c.ackAgain(r) || r.Status() >= 200 && !first {
		return
	}
	select {
	case c.responses <- r:
	default:
	}
}

// learn takes the dialog from a response. Callers hold c.mu.
func (c *Call) learn(r *Message) {
	c.remoteTag = r.ToTag()
	if contact := r.Get("Contact"); contact != "" {
		c.target = addrSpec(contact)
	}
	c.routes = nil
	for _, rr := range r.All("Record-Route") {
		c.routes = append([]string{rr}, c.routes...)
	}
	if len(r.Body) > 0 {
		c.sdp = r.Body
	}
}

func (p *Phone) onRequest(m *Message) {
	p.mu.Lock()
	c := p.calls[m.Get("Call-ID")+" "+m.ToTag()]
	if c == nil {
		c = p.calls[m.Get("Call-ID")]
	}
	known := p.served[m.Branch()+m.Method()]
	p.mu.Unlock()
	switch {
	case c != nil:
		c.onRequest(m, known)
	case known != nil:
		p.Send(known)
	case m.Method() == "INVITE" && m.ToTag() == "":
		p.called(m)
	case p.Mute || m.Method() == "ACK":
		p.stray(m)
	case m.Method() == "OPTIONS" || m.Method() == "NOTIFY":
		p.answer(m, p.response(m, 200))
	default:
		p.answer(m, p.response(m, 481))
		p.stray(m)
	}
}

// called makes a call of an INVITE.
func (p *Phone) called(m *Message) {
	c := p.newCall(m.Get("Call-ID"))
	c.Incoming, c.invite, c.tag, c.remoteTag = true, m, pbx.NewID(), m.FromTag()
	c.target, c.routes, c.sdp, c.seq = addrSpec(m.Get("Contact")), m.All("Record-Route"), m.Body, 1
	c.counts["INVITE"] = 1
	p.mu.Lock()
	p.calls[c.ID] = c
	p.mu.Unlock()
	if !p.Mute {
		p.answer(m, p.response(m, 100))
	}
	select {
	case p.invites <- c:
	default:
	}
}

// onRequest takes a request that belongs to the call. known is what was answered
// to it before.
func (c *Call) onRequest(m, known *Message) {
	p := c.phone
	c.mu.Lock()
	c.counts[m.Method()]++
	final := c.final
	if m.Method() == "ACK" {
		if c.repeat != nil {
			c.repeat.Stop()
		}
		if len(m.Body) > 0 {
			c.sdp = m.Body
		}
	}
	c.mu.Unlock()
	switch {
	case known != nil:
		p.Send(known)
		return
	case p.Mute || m.Method() == "ACK":
	case m.Method() == "CANCEL":
		p.answer(m, p.response(m, 200))
		if final == nil {
			c.Respond(487)
		}
	case m.Method() == "BYE" || m.Method() == "OPTIONS":
		p.answer(m, p.response(m, 200))
	}
	select {
	case c.requests <- m:
	default:
	}
}

// RespondTo answers a request that the call got by ExpectRequest and that the
// phone leaves to the script.
func (c *Call) RespondTo(m *Message, code int, edits ...func(*Message)) {
	r := c.phone.response(m, code)
	for _, edit := range edits {
		edit(r)
	}
	c.phone.answer(m, r)
}

// response is a bare response to a request.
func (p *Phone) response(m *Message, code int) *Message {
	r := &Message{Start: fmt.Sprintf("SIP/2.0 %d %s", code, phrases[code])}
	for _, h := range m.Headers {
		switch headerKey(h.Name) {
		case "via", "from", "call-id", "cseq", "record-route":
			r.Headers = append(r.Headers, h)
		case "to":
			if code > 100 && m.ToTag() == "" {
				h.Value += ";tag=" + p.regID
			}
			r.Headers = append(r.Headers, h)
		}
	}
	return r
}

var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily",
	401: "Unauthorized", 404: "Not Found", 407: "Proxy Authentication Required", 408: "Request Timeout",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
	487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
	500: "Server Internal Error", 503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}

// answer sends a response and remembers it for repeated requests.
func (p *Phone) answer(m, r *Message) {
	p.mu.Lock()
	p.served[m.Branch()+m.Method()] = r
	p.mu.Unlock()
	p.Send(r)
}

func (p *Phone) stray(m *Message) {
	select {
	case p.strays <- m:
	default:
	}
}
