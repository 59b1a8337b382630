//go:build linux

package subject

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"klapka.dev/klapka/cmd/klapka-bench/load"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/store"
)

// startPatience is how long a program may take to start.
const startPatience = 30 * time.Second

// Klapka is the shipped exchange with its data in SQLite. Limits that protect it
// from what a generator does are raised by settings; all else is as shipped.
type Klapka struct {
	*process
	At      netip.Addr
	Started time.Duration // from the start of the program to its first answer
}

// SIP is where phones reach it.
func (k *Klapka) SIP() netip.AddrPort { return netip.AddrPortFrom(k.At, sipPort) }

const sipPort = 5060

// StartKlapka runs a command line that serves, on data in dir, which stay there.
func StartKlapka(core int, at netip.Addr, dir string, argv ...string) (*Klapka, error) {
	began := time.Now()
	p, err := start(core, dir, "klapka", settings(at, dir), argv...)
	if err != nil {
		return nil, err
	}
	k := &Klapka{process: p, At: at}
	if err := p.until(startPatience, answering(k.SIP())); err != nil {
		_ = p.Stop()
		return nil, err
	}
	k.Started = time.Since(began)
	return k, nil
}

func settings(at netip.Addr, dir string) []string {
	any := netip.AddrPortFrom(at, 0).String()
	const plenty = 1 << 20
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(),
		"KLAPKA_DATA_DIR=" + filepath.Join(dir, "data"), "KLAPKA_LOG_LEVEL=warn",
		"KLAPKA_HTTP_LISTEN=" + any, "KLAPKA_HTTPS_LISTEN=" + any, "KLAPKA_WEBRTC_UDP=",
		"KLAPKA_SIP_UDP=" + netip.AddrPortFrom(at, sipPort).String(), "KLAPKA_SIP_TCP=" + any, "KLAPKA_SIP_TLS=" + any,
		"KLAPKA_RTP_LISTEN=" + at.String(), "KLAPKA_RTP_PORTS=" + rtpPorts(), "KLAPKA_SHUTDOWN_GRACE=0s",
		"KLAPKA_LIMITS_CALLS=0", "KLAPKA_LIMITS_MESSAGES=" + strconv.Itoa(plenty),
		"KLAPKA_LIMITS_BURST=" + strconv.Itoa(plenty), "KLAPKA_LIMITS_KNOWN_MESSAGES=" + strconv.Itoa(plenty),
	}
}

// RTP ports of whoever relays sound.
const firstRTP, lastRTP = 20000, 59999

func rtpPorts() string { return fmt.Sprintf("%d-%d", firstRTP, lastRTP) }

// answering sends an OPTIONS whenever it is asked whether one was answered.
func answering(server netip.AddrPort) func() bool {
	b := make([]byte, 2048)
	n := 0
	return func() bool {
		c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
		if err != nil {
			return false
		}
		defer func() { _ = c.Close() }()
		n++
		us := c.LocalAddr().String()
		_, _ = fmt.Fprintf(c, "OPTIONS sip:%[1]v SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;rport;branch=z9hG4bKo%[3]d\r\n"+
			"Max-Forwards: 70\r\nFrom: <sip:bench@%[2]s>;tag=o\r\nTo: <sip:%[1]v>\r\nCall-ID: o%[3]d@%[2]s\r\n"+
			"CSeq: 1 OPTIONS\r\nContact: <sip:bench@%[2]s>\r\nContent-Length: 0\r\n\r\n", server, us, n)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		size, err := c.Read(b)
		return err == nil && strings.HasPrefix(string(b[:size]), "SIP/2.0 ")
	}
}

// Seed fills an empty data directory of StartKlapka with n devices, each with an
// extension of its own, in the way the exchange itself stores them.
func Seed(ctx context.Context, dir string, n int) error {
	dir = filepath.Join(dir, "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if _, err := auth.EnsureSettings(ctx, s, pbx.Settings{Realm: load.Realm}); err != nil {
		return err
	}
	const batch = 200 // a transaction has a few seconds
	for first := 0; first < n; first += batch {
		if err := s.Within(ctx, func(tx pbx.People) error { return seed(ctx, tx, first, min(batch, n-first)) }); err != nil {
			return fmt.Errorf("device %d: %w", first, err)
		}
	}
	return nil
}

func seed(ctx context.Context, tx pbx.People, first, n int) error {
	for i := range n {
		number := load.Number(first + i)
		if err := tx.CreateExtension(ctx, &pbx.Extension{Number: number, Name: "Person " + number}); err != nil {
			return err
		}
		d := pbx.Device{
			Extension: number, Name: "Phone", Username: number, HA1: auth.HA1(number, load.Realm, load.Secret),
		}
		if err := tx.CreateDevice(ctx, &d); err != nil {
			return err
		}
	}
	return nil
}
