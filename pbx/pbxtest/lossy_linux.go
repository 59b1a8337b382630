package pbxtest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// PlugLossy lays a cable to the machine on which packets fare as l says, both
// ways: they are carried by this process from one end to the other. What is lost
// by chance is decided by the seed. It ends with the test.
func (n *NetNS) PlugLossy(at, there netip.Prefix, l Link, seed uint64) {
	n.t.Helper()
	id := fmt.Sprintf("%x%x", os.Getpid()&0xffff, interfaces.Add(1))
	near, far := openTun(n.t, n, "kl"+id), openTun(n.t, nil, "km"+id)
	n.address("kl"+id, at)
	n.host("ip", "addr", "add", there.String(), "dev", "km"+id)
	n.host("ip", "link", "set", "km"+id, "up")
	c := &carrier{link: l, rand: rand.New(rand.NewPCG(seed, 0x6c6f7373))}
	var work sync.WaitGroup
	work.Go(func() { c.carry(near, far) })
	work.Go(func() { c.carry(far, near) })
	n.t.Cleanup(func() {
		_, _ = near.Close(), far.Close()
		work.Wait()
		c.late.Wait()
	})
}

// openTun makes a network interface whose packets are read from and written to
// the file.
func openTun(t testing.TB, ns *NetNS, name string) *os.File {
	t.Helper()
	var file *os.File
	var failure error
	err := ns.do(func() {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			failure = err
			return
		}
		req, err := unix.NewIfreq(name)
		if err == nil {
			req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
		}
		if failure = err; err != nil {
			_ = unix.Close(fd)
			return
		}
		file = os.NewFile(uintptr(fd), name)
	})
	if err != nil || failure != nil {
		t.Fatalf("%s: %v %v", name, err, failure)
	}
	return file
}

// carrier takes packets over a lossy cable.
type carrier struct {
	link Link
	late sync.WaitGroup
	mu   sync.Mutex
	rand *rand.Rand
}

// carry takes all packets from one end to the other until it is unplugged.
func (c *carrier) carry(from, to *os.File) {
	buf := make([]byte, maxPacket)
	for {
		size, err := from.Read(buf)
		if err != nil {
			return
		}
		copies, after := c.fate()
		for range copies {
			packet := append([]byte(nil), buf[:size]...)
			c.late.Add(1)
			time.AfterFunc(after, func() {
				defer c.late.Done()
				_, _ = to.Write(packet) // an end that is down loses it
			})
		}
	}
}

// fate is how often the next packet arrives, and after which time.
func (c *carrier) fate() (copies int, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rand.Float64() < c.link.Loss {
		return 0, 0
	}
	copies, after = 1, c.link.Delay
	if c.link.Jitter > 0 {
		after += time.Duration(c.rand.Int64N(int64(c.link.Jitter)))
	}
	if c.rand.Float64() < c.link.Duplicate {
		copies = 2
	}
	if c.rand.Float64() < c.link.Reorder {
		after += holdBack
	}
	return copies, after
}
