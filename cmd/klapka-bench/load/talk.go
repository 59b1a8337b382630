//go:build linux

package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	packetTime = 20 * time.Millisecond
	perSecond  = int(time.Second / packetTime)
	slots      = int(packetTime / time.Millisecond) // streams take turns, a slot each

	headerLength  = 12
	payloadLength = 160 // 20 ms of G.711

	// drain is how long the last packets of a run may be under way.
	drain = 500 * time.Millisecond
)

// Parties are people at two ends of calls who talk all the time. Party 2i and
// 2i+1 hear each other; each has a socket of its own. Each packet's payload
// carries who said it, when, and in which run.
type Parties struct {
	ends []netip.AddrPort
	fds  []int

	epoll int
	stop  atomic.Bool
	done  sync.WaitGroup

	run      atomic.Uint32 // what packets must carry to count; 0: nothing counts
	mu       sync.Mutex    // receiver's, held while it counts a packet
	received []int         // per hearing party
	delays   []time.Duration
	foreign  int // of another stream than should be heard
}

// NewParties opens the sockets of n parties at even ports of an address, from
// first on; ports that somebody else has are left out.
func NewParties(at netip.Addr, first uint16, n int) (*Parties, error) {
	p := &Parties{epoll: -1, received: make([]int, n)}
	var err error
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	for port := int(first); len(p.fds) < n; port += 2 {
		if port > 65535 {
			err = errors.New("no port is left")
		} else if err = p.open(netip.AddrPortFrom(at, uint16(port))); errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			p.release()
			return nil, fmt.Errorf("party %d: %w", len(p.fds), err)
		}
	}
	p.done.Go(p.listen)
	return p, nil
}

// open gives the next party its socket.
func (p *Parties) open(at netip.AddrPort) error {
	fd, err := listenUDP(at)
	if err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(p.fds))}
	p.fds, p.ends = append(p.fds, fd), append(p.ends, at)
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event)
}

// At is where a party has its sound.
func (p *Parties) At(i int) netip.AddrPort { return p.ends[i] }

// Close ends them.
func (p *Parties) Close() {
	p.stop.Store(true)
	p.done.Wait()
	p.release()
}

func (p *Parties) release() {
	for _, fd := range p.fds {
		_ = unix.Close(fd)
	}
	_ = unix.Close(p.epoll)
}

// listenUDP opens a socket whose packets come with the time at which the kernel
// had them.
func listenUDP(at netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.Bind(fd, sockaddr(at)),
	)
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func sockaddr(a netip.AddrPort) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// Direct has party i send to an address.
func (p *Parties) Direct(i int, to netip.AddrPort) error {
	if !to.IsValid() || to.Port() == 0 {
		return fmt.Errorf("party %d: the server named no address for its sound", i)
	}
	if err := unix.Connect(p.fds[i], sockaddr(to)); err != nil {
		return fmt.Errorf("party %d to %v: %w", i, to, err)
	}
	return nil
}

// Heard is what became of what the parties said.
type Heard struct {
	Wanted   int // packets that should have been sent
	Sent     int
	Received int
	Foreign  int           // heard by somebody whom they were not for
	Worst    float64       // loss of the stream that lost most, 0 to 1
	P50, P99 time.Duration // added by the server and two ways through loopback
}

// Valid reports whether the generator sent what it should have: if not, the run
// says nothing of the server.
func (h *Heard) Valid() bool { return h.Sent*100 >= h.Wanted*99 }

// Loss is the share that was not heard, 0 to 1.
func (h *Heard) Loss() float64 { return 1 - float64(h.Received)/float64(max(h.Sent, 1)) }

// Clean reports whether next to nothing was lost, nobody heard anybody else, and
// nobody waited longer than a jitter buffer of two packets would hide.
func (h *Heard) Clean() bool {
	return h.Valid() && h.Foreign == 0 && h.Loss() <= 0.001 && h.P99 <= 2*packetTime
}

// Talk has everybody talk for a while. Packets of numbered runs tell themselves
// apart; run must not be 0. Within is called with the sound flowing, after lead
// has gone by, and the packets sent while it runs are those that count.
func (p *Parties) Talk(run uint32, lead time.Duration, within func()) *Heard {
	m := &mouth{p: p, sent: make([]int, len(p.fds)), run: run}
	for i := range p.fds {
		m.packets = append(m.packets, newPacket(i, run))
	}
	var talking sync.WaitGroup
	talking.Go(m.talk)
	time.Sleep(lead)
	p.count(run)
	m.counting.Store(true)
	began := time.Now()
	within()
	m.counting.Store(false)
	took := time.Since(began)
	m.stop.Store(true)
	talking.Wait()
	time.Sleep(drain)
	return p.heard(m, took)
}

// count begins to count a run.
func (p *Parties) count(run uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.received)
	p.delays, p.foreign = p.delays[:0], 0
	p.run.Store(run)
}

func (p *Parties) heard(m *mouth, took time.Duration) *Heard {
	p.run.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &Heard{Foreign: p.foreign, Wanted: int(took.Seconds() * float64(perSecond*len(p.fds)))}
	for i, sent := range m.sent {
		got := p.received[i^1]
		h.Sent += sent
		h.Received += got
		if sent > 0 {
			h.Worst = max(h.Worst, 1-float64(got)/float64(sent))
		}
	}
	all := Samples{list: p.delays}
	q := all.Quantiles(0.5, 0.99)
	h.P50, h.P99 = q[0], q[1]
	return h
}

// mouth sends the packets of all parties.
type mouth struct {
	p        *Parties
	run      uint32
	packets  [][]byte
	sent     []int // while counting
	counting atomic.Bool
	stop     atomic.Bool
}

// Payload: run, stream, send time in ns, and a mark that the packet counts.
const (
	atRun    = headerLength
	atStream = headerLength + 4
	atTime   = headerLength + 8
	atCounts = headerLength + 16
)

func newPacket(i int, run uint32) []byte {
	b := make([]byte, headerLength+payloadLength)
	b[0], b[1] = 2<<6, 8
	binary.BigEndian.PutUint32(b[8:], uint32(i)+1)
	binary.BigEndian.PutUint32(b[atRun:], run)
	binary.BigEndian.PutUint32(b[atStream:], uint32(i))
	return b
}

// talk sends until told to stop: a slot's streams each millisecond. What is late
// is sent late, not left out; what was too late to be made up for shows in Sent.
func (m *mouth) talk() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	for slot := 0; !m.stop.Load(); slot++ {
		if wait := time.Until(start.Add(time.Duration(slot) * time.Millisecond)); wait > 0 {
			t := unix.NsecToTimespec(int64(wait))
			_ = unix.Nanosleep(&t, nil) // woken early, a slot is early
		}
		for i := slot % slots; i < len(m.packets); i += slots {
			m.say(i)
		}
	}
}

func (m *mouth) say(i int) {
	b := m.packets[i]
	binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(b[2:])+1)
	binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(b[4:])+payloadLength)
	counts := m.counting.Load()
	b[atCounts] = 0
	if counts {
		b[atCounts] = 1
	}
	binary.BigEndian.PutUint64(b[atTime:], uint64(time.Now().UnixNano()))
	if _, err := unix.Write(m.p.fds[i], b); err == nil && counts {
		m.sent[i]++
	}
}
