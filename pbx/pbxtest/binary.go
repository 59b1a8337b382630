package pbxtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startPatience is how long an exchange may take to get ready on a busy machine.
const startPatience = 30 * time.Second

// BuildBinary builds the program as it is shipped into dir and returns its path.
// It is meant for TestMain; the error holds what the compiler says.
func BuildBinary(dir string) (string, error) {
	path := filepath.Join(dir, "klapka")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "klapka.dev/klapka/cmd/klapka")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return path, nil
}

// BinaryOptions say how an exchange is started.
type BinaryOptions struct {
	Path    string            // the program, see BuildBinary
	At      netip.Addr        // its own address; it takes free ports there
	DataDir string            // empty: one of the test's own
	Env     map[string]string // further settings: KLAPKA_… to value
	Args    []string          // of serve; empty: --demo
}

// Binary is the shipped program, serving the demo company as a process of its
// own.
type Binary struct {
	t     testing.TB
	o     BinaryOptions
	dir   string
	ports map[string]string // settings that keep the ports of the first start
	p     *process
	at    BinaryAddresses
}

// BinaryAddresses are where it listens, as addresses.json says.
type BinaryAddresses struct {
	PID    int              `json:"pid"`
	HTTP   []netip.AddrPort `json:"http"`
	HTTPS  []netip.AddrPort `json:"https"`
	SIPUDP []netip.AddrPort `json:"sip_udp"`
	SIPTCP []netip.AddrPort `json:"sip_tcp"`
	SIPTLS []netip.AddrPort `json:"sip_tls"`
}

// StartBinary starts an exchange that ends with the test, and returns when it is
// ready for calls.
func StartBinary(t testing.TB, o BinaryOptions) *Binary {
	t.Helper()
	b := &Binary{t: t, o: o, dir: o.DataDir, ports: map[string]string{}}
	if b.dir == "" {
		b.dir = t.TempDir()
	}
	b.Start()
	return b
}

// Start starts a stopped or killed exchange anew, on the ports it had.
func (b *Binary) Start() {
	b.t.Helper()
	if b.p != nil && b.p.running() {
		b.t.Fatal("the exchange runs already")
	}
	args := b.o.Args
	if len(args) == 0 {
		args = []string{"--demo"}
	}
	cmd := exec.Command(b.o.Path, append([]string{"serve"}, args...)...)
	cmd.Dir = b.dir // no configuration file is found there
	cmd.Env = b.environment()
	b.p = startProcess(b.t, "klapka", cmd, 0)
	if !eventually(startPatience, func() bool { return b.ready() || !b.p.running() }) || !b.p.running() {
		b.t.Fatal("the exchange did not get ready")
	}
	keep := func(name string, at []netip.AddrPort) {
		if len(at) > 0 {
			b.ports[name] = at[0].String()
		}
	}
	keep("KLAPKA_HTTP_LISTEN", b.at.HTTP)
	keep("KLAPKA_HTTPS_LISTEN", b.at.HTTPS)
	keep("KLAPKA_SIP_UDP", b.at.SIPUDP)
	keep("KLAPKA_SIP_TCP", b.at.SIPTCP)
	keep("KLAPKA_SIP_TLS", b.at.SIPTLS)
}

// environment is the settings alone, with nothing of who runs the test but what
// finds programs.
func (b *Binary) environment() []string {
	free := netip.AddrPortFrom(b.o.At, 0).String()
	settings := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": b.dir, "TMPDIR": os.TempDir(),
		"KLAPKA_DATA_DIR": b.dir, "KLAPKA_LOG_LEVEL": "info",
		"KLAPKA_HTTP_LISTEN": free, "KLAPKA_HTTPS_LISTEN": free, "KLAPKA_WEBRTC_UDP": "",
		"KLAPKA_SIP_UDP": free, "KLAPKA_SIP_TCP": free, "KLAPKA_SIP_TLS": free,
		"KLAPKA_RTP_LISTEN": b.o.At.String(), "KLAPKA_RTP_PORTS": "20000-20999",
	}
	maps.Copy(settings, b.ports)
	maps.Copy(settings, b.o.Env)
	var env []string
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, k+"="+settings[k])
	}
	return env
}

// ready reports whether this very process said where it listens, and accepts.
func (b *Binary) ready() bool {
	data, err := os.ReadFile(filepath.Join(b.dir, "addresses.json"))
	if err != nil {
		return false
	}
	var at BinaryAddresses
	if json.Unmarshal(data, &at) != nil || at.PID != b.p.cmd.Process.Pid || len(at.HTTP) == 0 {
		return false
	}
	b.at = at
	status, _, err := b.get("/readyz")
	return err == nil && status == http.StatusOK
}

// Addresses are where the exchange listens.
func (b *Binary) Addresses() BinaryAddresses { return b.at }

// SIP is where phones reach it over UDP.
func (b *Binary) SIP() netip.AddrPort {
	b.t.Helper()
	if len(b.at.SIPUDP) == 0 {
		b.t.Fatal("the exchange does not listen for phones")
	}
	return b.at.SIPUDP[0]
}

// DataDir is the directory of everything it writes.
func (b *Binary) DataDir() string { return b.dir }

// Log is what this run of it printed.
func (b *Binary) Log() string { return b.p.output.String() }

// Running reports whether the process lives.
func (b *Binary) Running() bool { return b.p.running() }

// Kill ends it with SIGKILL: no farewell to anybody.
func (b *Binary) Kill() { b.p.kill() }

// Signal sends it a signal.
func (b *Binary) Signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.p.cmd.Process.Signal(s); err != nil {
		b.t.Fatalf("the exchange: %v", err)
	}
}

// ExitCode waits for its end.
func (b *Binary) ExitCode(within time.Duration) int {
	b.t.Helper()
	return b.p.wait(within)
}

// Stop ends it in an orderly way, which must succeed.
func (b *Binary) Stop() {
	b.t.Helper()
	b.Signal(syscall.SIGTERM)
	if code := b.ExitCode(startPatience); code != 0 {
		b.t.Errorf("the exchange ended with exit code %d, want 0", code)
	}
}

// Get reads a page of its web server, /readyz for one.
func (b *Binary) Get(path string) (status int, body string) {
	b.t.Helper()
	status, body, err := b.get(path)
	if err != nil {
		b.t.Fatalf("the exchange: %v", err)
	}
	return status, body
}

func (b *Binary) get(path string) (int, string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + b.at.HTTP[0].String() + path)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), errors.Join(err, resp.Body.Close())
}

// Metrics are the figures of /metrics by name; those with labels under the whole
// text before the value.
func (b *Binary) Metrics() map[string]float64 {
	b.t.Helper()
	status, body := b.Get("/metrics")
	if status != http.StatusOK {
		b.t.Fatalf("/metrics answered %d", status)
	}
	out := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		line := lines.Text()
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
				out[line[:at]] = v
			}
		}
	}
	return out
}
