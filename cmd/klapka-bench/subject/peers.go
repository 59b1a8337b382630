//go:build linux

package subject

import (
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"klapka.dev/klapka/cmd/klapka-bench/load"
)

//go:embed kamailio.cfg
var kamailioConfig string

// Kamailio is a SIP proxy and registrar, with passwords and registrations in
// memory only.
type Kamailio struct {
	*process
	At netip.Addr
}

// SIP is where phones reach it.
func (k *Kamailio) SIP() netip.AddrPort { return netip.AddrPortFrom(k.At, sipPort) }

// StartKamailio starts the installed kamailio with its files in dir.
func StartKamailio(core int, at netip.Addr, dir string) (*Kamailio, error) {
	var text strings.Builder
	t, err := template.New("kamailio.cfg").Parse(kamailioConfig)
	if err != nil {
		return nil, err
	}
	if err := t.Execute(&text, map[string]any{"At": at, "Realm": load.Realm, "Secret": load.Secret}); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	p, err := start(core, dir, "kamailio", os.Environ(), "kamailio", "-f", config, "-m", "512", "-M", "16",
		"-DD", "-E", "-Y", dir, "-P", filepath.Join(dir, "kamailio.pid"))
	if err != nil {
		return nil, err
	}
	k := &Kamailio{process: p, At: at}
	if err := p.until(startPatience, answering(k.SIP())); err != nil {
		_ = p.Stop()
		return nil, err
	}
	return k, nil
}

// Rtpengine relays sound in user space: its kernel module is not used.
type Rtpengine struct {
	*process
	At netip.Addr
}

// Control is where it takes commands.
func (r *Rtpengine) Control() netip.AddrPort { return netip.AddrPortFrom(r.At, 2223) }

// StartRtpengine starts the installed rtpengine with its files in dir.
func StartRtpengine(core int, at netip.Addr, dir string) (*Rtpengine, error) {
	r := &Rtpengine{At: at}
	threads := 1 // a core
	if core < 0 {
		threads = 2
	}
	p, err := start(core, dir, "rtpengine", os.Environ(), "rtpengine", "--config-file=none", "--table=-1",
		"--interface="+at.String(), "--listen-ng="+r.Control().String(), "--num-threads="+strconv.Itoa(threads),
		"--port-min="+strconv.Itoa(firstRTP), "--port-max="+strconv.Itoa(lastRTP), "--foreground", "--log-stderr", "--log-level=4")
	if err != nil {
		return nil, err
	}
	r.process = p
	if err := p.until(startPatience, r.pings()); err != nil {
		_ = p.Stop()
		return nil, err
	}
	return r, nil
}

func (r *Rtpengine) pings() func() bool {
	return func() bool {
		g, err := load.NewNg(r.At, r.Control())
		if err != nil {
			return false
		}
		defer g.Close()
		return g.Ping() == nil
	}
}

// Version is what a program says of itself, in a line; empty: it is not
// installed.
func Version(program string) string {
	if _, err := exec.LookPath(program); err != nil {
		return ""
	}
	flag := "-v"
	out, err := exec.Command(program, flag).CombinedOutput()
	if err != nil && len(out) == 0 {
		return fmt.Sprintf("%s (%v)", program, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
