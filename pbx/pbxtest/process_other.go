//go:build !linux

package pbxtest

import "syscall"

// killWithParent does nothing: only Linux can.
func killWithParent(*syscall.SysProcAttr) {}

// capMemory does nothing: only Linux can do that to a running process.
func capMemory(int, uint64) error { return nil }
