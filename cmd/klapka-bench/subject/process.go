//go:build linux

// Package subject is what klapka-bench measures: the shipped exchange and the
// programs it is compared with, each as a process with an address and a
// directory of its own, and what the kernel says of its cost.
package subject

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Cores are the CPUs of the one that is measured and of the generator, apart
// from one another so that neither pays for the other's scheduling; a negative
// one pins nothing.
type Cores struct{ Subject, Generator int }

// endPatience is how long a program may take to end when asked to.
const endPatience = 10 * time.Second

// process is a program and the processes it forked.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// start runs a program on a core; what it prints goes to <name>.log in dir.
func start(core int, dir, name string, env []string, argv ...string) (*process, error) {
	if core >= 0 {
		argv = append([]string{"taskset", "-c", strconv.Itoa(core)}, argv...)
	}
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, cmd: exec.Command(argv[0], argv[1:]...), log: log, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// It must not outlive a generator that was killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go p.attend(started)
	if err := <-started; err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// attend stays with the process: the kernel ends it with the thread that started
// it.
func (p *process) attend(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // how it ended stands in its log
		close(p.done)
	}
}

// Stop ends it, in an orderly way if it can.
func (p *process) Stop() error {
	defer func() { _ = p.log.Close() }()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.done:
		return nil
	case <-time.After(endPatience):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %v of being told to", p.name, endPatience)
	}
}

// Signal sends it a signal; one that ended gets none.
func (p *process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// until waits for ready to say so.
func (p *process) until(within time.Duration, ready func() bool) error {
	deadline := time.Now().Add(within)
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: see %s", p.name, p.log.Name())
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after %v: see %s", p.name, within, p.log.Name())
		}
	}
	return nil
}

// Cost is what a subject used so far.
type Cost struct {
	CPU    time.Duration // user and system
	Waited time.Duration // of its threads, able to run but without a core
	Memory int64         // bytes resident; what is shared among its processes once
}

// clockTick is the unit of /proc/PID/stat, which is the same on every Linux that
// Go runs on.
const clockTick = 10 * time.Millisecond

// Cost reads it from /proc.
func (p *process) Cost() (c Cost, err error) {
	for _, pid := range family(p.cmd.Process.Pid) {
		cpu, failure := cpuOf(pid)
		c.CPU += cpu
		err = errors.Join(err, failure)
		c.Waited += waitOf(pid)
		memory, failure := memoryOf(pid)
		c.Memory += memory
		err = errors.Join(err, failure)
	}
	return c, err
}

// family is a process with those it forked.
func family(pid int) []int {
	out := []int{pid}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid))
	if err != nil {
		return out // it ended: reading its cost will say so
	}
	for _, f := range strings.Fields(string(b)) {
		if child, err := strconv.Atoi(f); err == nil {
			out = append(out, family(child)...)
		}
	}
	return out
}

func cpuOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets that may hold anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	user, err := strconv.Atoi(string(fields[11]))
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * clockTick, err
}

// waitOf is the second figure of each thread's schedstat, in ns. Threads come and
// go while they are read; those that went are not counted.
func waitOf(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is right
	for _, t := range threads {
		b, err := os.ReadFile(t)
		if f := bytes.Fields(b); err == nil && len(f) > 1 {
			n, _ := strconv.ParseInt(string(f[1]), 10, 64) // 0 where the kernel keeps no account
			sum += time.Duration(n)
		}
	}
	return sum
}

func memoryOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/smaps_rollup names no Pss", pid)
}
