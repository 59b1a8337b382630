package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/exchange"
)

// configFile is read when no other file is named and it is there.
const configFile = "klapka.yaml"

// addSettings gives c a flag for the configuration file and one per setting.
func addSettings(c *cobra.Command) {
	c.Flags().StringP("config", "c", "", "configuration file (KLAPKA_CONFIG)")
	for _, k := range configs.Keys() {
		sentence, _, _ := strings.Cut(k.Doc, ". ")
		c.Flags().String(k.Flag(), k.Default, fmt.Sprintf("%s (%s)", strings.TrimSuffix(sentence, "."), k.Env()))
	}
}

// load reads the configuration for c. Defaults are by path, and may be nil.
func (m *Main) load(c *cobra.Command, defaults map[string]string) (*configs.Config, error) {
	given := map[string]string{}
	c.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	return configs.Load(configs.Sources{
		File: m.file(given["config"]), Environ: m.Environ, Flags: given, Defaults: defaults,
	})
}

// file is the configuration file to read; empty: none.
func (m *Main) file(flag string) string {
	if flag != "" {
		return flag
	}
	for _, e := range m.Environ {
		if name, ok := strings.CutPrefix(e, "KLAPKA_CONFIG="); ok && name != "" {
			return name
		}
	}
	if _, err := os.Stat(configFile); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return configFile
}

// logger writes to standard error as configured.
func (m *Main) logger(c *configs.Config) *slog.Logger {
	var level slog.Level
	// The configuration only lets through names that slog knows.
	_ = level.UnmarshalText([]byte(c.Log.Level))
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(m.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(m.Stderr, o))
}

// exchangeOptions is the configuration as the exchange wants it.
func exchangeOptions(c *configs.Config, log *slog.Logger) exchange.Options {
	return exchange.Options{
		Version: version, Log: log,
		DataDir: c.DataDir, DatabaseURL: c.DatabaseURL, PromptsDir: c.PromptsDir,
		HTTP: c.HTTP, HTTPS: c.HTTPS, SIPUDP: c.SIPUDP, SIPTCP: c.SIPTCP, SIPTLS: c.SIPTLS, WebRTCUDP: c.WebRTCUDP,
		WebRTCTCP: c.WebRTCTCP, TURNUDP: c.TURNUDP, TURNTCP: c.TURNTCP, TURNTLS: c.TURNTLS, TURNServers: c.TURNServers, TURNSecret: c.TURNSecret,
		RTPListen: c.RTPListen, RTPPorts: exchange.PortRange(c.RTPPorts),
		SIPAdvertise: c.SIPAdvertise, SIPAdvertiseFor: c.SIPAdvertiseFor, SIPSTUN: c.SIPSTUN, SIPPages: c.SIPPages, RTPAdvertise: c.RTPAdvertise, Realm: c.SIPRealm,
		WebHosts: c.WebHosts, TLSCertificate: c.TLSCertificate, TLSKey: c.TLSKey, MetricsToken: c.MetricsToken,
		Limits: exchange.Limits(c.Limits), Registrations: exchange.Registrations(c.Registrations),
		RingTime: c.RingTime, MediaTimeout: c.MediaTimeout, ShutdownGrace: c.ShutdownGrace,
	}
}
