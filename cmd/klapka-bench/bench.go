//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/subject"
)

// bench is one execution: what was said and what was found so far.
type bench struct {
	options
	dir      string // of everything written, removed at the end
	cores    subject.Cores
	progress io.Writer
	head     strings.Builder // where and of what
	facts    strings.Builder // rows of the table of results
	text     strings.Builder // how they came about

	runs   int    // directories made
	seeded string // a data directory with devices, to be copied
}

// measured is a program whose cost can be looked at.
type measured interface {
	Cost() (subject.Cost, error)
	Stop() error
}

// say writes a paragraph or table of the report.
func (b *bench) say(format string, a ...any) { _, _ = fmt.Fprintf(&b.text, format, a...) }

// fact writes a row of the table of results.
func (b *bench) fact(figure, ours, theirs, ratio string) {
	_, _ = fmt.Fprintf(&b.facts, "| %s | %s | %s | %s |\n", figure, ours, theirs, ratio)
}

// report is all of it.
func (b *bench) report() string {
	return b.head.String() + "\n| | Klapka | beside it | ratio |\n|---|---|---|---|\n" + b.facts.String() + b.text.String()
}

// note tells whoever waits how far it is.
func (b *bench) note(format string, a ...any) { _, _ = fmt.Fprintf(b.progress, format+"\n", a...) }

// address is the i-th loopback address of ours.
func (b *bench) address(i int) netip.Addr {
	a := b.at.As4()
	a[3] += byte(i)
	return netip.AddrFrom4(a)
}

// Addresses: the measured one, signalling of all phones, and their sound, so that
// nobody's free port is one that somebody else wants.
func (b *bench) subjectAt() netip.Addr { return b.address(1) }
func (b *bench) phonesAt() netip.Addr  { return b.address(2) }
func (b *bench) partiesAt() netip.Addr { return b.address(3) }

// room makes an empty directory.
func (b *bench) room() (string, error) {
	b.runs++
	dir := filepath.Join(b.dir, fmt.Sprintf("run%d", b.runs))
	return dir, os.Mkdir(dir, 0o700)
}

// roomWithDevices makes a directory with a store that has the devices.
func (b *bench) roomWithDevices(ctx context.Context) (string, error) {
	if b.seeded == "" {
		b.note("storing %d devices", b.devices)
		dir, err := b.room()
		if err != nil {
			return "", err
		}
		if err := subject.Seed(ctx, dir, b.devices); err != nil {
			return "", err
		}
		b.seeded = dir
	}
	dir, err := b.room()
	if err != nil {
		return "", err
	}
	return dir, os.CopyFS(dir, os.DirFS(b.seeded))
}

// exchange starts the exchange on a directory.
func (b *bench) exchange(dir string) (*subject.Klapka, error) {
	if b.profiles == "" {
		path, err := filepath.Abs(b.program)
		if err != nil {
			return nil, err
		}
		return subject.StartKlapka(b.cores.Subject, b.subjectAt(), dir, path, "serve")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	profiles, err := filepath.Abs(b.profiles)
	if err != nil {
		return nil, err
	}
	return subject.StartKlapka(b.cores.Subject, b.subjectAt(), dir, "env", profileVariable+"="+profiles, self)
}

// stop ends a subject; err is what went wrong before.
func stop(s measured, err *error) {
	if failure := s.Stop(); *err == nil {
		*err = failure
	}
}

// costOf is what something costs a subject, with what it does about it
// afterwards, for as long as after. Memory is what it has in the end.
func (b *bench) costOf(s measured, after time.Duration, do func()) (subject.Cost, error) {
	before, err := s.Cost()
	if err != nil {
		return before, err
	}
	k, ours := s.(*subject.Klapka)
	if ours = ours && b.profiles != ""; ours {
		k.Signal(syscall.SIGUSR1)
		defer k.Signal(syscall.SIGUSR2)
	}
	do()
	time.Sleep(after)
	now, err := s.Cost()
	now.CPU -= before.CPU
	now.Waited -= before.Waited
	return now, err
}

// machine says where and of what this was measured.
func (b *bench) machine(args []string) {
	pinned := "nothing is pinned to a core"
	if b.cores.Subject >= 0 {
		pinned = fmt.Sprintf("the measured program has core %d, the generator core %d", b.cores.Subject, b.cores.Generator)
	}
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(&b.head, format, a...) }
	say("## Load\n\nCommand: `%s`, commit %s, %s.\n", strings.Join(append([]string{"klapka-bench"}, args...), " "),
		commit(), time.Now().UTC().Format(time.DateTime+" UTC"))
	say("Machine: %s, %d cores, Linux %s, %s; %s.\n", cpuModel(), runtime.NumCPU(), kernel(), runtime.Version(), pinned)
	say("Load average at the start: %s.\n", firstLine("/proc/loadavg"))
	for _, p := range []string{"kamailio", "rtpengine"} {
		if v := subject.Version(p); v != "" && b.peers {
			say("Beside it: %s, %s.\n", p, v)
		}
	}
	say("%s", caveats)
}

const caveats = `
CPU is user and system time of the measured program's processes, which the kernel
counts in steps of 10 ms. A run is *invalid* when the generator did less than 99 % of
what it should have, and *not clean* when anything failed or was lost, or when the
slowest hundredth waited too long. *Starved* is how long threads of the program could
have run but had no core, per second of the run: on a quiet machine they only wait for
one another; much of it says that somebody else was busy, and the run is worth little.
Loopback does the work of both network cards; receiving is charged to whoever sends.
Ratios within one run mean more than figures.
`

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}

func cpuModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string { return firstLine("/proc/sys/kernel/osrelease") }

func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
