package pbxtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"klapka.dev/klapka/pbx"
)

// Call is one call of a phone, from either side: the INVITE and, once there is
// one, its dialog.
type Call struct {
	ID       string // Call-ID
	Incoming bool   // somebody called the phone

	phone     *Phone
	invite    *Message // the first INVITE, as sent or received
	tx        *phoneTx // of the outgoing INVITE
	tag       string   // ours
	responses chan *Message
	requests  chan *Message

	mu        sync.Mutex
	remoteTag string
	target    string   // the peer's Contact
	routes    []string // route set
	seq       uint32
	inviteSeq uint32              // of our last INVITE, for its ACK
	sdp       []byte              // the peer's last description
	acks      map[uint32]*Message // ACKs sent for 2xx, by CSeq
	seen      map[int]int         // responses by status
	counts    map[string]int      // requests by method
	final     *Message            // our final response to an incoming INVITE
	repeat    *time.Timer         // of a 2xx that is not acknowledged
}

func (p *Phone) newCall(id string) *Call {
	return &Call{
		ID: id, phone: p,
		responses: make(chan *Message, 1024), requests: make(chan *Message, 1024),
		acks: make(map[uint32]*Message), seen: make(map[int]int), counts: make(map[string]int),
	}
}

// Invite calls somebody: to is a number, or a whole URI. An empty sdp leaves the
// offer to the other side. A challenge is answered without being reported.
func (p *Phone) Invite(to, sdp string, edits ...func(*Message)) *Call {
	uri := to
	if !strings.Contains(to, ":") {
		uri = fmt.Sprintf("sip:%s@%s", to, p.Domain)
	}
	m := p.newRequest("INVITE", uri)
	m.Add("Contact", "<"+p.Contact()+">")
	m.Add("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO")
	m.Add("User-Agent", "scripted phone")
	describe(m, sdp)
	for _, edit := range edits {
		edit(m)
	}
	c := p.newCall(m.Get("Call-ID"))
	c.invite, c.tag, c.seq, c.inviteSeq = m, m.FromTag(), m.CSeq(), m.CSeq()
	c.tx = &phoneTx{phone: p, call: c, responses: c.responses}
	p.mu.Lock()
	p.calls[c.ID] = c
	p.mu.Unlock()
	p.start(c.tx, m)
	return c
}

// Expect waits for a response to the INVITE with one of these codes and returns
// it. Other provisional responses are passed over; another final response, or
// none in time, fails the test.
func (c *Call) Expect(codes ...int) *Message {
	c.phone.t.Helper()
	timeout := time.NewTimer(c.phone.Patience)
	defer timeout.Stop()
	for {
		select {
		case r := <-c.responses:
			if slices.Contains(codes, r.Status()) {
				return r
			}
			if r.Status() >= 200 {
				c.phone.t.Fatalf("phone %s: expected %v, got:\n%s", c.phone.Number, codes, r)
			}
		case <-timeout.C:
			c.phone.t.Fatalf("phone %s: none of %v within %v", c.phone.Number, codes, c.phone.Patience)
		}
	}
}

// Final waits for the final response to the INVITE, whichever it is.
func (c *Call) Final() *Message {
	c.phone.t.Helper()
	timeout := time.NewTimer(c.phone.Patience)
	defer timeout.Stop()
	for {
		select {
		case r := <-c.responses:
			if r.Status() >= 200 {
				return r
			}
		case <-timeout.C:
			c.phone.t.Fatalf("phone %s: no final response within %v", c.phone.Number, c.phone.Patience)
		}
	}
}

// Ended is the next request with which the peer ends the call, BYE or CANCEL, or
// nil when none comes within d. It is already answered.
func (c *Call) Ended(d time.Duration) *Message {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	for {
		select {
		case m := <-c.requests:
			if m.Method() == "BYE" || m.Method() == "CANCEL" {
				return m
			}
		case <-timeout.C:
			return nil
		}
	}
}

// Ack acknowledges the 2xx; repeated ones are acknowledged again by themselves.
func (c *Call) Ack() { c.AckWith("") }

// AckWith acknowledges the 2xx with an answer to its offer.
func (c *Call) AckWith(sdp string) {
	c.mu.Lock()
	seq := c.inviteSeq
	c.mu.Unlock()
	c.ackFor(seq, sdp)
}

func (c *Call) ackFor(seq uint32, sdp string) {
	m := c.inDialog("ACK", seq)
	describe(m, sdp)
	c.mu.Lock()
	c.acks[seq] = m
	c.mu.Unlock()
	c.phone.Send(m)
}

// Cancel gives up an unanswered INVITE and waits for the CANCEL's 200; the 487
// to the INVITE is there to Expect.
func (c *Call) Cancel() *Message {
	c.phone.t.Helper()
	return c.SendCancel()()
}

// SendCancel sends the CANCEL and does not wait; the function it returns does,
// for the final response.
func (c *Call) SendCancel(edits ...func(*Message)) func() *Message {
	invite := c.tx.current()
	m := &Message{Start: strings.Replace(invite.Start, "INVITE", "CANCEL", 1)}
	for _, name := range []string{"Via", "Max-Forwards", "From", "To", "Call-ID"} {
		m.Add(name, invite.Get(name))
	}
	m.Add("CSeq", fmt.Sprintf("%d CANCEL", invite.CSeq()))
	for _, edit := range edits {
		edit(m)
	}
	return c.phone.later(m)
}

func (tx *phoneTx) current() *Message {
	tx.phone.mu.Lock()
	defer tx.phone.mu.Unlock()
	return tx.request
}

// Bye hangs up and waits for the 200.
func (c *Call) Bye(edits ...func(*Message)) {
	c.phone.t.Helper()
	if r := c.Request("BYE", edits...); r.Status() != 200 {
		c.phone.t.Fatalf("phone %s: BYE was answered:\n%s", c.phone.Number, r)
	}
}

// Request sends a request within the dialog and returns the final response.
func (c *Call) Request(method string, edits ...func(*Message)) *Message {
	c.phone.t.Helper()
	return c.SendRequest(method, edits...)()
}

// SendRequest sends a request within the dialog and does not wait; the function
// it returns does, for the final response.
func (c *Call) SendRequest(method string, edits ...func(*Message)) func() *Message {
	c.mu.Lock()
	c.seq++
	seq := c.seq
	if method == "INVITE" {
		c.inviteSeq = seq
	}
	c.mu.Unlock()
	m := c.inDialog(method, seq)
	for _, edit := range edits {
		edit(m)
	}
	return c.phone.later(m)
}

// Reinvite offers a new description within the dialog (none: asks for one),
// acknowledges a 2xx and returns the final response.
func (c *Call) Reinvite(sdp string, edits ...func(*Message)) *Message {
	c.phone.t.Helper()
	c.mu.Lock()
	c.seq++
	c.inviteSeq = c.seq
	seq := c.seq
	c.mu.Unlock()
	m := c.inDialog("INVITE", seq)
	m.Add("Contact", "<"+c.phone.Contact()+">")
	describe(m, sdp)
	for _, edit := range edits {
		edit(m)
	}
	r := c.phone.begin(m).final(c.phone.Patience)
	switch {
	case r == nil && c.Requests("BYE") > 0:
		return c.phone.response(m, 481) // the peer hung up: it need not repeat its answer
	case r == nil:
		c.phone.t.Fatalf("phone %s: no final response to a re-INVITE within %v", c.phone.Number, c.phone.Patience)
	}
	if r.Status() < 300 && sdp != "" {
		c.ackFor(r.CSeq(), "")
	}
	return r
}

// Update offers a new description by UPDATE and returns the final response.
func (c *Call) Update(sdp string) *Message {
	c.phone.t.Helper()
	return c.Request("UPDATE", func(m *Message) {
		m.Add("Contact", "<"+c.phone.Contact()+">")
		describe(m, sdp)
	})
}

// Digit presses a key by INFO (application/dtmf-relay).
func (c *Call) Digit(key byte) *Message {
	c.phone.t.Helper()
	return c.Request("INFO", func(m *Message) {
		m.Add("Content-Type", "application/dtmf-relay")
		m.Body = fmt.Appendf(nil, "Signal=%c\r\nDuration=160\r\n", key)
	})
}

// inDialog makes a request of the dialog, as far as there is one.
func (c *Call) inDialog(method string, seq uint32) *Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	from, to := c.invite.Get("From"), c.invite.Get("To")
	if c.Incoming {
		from, to = to+";tag="+c.tag, from
	} else if c.remoteTag != "" {
		to += ";tag=" + c.remoteTag
	}
	target := c.target
	if target == "" {
		target = c.invite.URI()
	}
	m := &Message{Start: method + " " + target + " SIP/2.0"}
	m.Add("Via", c.phone.via())
	m.Add("Max-Forwards", "70")
	for _, r := range c.routes {
		m.Add("Route", r)
	}
	m.Add("From", from)
	m.Add("To", to)
	m.Add("Call-ID", c.ID)
	m.Add("CSeq", fmt.Sprintf("%d %s", seq, method))
	return m
}

// SDP is the peer's last session description.
func (c *Call) SDP() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.sdp)
}

// Seen is how many responses with this status arrived for the INVITE, repeated
// ones included.
func (c *Call) Seen(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[status]
}

// Requests is how many requests of a method arrived, repeated ones included.
func (c *Call) Requests(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[method]
}

// InviteMessage is the INVITE that made the call, as it was first sent or
// received.
func (c *Call) InviteMessage() *Message { return c.invite }

// Respond answers an incoming INVITE without a description.
func (c *Call) Respond(code int, edits ...func(*Message)) { c.respond(code, "", edits) }

// Progress answers an incoming INVITE with 183 and a description.
func (c *Call) Progress(sdp string) { c.respond(183, sdp, nil) }

// Answer accepts an incoming INVITE; the 200 is repeated until acknowledged.
func (c *Call) Answer(sdp string, edits ...func(*Message)) { c.respond(200, sdp, edits) }

func (c *Call) respond(code int, sdp string, edits []func(*Message)) {
	m := c.phone.response(c.invite, code)
	m.Set("To", c.invite.Get("To")+";tag="+c.tag)
	m.Add("Contact", "<"+c.phone.Contact()+">")
	describe(m, sdp)
	for _, edit := range edits {
		edit(m)
	}
	if code >= 200 {
		c.mu.Lock()
		c.final = m
		c.mu.Unlock()
		c.repeatUntilAck(m, phoneT1, 0)
	}
	c.phone.answer(c.invite, m)
}

// repeatUntilAck retransmits a final response to an INVITE: a 2xx on any
// transport (RFC 3261 §13.3.1.4), others over UDP.
func (c *Call) repeatUntilAck(m *Message, wait, spent time.Duration) {
	if m.Status() >= 300 && c.phone.wire.transport() != "UDP" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.repeat = time.AfterFunc(wait, func() {
		if spent+wait >= 64*phoneT1 {
			return
		}
		c.repeatUntilAck(m, min(2*wait, phoneT2), spent+wait)
		c.phone.Send(m)
	})
}

func (c *Call) stopTimers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repeat != nil {
		c.repeat.Stop()
	}
}

// ExpectAck waits for the ACK to our final response.
func (c *Call) ExpectAck() *Message {
	c.phone.t.Helper()
	return c.ExpectRequest("ACK")
}

// ExpectBye waits for the peer to hang up; it is already answered.
func (c *Call) ExpectBye() *Message {
	c.phone.t.Helper()
	return c.ExpectRequest("BYE")
}

// ExpectCancel waits for the peer to give up; CANCEL and INVITE are already
// answered.
func (c *Call) ExpectCancel() *Message {
	c.phone.t.Helper()
	return c.ExpectRequest("CANCEL")
}

// ExpectRequest waits for a request of this method within the call; others are
// passed over.
func (c *Call) ExpectRequest(method string) *Message {
	c.phone.t.Helper()
	timeout := time.NewTimer(c.phone.Patience)
	defer timeout.Stop()
	for {
		select {
		case m := <-c.requests:
			if m.Method() == method {
				return m
			}
		case <-timeout.C:
			c.phone.t.Fatalf("phone %s: no %s within %v", c.phone.Number, method, c.phone.Patience)
		}
	}
}

// Fork makes a second dialog of an incoming INVITE, as a phone behind a forking
// proxy would: its responses carry a tag of their own.
func (c *Call) Fork() *Call {
	f := c.phone.newCall(c.ID)
	f.Incoming, f.invite, f.tag = true, c.invite, pbx.NewID()
	f.remoteTag, f.target, f.routes, f.seq = c.remoteTag, c.target, c.routes, c.seq
	c.phone.mu.Lock()
	c.phone.calls[c.ID+" "+f.tag] = f
	c.phone.mu.Unlock()
	return f
}

func describe(m *Message, sdp string) {
	if sdp != "" {
		m.Set("Content-Type", "application/sdp")
		m.Body = []byte(sdp)
	}
}
