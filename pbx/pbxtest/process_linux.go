package pbxtest

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// killWithParent makes a process end when the test is killed.
func killWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// capMemory bounds the address space of a running process.
func capMemory(pid int, bytes uint64) error {
	return unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: bytes, Max: bytes}, nil)
}
