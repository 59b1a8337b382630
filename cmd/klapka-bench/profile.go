//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/exchange"
)

// profileVariable holds the directory of profiles; a process that has it is the
// exchange, in a copy of this program: the shipped one has no profiler.
const profileVariable = "KLAPKA_BENCH_PROFILE"

// serveProfiled is what klapka serve does, with a CPU profile written from each
// SIGUSR1 to the next SIGUSR2, into files with rising numbers, and beside each
// what was in memory when it began.
func serveProfiled(environ []string) error {
	dir := os.Getenv(profileVariable)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM)
	c, err := configs.Load(configs.Sources{Environ: without(environ, profileVariable)})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	x, err := exchange.New(ctx, exchange.Options{
		Version: "profiled", Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		DataDir: c.DataDir, HTTP: c.HTTP, HTTPS: c.HTTPS, SIPUDP: c.SIPUDP, SIPTCP: c.SIPTCP, SIPTLS: c.SIPTLS,
		RTPListen: c.RTPListen, RTPPorts: exchange.PortRange(c.RTPPorts), Realm: c.SIPRealm,
		Limits: exchange.Limits(c.Limits), Registrations: exchange.Registrations(c.Registrations),
		RingTime: c.RingTime, ShutdownGrace: c.ShutdownGrace,
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	p := profiler{dir: dir}
	defer p.end()
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			switch s {
			case syscall.SIGTERM:
				stop()
			case syscall.SIGUSR1:
				if err := p.begin(); err != nil {
					return err
				}
			default:
				p.end()
			}
		}
	}
}

func without(environ []string, name string) (out []string) {
	for _, e := range environ {
		if len(e) <= len(name) || e[:len(name)+1] != name+"=" {
			out = append(out, e)
		}
	}
	return out
}

// profiler writes one profile after the other.
type profiler struct {
	dir  string
	file *os.File
}

func (p *profiler) begin() error {
	p.end()
	// The number goes up over the restarts of the exchange.
	for n := 1; ; n++ {
		f, err := os.OpenFile(filepath.Join(p.dir, fmt.Sprintf("cpu%02d.pprof", n)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		p.file = f
		if err := p.heap(n); err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	}
}

// heap writes what is in use, as of the last collection.
func (p *profiler) heap(n int) error {
	f, err := os.Create(filepath.Join(p.dir, fmt.Sprintf("heap%02d.pprof", n)))
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

func (p *profiler) end() {
	if p.file != nil {
		pprof.StopCPUProfile()
		_ = p.file.Close()
		p.file = nil
	}
}
