//go:build linux

package load

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// FirstNumber is the number of device 0; the others follow. Number is the user
// name of a device as well.
const FirstNumber = 10000

// Number is what device i is called at.
func Number(i int) string { return strconv.Itoa(FirstNumber + i) }

// sockets is how many sockets phones share: enough to be more than one source,
// few enough to cost the generator little.
const sockets = 32

// receiveBuffer keeps bursts of answers from being lost before they are read;
// what is lost would count against the server.
const receiveBuffer = 4 << 20

// patience is how long a registration or call may take; longer is a failure. No
// request is sent twice, so that a loss shows. readiness is the same for what is
// not measured.
const (
	patience  = 2 * time.Second
	readiness = 15 * time.Second
)

// Phones are SIP phones without a screen, all at one address. They send to one
// server and nobody else.
type Phones struct {
	server netip.AddrPort
	at     netip.Addr
	conns  []*net.UDPConn
	read   sync.WaitGroup

	mu          sync.Mutex
	registering map[int]*registration // by device
	calling     map[int]*call         // by the caller's device
	answering   map[int]*call         // the same, by the callee's
	sequence    uint64                // CSeq, tags and branches go up over all runs
}

// NewPhones opens the sockets at an address of this machine.
func NewPhones(at netip.Addr, server netip.AddrPort) (*Phones, error) {
	p := &Phones{
		server: server, at: at,
		registering: map[int]*registration{}, calling: map[int]*call{}, answering: map[int]*call{},
	}
	for range sockets {
		c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)), net.UDPAddrFromAddrPort(server))
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("a phone's socket: %w", err)
		}
		_ = c.SetReadBuffer(receiveBuffer) // what the system grants will have to do
		p.conns = append(p.conns, c)
		p.read.Go(func() { p.listen(c) })
	}
	return p, nil
}

// Close closes the sockets; what is under way is not awaited.
func (p *Phones) Close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.read.Wait()
}

// conn is the socket of a device.
func (p *Phones) conn(device int) *net.UDPConn { return p.conns[device%len(p.conns)] }

// contact is where a device wants to be called.
func (p *Phones) contact(device int) string {
	return "sip:" + Number(device) + "@" + p.conn(device).LocalAddr().String()
}

// listen takes what the server sends to one socket until that is closed.
func (p *Phones) listen(c *net.UDPConn) {
	b := make([]byte, 64<<10)
	for {
		n, err := c.Read(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the server is not up yet, or not any more
		}
		m, ok := parse(b[:n])
		if !ok {
			continue
		}
		if m.status != 0 {
			p.onResponse(&m)
		} else {
			p.onRequest(c, &m)
		}
	}
}

// onResponse finds whose answer it is. Call-IDs are "r<device>-0" or
// "c<device>-<number>".
func (p *Phones) onResponse(m *message) {
	id := m.get("Call-ID")
	p.mu.Lock()
	defer p.mu.Unlock()
	device, ok := deviceOf(id)
	switch {
	case !ok:
	case id[0] == 'r':
		if g := p.registering[device]; g != nil {
			g.onResponse(m)
		}
	case id[0] == 'c':
		if l := p.calling[device]; l != nil && l.id == id {
			l.onResponse(m)
		}
	}
}

// deviceOf is the device in one of our Call-IDs.
func deviceOf(id string) (int, bool) {
	for i := 1; i < len(id); i++ {
		if id[i] == '-' {
			n, err := strconv.Atoi(id[1:i])
			return n, err == nil
		}
	}
	return 0, false
}

// via is the Via of a request with a branch of ours.
func (p *Phones) via(device int, branch string) string {
	return "SIP/2.0/UDP " + p.conn(device).LocalAddr().String() + ";rport;branch=z9hG4bK" + branch
}

// next is a number that no request had before. Callers hold p.mu.
func (p *Phones) next() string {
	p.sequence++
	return strconv.FormatUint(p.sequence, 10)
}

// Result is what became of a run.
type Result struct {
	Wanted int           // should have been begun
	Begun  int           // in the time there was
	Done   int           // ended as they should
	Took   time.Duration // from the first begin to the last end
	Delay  *Samples      // how long each waited for its last answer
}

// Valid reports whether the generator did what it should: a run in which it did
// not says nothing of the server.
func (r *Result) Valid() bool { return r.Begun*100 >= r.Wanted*99 }

// Clean reports whether everything that was begun ended well, and soon.
func (r *Result) Clean() bool {
	return r.Valid() && r.Done == r.Begun && r.Delay.Quantiles(0.99)[0] < tolerable
}

// tolerable is the delay at p99 above which a server is not keeping up.
const tolerable = 200 * time.Millisecond

// pace calls begin n times at a rate per second and returns when all of them
// are done or have had their time, wait after the last one. begin reports whether it began; it must call
// done exactly once per begin, unless there never is an answer.
func pace(n int, rate float64, wait time.Duration, begin func(i int, done func(ok bool)) bool) *Result {
	r := &Result{Wanted: n, Delay: new(Samples)}
	var mu sync.Mutex
	pending := make(chan struct{}, n)
	start := time.Now()
	done := func(ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if ok {
			r.Done++
		}
		r.Took = time.Since(start)
		pending <- struct{}{}
	}
	length := time.Duration(float64(n) / rate * float64(time.Second))
	for i := 0; i < n && time.Since(start) < length+length/50+20*time.Millisecond; {
		for due := int(time.Since(start).Seconds()*rate) + 1; i < min(due, n); i++ {
			if begin(i, done) {
				r.Begun++
			}
		}
		time.Sleep(time.Millisecond)
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for range r.Begun {
		select {
		case <-pending:
		case <-late.C:
			mu.Lock()
			defer mu.Unlock()
			return r
		}
	}
	return r
}
