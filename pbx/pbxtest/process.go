package pbxtest

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// processPatience is how long a program may take to end once it was told to.
const processPatience = 10 * time.Second

// logLimit bounds what is kept of a program's output; the end tells more than
// the beginning.
const logLimit = 1 << 20

// Loopbacks hands out places on this machine, each once, and to processes that
// run side by side different ones, by their ids.
type Loopbacks struct{ addresses, ports atomic.Uint32 }

// Next is an address of somebody's own: its owner can have port 5060 there, and
// is a source of its own to limits and bans. It lies above what people use by
// hand.
func (l *Loopbacks) Next() netip.Addr {
	const perProcess, processes = 256, 0x3800
	n := l.addresses.Add(1)
	block := uint32(os.Getpid()%processes) + n/perProcess*processes
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 0x7F100000+block*perProcess+n%perProcess)
	return netip.AddrFrom4(a)
}

// placePorts is how many ports belong to one place of 127.0.0.1.
const placePorts = 4

// NextPort is the first of four free ports of 127.0.0.1, for phones whose sound
// leaves from there whatever address they are given.
func (l *Loopbacks) NextPort(t testing.TB) netip.AddrPort {
	t.Helper()
	const first, places = 6000, 1000
	for range places {
		n := (uint32(os.Getpid())*31 + l.ports.Add(1)) % places
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+n*placePorts))
		if free(at) {
			return at
		}
	}
	t.Fatal("no free port on 127.0.0.1")
	return netip.AddrPort{}
}

// free reports whether nobody has any port of a place, over UDP or TCP.
func free(at netip.AddrPort) bool {
	for i := range uint16(placePorts) {
		port := netip.AddrPortFrom(at.Addr(), at.Port()+i)
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(port))
		if err != nil {
			return false
		}
		_ = udp.Close() // nothing was sent
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(port))
		if err != nil {
			return false
		}
		_ = tcp.Close()
	}
	return true
}

// NeedProgram is the path of an installed program. Without it the test is
// skipped, or fails when KLAPKA_TEST_FULL is 1.
func NeedProgram(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("KLAPKA_TEST_FULL") == "1" {
		t.Fatalf("no %s found: install the package %s", name, debianPackage)
	}
	t.Skipf("no %s found: install the package %s", name, debianPackage)
	return ""
}

// process is a program that lives no longer than its test.
type process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	output tail
	done   chan struct{}
	err    error // of Wait, once done is closed
}

// startProcess starts cmd with its output kept for a failing test. memory bounds
// its address space in bytes; 0 does not.
func startProcess(t testing.TB, name string, cmd *exec.Cmd, memory uint64) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	killWithParent(cmd.SysProcAttr)
	started := make(chan error)
	go func() {
		// The kernel ends the program with the thread that started it, so the
		// thread must last as long as the program.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil && memory > 0 {
			err = capMemory(cmd.Process.Pid, memory)
		}
		started <- err
		if cmd.Process != nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, p.output.String())
		}
	})
	return p
}

// kill ends the program at once and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// wait returns the exit code, or fails the test when the program goes on.
func (p *process) wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Errorf("%s did not end within %v", p.name, within)
		p.kill()
		return -1
	}
}

// running reports whether the program has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// tail is a writer that keeps the last logLimit bytes.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, b...)
	if over := len(l.b) - logLimit; over > logLimit/4 {
		l.b = bytes.Clone(l.b[over:])
	}
	return len(b), nil
}

// String is what is kept.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

// eventually waits until ok says so, and reports whether it did in time.
func eventually(within time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}
