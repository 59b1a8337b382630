package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/exchange"
)

// demoDefaults keep a demo on this machine and beside the real data.
func demoDefaults(anywhere bool) map[string]string {
	d := map[string]string{"data.dir": "./data/demo"}
	if anywhere {
		return d
	}
	d["http.listen"], d["https.listen"] = "127.0.0.1:8080", "127.0.0.1:8443"
	d["sip.udp"], d["sip.tcp"], d["sip.tls"] = "127.0.0.1:5060", "127.0.0.1:5060", "127.0.0.1:5061"
	d["webrtc.udp"], d["rtp.listen"] = "127.0.0.1:8443", "127.0.0.1"
	return d
}

func (m *Main) serveCommand() *cobra.Command {
	var demo, anywhere bool
	c := &cobra.Command{
		Use: "serve", Short: "Run the exchange", Args: cobra.NoArgs,
		Long: `Run the exchange until a signal. The first SIGINT or SIGTERM refuses new calls,
lets running ones go on for shutdown.grace and then ends them; a second one ends
at once. Once ready, the addresses in use stand in addresses.json in the data
directory.`,
		RunE: func(c *cobra.Command, _ []string) error {
			var defaults map[string]string
			if demo = demo || anywhere; demo {
				defaults = demoDefaults(anywhere)
			}
			cfg, err := m.load(c, defaults)
			if err != nil {
				return err
			}
			o := exchangeOptions(cfg, m.logger(cfg))
			o.Demo, o.DemoAnywhere = demo, anywhere
			return m.serve(c.Context(), cfg, o)
		},
	}
	addSettings(c)
	c.Flags().BoolVar(&demo, "demo", false, "serve a demo company with known passwords from ./data/demo, to this machine only")
	c.Flags().BoolVar(&anywhere, "demo-anywhere", false, "the same, although other machines can then sign in with the known passwords")
	return c
}

func (m *Main) serve(ctx context.Context, cfg *configs.Config, o exchange.Options) error {
	unlock, err := lockData(cfg.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	// What stands there is of a process that was killed; nobody may read it as ours.
	_ = os.Remove(filepath.Join(cfg.DataDir, addressesName))

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	x, err := exchange.New(ctx, o)
	if err != nil {
		return err
	}
	go giveBack(ctx)
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	return m.attend(x, o, ended, stop)
}

// attend says what there is to say once the exchange is ready, and turns signals
// into its end.
func (m *Main) attend(x *exchange.Exchange, o exchange.Options, ended <-chan error, stop func()) error {
	ready := x.Ready()
	stopping := false
	remove := func() {}
	defer func() { remove() }()
	for {
		select {
		case <-ready:
			ready = nil
			var err error
			if remove, err = publishAddresses(o.DataDir, x.Addresses()); err != nil {
				stop()
				return errors.Join(err, <-ended)
			}
			m.greet(x)
		case s := <-m.Signals:
			if stopping {
				o.Log.Warn("stopping at once", "signal", s.String())
				return exitError{exitForced, errReported}
			}
			stopping = true
			o.Log.Info("stopping; a second signal ends at once", "signal", s.String(), slog.Duration("grace", o.ShutdownGrace))
			stop()
		case err := <-ended:
			return err
		}
	}
}
