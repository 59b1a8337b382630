//go:build linux

package load

import (
	"encoding/binary"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ear receives without allocation what unix.Recvmsg would allocate for: the
// generator must not be what is measured.
type ear struct {
	b       [2048]byte
	control [128]byte
	iov     unix.Iovec
	msg     unix.Msghdr
}

// receive reads one packet and when the kernel had it; n is negative when there
// is none.
func (e *ear) receive(fd int) (n int, at int64) {
	e.iov.Base = &e.b[0]
	e.iov.SetLen(len(e.b))
	e.msg = unix.Msghdr{Iov: &e.iov, Iovlen: 1, Control: &e.control[0]}
	e.msg.SetControllen(len(e.control))
	got, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&e.msg)), unix.MSG_DONTWAIT)
	if errno != 0 {
		return -1, 0
	}
	// One control message was asked for: struct cmsghdr, then struct timespec.
	const header = unix.SizeofCmsghdr
	if e.msg.Controllen >= header+16 {
		seconds := binary.NativeEndian.Uint64(e.control[header:])
		nanos := binary.NativeEndian.Uint64(e.control[header+8:])
		at = int64(seconds)*int64(time.Second) + int64(nanos)
	}
	return int(got), at
}

// listen hears for all parties until they are closed.
func (p *Parties) listen() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	events := make([]unix.EpollEvent, 256)
	e := new(ear)
	for !p.stop.Load() {
		n, err := unix.EpollWait(p.epoll, events, 100)
		if err != nil {
			continue // EINTR
		}
		for _, ev := range events[:n] {
			for range 8 { // then it is the others' turn
				size, at := e.receive(p.fds[ev.Fd])
				if size < 0 {
					break
				}
				p.hear(int(ev.Fd), e.b[:size], at)
			}
		}
	}
}

// hear counts one packet at a party.
func (p *Parties) hear(party int, b []byte, at int64) {
	run := p.run.Load()
	if run == 0 || len(b) < headerLength+payloadLength ||
		binary.BigEndian.Uint32(b[atRun:]) != run || b[atCounts] == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if int(binary.BigEndian.Uint32(b[atStream:])) != party^1 {
		p.foreign++
		return
	}
	p.received[party]++
	p.delays = append(p.delays, time.Duration(at-int64(binary.BigEndian.Uint64(b[atTime:]))))
}
