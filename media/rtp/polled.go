//go:build linux && (amd64 || arm64)

package rtp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// polled is a UDP socket that a loop reads.
type polled struct {
	loop *loop
	six  bool // an IPv6 socket, which may take IPv4 too

	// fd is -1 once closed; the lock keeps it from being used when its number
	// belongs to somebody else.
	mu    sync.RWMutex
	fd    int
	token uint64
	to    watcher
	timer *time.Timer // of SetReadDeadline
}

// adopt takes a socket over from the runtime's poller; ok is false for what is
// no socket of the machine's. The connection is closed, its socket lives on.
func (s *loops) adopt(c net.PacketConn) (_ conn, ok bool, _ error) {
	u, isUDP := c.(*net.UDPConn)
	if !isUDP {
		return nil, false, nil
	}
	l, err := s.take()
	if l == nil {
		return nil, false, err
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, false, err
	}
	fd := -1
	if failure := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); failure != nil {
		return nil, false, failure
	}
	if err != nil {
		return nil, false, err
	}
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		_ = unix.Close(fd)
		return nil, false, err
	}
	_ = u.Close()
	return &polled{loop: l, fd: fd, six: family == unix.AF_INET6}, true, nil
}

// watch implements watched.
func (p *polled) watch(w watcher) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return net.ErrClosed
	}
	p.to = w
	p.token = p.loop.enter(p)
	if err := p.loop.add(p.fd, p.token); err != nil {
		p.loop.leave(p.token)
		p.to = watcher{}
		return err
	}
	return nil
}

// read takes one packet and hands it on.
func (p *polled) read(b []byte) {
	n, from, err := p.ReadFromUDPAddrPort(b)
	switch {
	case err == nil:
		p.to.packet(b[:n], from)
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, net.ErrClosed):
	default:
		p.rest()
	}
}

// rest leaves a socket alone for a while that keeps failing; the loop is there
// for others too.
func (p *polled) rest() {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.fd < 0 || unix.EpollCtl(p.loop.fd, unix.EPOLL_CTL_DEL, p.fd, nil) != nil {
		return
	}
	time.AfterFunc(retryRead, func() {
		p.mu.RLock()
		defer p.mu.RUnlock()
		if p.fd >= 0 {
			_ = p.loop.add(p.fd, p.token) // it was there before
		}
	})
}

// ReadFromUDPAddrPort implements conn; it does not wait. The calls here are raw:
// they don't block, so that the scheduler need not know of them.
func (p *polled) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.fd < 0 {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	var from [unix.SizeofSockaddrInet6]byte
	size := uint32(len(from))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(p.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0, netip.AddrPort{}, errno
	}
	return int(n), addrPort(&from), nil
}

// WriteToUDPAddrPort implements conn. A full send buffer is an error, as a loss
// is.
func (p *polled) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if len(b) == 0 || !to.IsValid() || !p.six && !to.Addr().Unmap().Is4() {
		return 0, net.InvalidAddrError("no destination of this socket's family")
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.fd < 0 {
		return 0, net.ErrClosed
	}
	var raw [unix.SizeofSockaddrInet6]byte
	size := putAddrPort(&raw, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), p.six)
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(p.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&raw)), size)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// SetReadDeadline implements conn: the watcher is told when the time comes.
func (p *polled) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.fd < 0:
		return net.ErrClosed
	case p.to.late == nil: // nobody reads
	case p.timer == nil:
		p.timer = time.AfterFunc(time.Until(t), p.to.late)
	default:
		p.timer.Reset(time.Until(t))
	}
	return nil
}

// Close implements conn. With the descriptor goes its place in epoll. The watcher
// is told on another goroutine, for whoever closes may hold locks.
func (p *polled) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return net.ErrClosed
	}
	err := unix.Close(p.fd)
	p.fd = -1
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.to.over != nil {
		p.loop.leave(p.token)
		go p.to.over()
	}
	return err
}
