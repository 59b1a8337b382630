package pbxtest

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// do runs f on a thread that is in the namespace. What it opens stays there.
func (n *NetNS) do(f func()) error {
	if n == nil {
		f()
		return nil
	}
	away, err := os.Open("/run/netns/" + n.name)
	if err != nil {
		return err
	}
	defer func() { _ = away.Close() }()
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() { _ = home.Close() }()
	if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering %s: %w", n.name, err)
	}
	f()
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leaving %s: %w", n.name, err) // the thread stays locked and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return nil
}
