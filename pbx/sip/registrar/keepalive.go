package registrar

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Keepalive says how registered phones on UDP are kept reachable through NAT and
// found to be silent; a zero field means its default.
type Keepalive struct {
	Off bool // no pings at all
	All bool // every UDP contact, not only those behind NAT

	Min, Max time.Duration // time between two pings, drawn anew each time; 25 and 30 s
	Wait     time.Duration // how long an answer may take; 5 s
	Misses   int           // unanswered pings in a row until a contact is unreachable; 2
}

// look is how often the registry is searched for contacts whose time has come.
const look = time.Second

// pinger sends OPTIONS to contacts. Anything a phone answers is a sign of life.
type pinger struct {
	r      *Registrar
	k      Keepalive
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	state map[pinged]*pulse
}

// pinged names a contact.
type pinged struct{ device, key string }

// pulse is what is known of a contact.
type pulse struct {
	contact string // what wanted was decided for
	remote  netip.AddrPort
	wanted  bool
	next    time.Time
	misses  int
	waiting bool
	round   uint64 // when the registry last had it
}

func newPinger(r *Registrar, k Keepalive) *pinger {
	if k.Min <= 0 {
		k.Min = 25 * time.Second
	}
	if k.Max < k.Min {
		k.Max = k.Min + 5*time.Second
	}
	if k.Wait <= 0 {
		k.Wait = 5 * time.Second
	}
	if k.Misses <= 0 {
		k.Misses = 2
	}
	p := &pinger{r: r, k: k, state: make(map[pinged]*pulse)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *pinger) start() {
	if p.k.Off {
		return
	}
	p.work.Go(func() {
		t := time.NewTicker(look)
		defer t.Stop()
		for round := uint64(1); ; round++ {
			select {
			case <-t.C:
				for _, b := range p.due(round, time.Now()) {
					p.work.Go(func() { p.ping(b) })
				}
			case <-p.ctx.Done():
				return
			}
		}
	})
}

func (p *pinger) close() {
	p.cancel()
	p.work.Wait()
}

// due returns the contacts to ping now and forgets those that are gone.
func (p *pinger) due(round uint64, now time.Time) []pbx.Binding {
	var out []pbx.Binding
	p.mu.Lock()
	defer p.mu.Unlock()
	p.r.o.Registry.Walk(func(b *pbx.Binding) {
		id := pinged{b.Device, b.Key()}
		s := p.state[id]
		if s == nil {
			// The first ping of many phones at a time is spread over the interval.
			s = &pulse{next: now.Add(rand.N(p.k.Max))}
			p.state[id] = s
		}
		s.round = round
		if s.contact != b.Contact || s.remote != b.Remote {
			s.contact, s.remote, s.wanted = b.Contact, b.Remote, p.wants(b)
		}
		if s.wanted && !s.waiting && !now.Before(s.next) {
			s.waiting = true
			out = append(out, *b)
		}
	})
	for id, s := range p.state {
		if s.round != round && !s.waiting {
			delete(p.state, id)
		}
	}
	return out
}

// wants reports whether a contact is to be pinged at all.
func (p *pinger) wants(b *pbx.Binding) bool {
	e := p.r.edges.ByName(b.Edge)
	return e != nil && e.Net() == transport.UDP && (p.k.All || behindNAT(*b))
}

// ping sends one OPTIONS and notes the outcome.
func (p *pinger) ping(b pbx.Binding) {
	alive := p.answers(b)
	if p.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	s := p.state[pinged{b.Device, b.Key()}]
	s.waiting = false
	s.next = time.Now().Add(p.k.Min + rand.N(p.k.Max-p.k.Min+1))
	if s.misses++; alive {
		s.misses = 0
	}
	silent := s.misses >= p.k.Misses
	p.mu.Unlock()
	if alive || silent {
		p.r.o.Registry.SetReachable(b.Device, b.Key(), alive)
	}
}

// answers reports whether a contact answered in time.
func (p *pinger) answers(b pbx.Binding) bool {
	f, ok := p.r.edges.FlowOf(b)
	req, err := options(f, b)
	if !ok || err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.k.Wait)
	defer cancel()
	tx, err := f.Edge.Request(ctx, f, req)
	if err != nil {
		return false
	}
	defer tx.Terminate() // 32 s of it are of no use (P21)
	for {
		select {
		case <-tx.Responses():
			return true
		case <-tx.Done():
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// options is the ping.
func options(f transport.Flow, b pbx.Binding) (*sip.Request, error) {
	target, err := header.ParseURI(b.Contact)
	if err != nil || f.Edge == nil {
		return nil, err
	}
	us := f.Edge.Contact("", f.Remote.Addr())
	req := sip.NewRequest(sip.OPTIONS, target)
	for _, hop := range b.Path {
		req.AppendHeader(sip.NewHeader("Route", hop))
	}
	callID := sip.CallIDHeader(pbx.NewID())
	req.AppendHeader(&sip.FromHeader{Address: us, Params: sip.HeaderParams{{K: "tag", V: pbx.NewID()}}})
	req.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: target.User, Host: target.Host, Port: target.Port}})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.OPTIONS})
	req.AppendHeader(&sip.ContactHeader{Address: us})
	req.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	return req, nil
}

// behindNAT reports whether a phone registered from another address than the one
// it believes to have.
func behindNAT(b pbx.Binding) bool {
	u, err := header.ParseURI(b.Contact)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil {
		return false // a name: whoever has one is not hidden
	}
	port := u.Port
	if port == 0 {
		port = sip.DefaultUdpPort
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)) != b.Remote
}
