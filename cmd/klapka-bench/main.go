//go:build linux

// Command klapka-bench measures the shipped exchange: what registrations, calls
// and relayed sound cost it, beside programs that are known for being cheap.
// It writes what it found as Markdown. Everything stays on loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"klapka.dev/klapka/cmd/klapka-bench/subject"
)

func main() {
	if os.Getenv(profileVariable) != "" { // started by ourselves, see profile.go
		if err := serveProfiled(os.Environ()); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "klapka-bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "klapka-bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// options are what the command line says.
type options struct {
	program  string
	only     []string
	at       netip.Addr
	pin      bool
	profiles string
	devices  int
	seconds  time.Duration
	calm     time.Duration
	peers    bool

	registerRates []int
	callRates     []int
	relays        []int
}

// sections in the order in which they run.
var sections = []string{"startup", "register", "call", "relay"}

func parse(args []string, stderr io.Writer) (o options, err error) {
	f := flag.NewFlagSet("klapka-bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.program, "program", "bin/klapka", "the exchange to measure")
	only := f.String("only", strings.Join(sections, ","), "what to measure")
	at := f.String("at", "127.77.0.0", "first of the loopback addresses to use, at most 16 of them")
	f.BoolVar(&o.pin, "pin", true, "have the measured one and the generator each on a core of their own, if there are two")
	f.BoolVar(&o.peers, "peers", true, "measure kamailio and rtpengine too, where they are installed")
	f.StringVar(&o.profiles, "in-process", "", "run the exchange in a copy of this program and write CPU profiles of it into this directory")
	f.IntVar(&o.devices, "devices", 10000, "how many devices the store has, 100 to 40000")
	f.DurationVar(&o.seconds, "time", 4*time.Second, "length of each run, 1s to 10s")
	f.DurationVar(&o.calm, "calm", 32*time.Second, "wait after the first registrations, longer than anything is cached")
	registerRates := f.String("register-rates", "250,500,1000,2000,4000,8000,16000", "registrations per second, until one is too many")
	callRates := f.String("call-rates", "50,100,200,400,800,1600,3200", "calls per second, until one is too many")
	relays := f.String("relays", "100,300,600,1000", "relayed calls at a time, until one is too many")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.only = strings.Split(*only, ",")
	for _, s := range o.only {
		if !slices.Contains(sections, s) {
			err = errors.Join(err, fmt.Errorf("-only: %q is none of %v", s, sections))
		}
	}
	var failure error
	if o.at, failure = netip.ParseAddr(*at); failure != nil || !o.at.Is4() || !o.at.IsLoopback() {
		err = errors.Join(err, fmt.Errorf("-at: %q is no IPv4 loopback address", *at))
	}
	if o.devices < 100 || o.devices > 40000 || o.seconds < time.Second || o.seconds > 10*time.Second || o.calm < 0 || o.calm > time.Minute {
		err = errors.Join(err, errors.New("-devices, -time or -calm is out of bounds"))
	}
	for _, l := range []struct {
		name, text string
		to         *[]int
		most       int
	}{
		{"-register-rates", *registerRates, &o.registerRates, 50000},
		{"-call-rates", *callRates, &o.callRates, 10000},
		{"-relays", *relays, &o.relays, 4000},
	} {
		err = errors.Join(err, numbers(l.name, l.text, l.to, l.most))
	}
	return o, err
}

// numbers reads ascending positive numbers, by comma.
func numbers(name, text string, to *[]int, most int) error {
	for s := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > most || len(*to) > 0 && n <= (*to)[len(*to)-1] {
			return fmt.Errorf("%s: %q: ascending numbers from 1 to %d are wanted", name, text, most)
		}
		*to = append(*to, n)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "klapka-bench")
	if err != nil {
		return err
	}
	b := &bench{options: o, dir: dir, progress: stderr, cores: subject.Cores{Subject: -1, Generator: -1}}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := b.pinSelf(); err != nil {
		return err
	}
	b.machine(args)
	for _, s := range sections {
		if !slices.Contains(o.only, s) || ctx.Err() != nil {
			continue
		}
		measure := map[string]func(context.Context) error{
			"startup": b.startup, "register": b.register, "call": b.call, "relay": b.relay,
		}[s]
		if err := measure(ctx); err != nil {
			b.note("found so far:\n%s", b.report())
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	_, err = io.WriteString(stdout, b.report())
	return err
}

// pinSelf puts the generator on the last core and leaves the first one to the
// measured one. Its threads get more than one scheduling slot in spite of that,
// so that one that waits in the kernel holds nobody up.
func (b *bench) pinSelf() error {
	if !b.pin || runtime.NumCPU() < 2 {
		return nil
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return fmt.Errorf("affinity: %w", err)
	}
	var cpus []int
	for i := range 1024 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	b.cores = subject.Cores{Subject: cpus[0], Generator: cpus[len(cpus)-1]}
	set.Zero()
	set.Set(b.cores.Generator)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads { // those to come inherit it
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, &set) // a thread may have ended
		}
	}
	runtime.GOMAXPROCS(4)
	return nil
}
