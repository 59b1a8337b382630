//go:build linux && (amd64 || arm64)

package rtp

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loops read the sockets of all endpoints, one per core. With a goroutine per
// socket each packet has its price in waking one, in asking the socket once more
// in vain, and in falling asleep; here a whole batch shares it. Besides, a stack
// and a buffer per socket is most of what a call takes in memory.
type loops struct {
	mu     sync.Mutex
	list   []*loop
	next   int
	closed bool
}

// loop is one of them. It waits as any goroutine does, in the runtime's poller:
// for an epoll of its own to become readable. A thread of its own that waits in
// the kernel was measured, and loses what it gains in being handed to and fro.
type loop struct {
	file *os.File // the epoll
	fd   int      // the same
	done chan struct{}

	mu    sync.Mutex
	token uint64
	open  map[uint64]*polled // by token; a token is used once, unlike a descriptor
}

// take hands out the loops in turn, and starts them when the first is wanted;
// nil after close.
func (s *loops) take() (*loop, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil
	}
	if s.next == len(s.list) && len(s.list) < runtime.GOMAXPROCS(0) {
		l, err := newLoop()
		if err != nil {
			return nil, err
		}
		s.list = append(s.list, l)
	}
	s.next %= len(s.list)
	l := s.list[s.next]
	s.next++
	return l, nil
}

// close ends all loops and waits for them. Their sockets are closed already, or
// never were watched.
func (s *loops) close() {
	s.mu.Lock()
	s.closed = true
	list := s.list
	s.list = nil
	s.mu.Unlock()
	for _, l := range list {
		l.close()
	}
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("rtp: epoll: %w", err)
	}
	// Only what does not block gets into the runtime's poller.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("rtp: epoll: %w", err)
	}
	l := &loop{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, done: make(chan struct{}), open: make(map[uint64]*polled)}
	raw, err := l.file.SyscallConn()
	if err == nil {
		err = l.file.SetReadDeadline(time.Time{}) // fails when it did not get there
	}
	if err != nil {
		_ = l.file.Close()
		return nil, fmt.Errorf("rtp: epoll: %w", err)
	}
	go l.run(raw)
	return l, nil
}

// add has the loop report a socket under a token.
func (l *loop) add(fd int, token uint64) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(token), Pad: int32(token >> 32)}
	if err := unix.EpollCtl(l.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("rtp: epoll: %w", err)
	}
	return nil
}

// close ends the loop and waits for it.
func (l *loop) close() {
	_ = l.file.Close()
	<-l.done
}

// enter registers a socket and returns its token.
func (l *loop) enter(p *polled) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.token++
	l.open[l.token] = p
	return l.token
}

// leave forgets a token.
func (l *loop) leave(token uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, token)
}

// find is nil for a socket that was closed after the kernel reported it.
func (l *loop) find(token uint64) *polled {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[token]
}

// run reads until the loop is closed.
func (l *loop) run(raw syscall.RawConn) {
	defer close(l.done)
	events := make([]unix.EpollEvent, 128)
	b := make([]byte, readBuffer)
	_ = raw.Read(func(uintptr) (done bool) {
		for {
			n := l.ready(events)
			for i := range events[:n] {
				token := uint64(uint32(events[i].Fd)) | uint64(uint32(events[i].Pad))<<32
				if p := l.find(token); p != nil {
					p.read(b)
				}
			}
			if n == 0 {
				return false // wait for the next
			}
		}
	})
}

// ready asks which sockets have something, and does not wait. Events are
// level-triggered, and each is worth one packet: who has more is reported again,
// and nobody is asked in vain.
func (l *loop) ready(events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0 // EINTR cannot be, for it does not wait
	}
	return int(n)
}

// addrPort is the source in a raw socket address; invalid for other families.
func addrPort(a *[unix.SizeofSockaddrInet6]byte) netip.AddrPort {
	port := uint16(a[2])<<8 | uint16(a[3])
	switch uint16(a[0]) | uint16(a[1])<<8 { // both architectures are little-endian
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:8])), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(a[8:24])), port)
	}
	return netip.AddrPort{}
}

// putAddrPort writes a destination for a socket of either family and returns its
// length.
func putAddrPort(a *[unix.SizeofSockaddrInet6]byte, to netip.AddrPort, six bool) uintptr {
	*a = [unix.SizeofSockaddrInet6]byte{2: byte(to.Port() >> 8), 3: byte(to.Port())}
	if !six {
		a[0] = unix.AF_INET
		ip := to.Addr().As4()
		copy(a[4:], ip[:])
		return unix.SizeofSockaddrInet4
	}
	a[0] = unix.AF_INET6
	ip := to.Addr().As16()
	copy(a[8:], ip[:])
	return unix.SizeofSockaddrInet6
}
