package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is the file whose lock says that a process owns the data directory.
// It stays when the process ends; the lock does not.
const lockName = "klapka.lock"

// lockData makes the data directory when needed and takes it for this process.
// A second one would write the same journal.
func lockData(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		owner := make([]byte, 20)
		n, _ := f.Read(owner) // who it is only helps; the refusal stands
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("the data directory %s is in use by process %s", dir, strings.TrimSpace(string(owner[:n])))
			return nil, exitError{exitLocked, err}
		}
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // as above
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
}
