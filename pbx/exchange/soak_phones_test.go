package exchange

import (
	"sync"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// call makes one call and stays until it is over.
func (p *soakPhone) call() {
	to := oneOf(p, "102", "102", "102", "104", "104", "104", "105", "105", "105", "106", "103", "999", "*43", p.Number)
	late := p.chance(0.1)
	sdp := p.sdp()
	if late {
		sdp = ""
	}
	time.Sleep(p.upTo(2 * time.Second))
	c := p.Invite(to, sdp)
	if p.chance(0.25) {
		time.Sleep(p.upTo(oneOf(p, 100*time.Millisecond, time.Second, 6*time.Second)))
		c.SendCancel()
	}
	m := c.Final()
	if m.Status() != 487 || c.Seen(180)+c.Seen(183) > 0 { // else it may have been over before it began
		p.s.mu.Lock()
		p.s.told[c.ID] = m.Status()
		p.s.mu.Unlock()
	}
	if m.Status() >= 300 {
		return
	}
	if p.chance(0.02) {
		c.Ended(time.Minute) // never acknowledges: it is hung up
		return
	}
	if late {
		c.AckWith(p.sdp())
	} else {
		c.Ack()
	}
	p.talk(c, late)
}

// talk is what a party does that is in conversation.
func (p *soakPhone) talk(c *pbxtest.Call, late bool) {
	if p.chance(0.02) {
		c.Ended(6 * time.Minute) // fell silent for good
		return
	}
	if p.chance(0.3) && c.Ended(p.upTo(5*time.Second)) == nil {
		p.reinvite(c)
	}
	if !p.chance(0.15) && c.Ended(p.upTo(20*time.Second)) != nil {
		return
	}
	c.Request("BYE") // 200, or 481 when both hang up
}

// reinvite changes the description in mid-call, one way or another.
func (p *soakPhone) reinvite(c *pbxtest.Call) {
	switch {
	case p.chance(0.2):
		c.Update(p.sdp())
	case p.chance(0.2):
		if r := c.Reinvite(""); r.Status() == 200 {
			c.AckWith(p.sdp())
		}
	default:
		c.Reinvite(p.sdp("a=sendonly"))
		time.Sleep(p.upTo(3 * time.Second))
		c.Reinvite(p.sdp())
	}
}

// answerUntil takes all calls until stop, and stays until the last is over.
func (p *soakPhone) answerUntil(stop <-chan struct{}) {
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		select {
		case c := <-p.Incoming():
			calls.Go(func() { p.called(c) })
		case <-stop:
			return
		}
	}
}

// called is what a phone does that is called.
func (p *soakPhone) called(c *pbxtest.Call) {
	if p.Mute {
		return
	}
	if !p.chance(0.2) {
		c.Respond(180)
	}
	if c.Ended(p.upTo(oneOf(p, 50*time.Millisecond, 2*time.Second, 5*time.Second))) != nil {
		return
	}
	switch {
	case p.chance(0.6):
		c.Answer(p.sdp())
		p.answered(c)
	case p.chance(0.6):
		c.Respond(oneOf(p, 486, 486, 603, 603, 480, 500))
	default:
		c.Ended(time.Minute) // rings for ever
	}
}

// answered is the rest of a call that the phone took. It hangs up only after the
// ACK (RFC 3261 §15).
func (p *soakPhone) answered(c *pbxtest.Call) {
	for waited := time.Duration(0); c.Requests("ACK") == 0; waited += 50 * time.Millisecond {
		if waited > 40*time.Second || c.Ended(50*time.Millisecond) != nil {
			return
		}
	}
	if p.chance(0.5) {
		p.talk(c, false)
		return
	}
	if c.Ended(7*time.Minute) == nil {
		c.Request("BYE")
	}
}
