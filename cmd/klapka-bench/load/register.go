//go:build linux

package load

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// expiry is what phones ask for, in seconds: longer than any run.
const expiry = "3600"

// registration is one REGISTER with its challenge under way.
type registration struct {
	p      *Phones
	device int
	seq    string // the CSeq that is to be answered
	asked  bool   // for credentials
	begun  time.Time
	delay  *Samples
	done   func(ok bool)
}

// Register has the first count devices register one after the other, rate of
// them per second, n times in all; each is challenged and then registers with
// credentials. After the last one it is the first one's turn again, which
// refreshes its registration as a phone would, with the same Call-ID.
func (p *Phones) Register(count, n int, rate float64) *Result {
	return p.registerEach(n, rate, func(i int) int { return i % count }, func(int) {})
}

// RegisterAll has the first n devices register, those again that failed: it is
// for getting ready, not for measuring.
func (p *Phones) RegisterAll(n int, rate float64) error {
	missing := make(map[int]bool, n)
	for i := range n {
		missing[i] = true
	}
	for range rounds {
		devices := slices.Collect(maps.Keys(missing))
		p.registerEach(len(devices), rate, func(i int) int { return devices[i] }, func(device int) { delete(missing, device) })
		if len(missing) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d of %d phones did not get registered", len(missing), n)
}

// rounds is how often a phone tries to get ready.
const rounds = 5

func (p *Phones) registerEach(n int, rate float64, which func(i int) int, registered func(device int)) *Result {
	delay := new(Samples)
	r := pace(n, rate, patience, func(i int, done func(bool)) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		device := which(i)
		if p.registering[device] != nil {
			return false // the round before has not ended
		}
		g := &registration{p: p, device: device, begun: time.Now(), delay: delay, done: func(ok bool) {
			if ok {
				registered(device)
			}
			done(ok)
		}}
		p.registering[device] = g
		g.send("")
		return true
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.registering) // those that never had an answer
	r.Delay = delay
	return r
}

// send sends the REGISTER, with credentials if there are some.
func (g *registration) send(credentials string) {
	c, server, user := g.p.conn(g.device), g.p.server.Addr().String(), Number(g.device)
	number := g.p.next()
	g.seq = number + " REGISTER"
	b := make([]byte, 0, 1024)
	b = append(b, "REGISTER sip:"+server+" SIP/2.0\r\n"...)
	b = line(b, "Via", g.p.via(g.device, "r"+number))
	b = line(b, "Max-Forwards", "70")
	b = line(b, "From", "<sip:"+user+"@"+server+">;tag=r"+number)
	b = line(b, "To", "<sip:"+user+"@"+server+">")
	b = line(b, "Call-ID", "r"+strconv.Itoa(g.device)+"-0")
	b = line(b, "CSeq", g.seq)
	b = line(b, "Contact", "<"+g.p.contact(g.device)+">")
	b = line(b, "Expires", expiry)
	b = line(b, "User-Agent", "klapka-bench")
	if credentials != "" {
		b = line(b, "Authorization", credentials)
	}
	_, _ = c.Write(end(b, "")) // what is lost is a failure, by the clock
}

// onResponse is called with p.mu held.
func (g *registration) onResponse(m *message) {
	switch {
	case m.status < 200 || m.get("CSeq") != g.seq:
	case m.status == 401 && !g.asked:
		g.asked = true
		uri := "sip:" + g.p.server.Addr().String()
		g.send(authorization(m.get("WWW-Authenticate"), Number(g.device), "REGISTER", uri))
	default:
		delete(g.p.registering, g.device)
		g.delay.Add(time.Since(g.begun))
		g.done(m.status == 200)
	}
}
