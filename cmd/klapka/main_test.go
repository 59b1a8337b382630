package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is a buffer that a running program may write while the test reads.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// program is a klapka in this process, with its own directory.
type program struct {
	*Main
	out, err *output
	signals  chan os.Signal
	exit     chan int
}

func newProgram(t *testing.T, environ ...string) *program {
	t.Helper()
	p := &program{out: &output{}, err: &output{}, signals: make(chan os.Signal, 2), exit: make(chan int, 1)}
	p.Main = &Main{Stdin: strings.NewReader(""), Stdout: p.out, Stderr: p.err, Environ: environ, Signals: p.signals}
	return p
}

// quiet are settings with which any number of exchanges share a machine.
func quiet(dir string) []string {
	return []string{
		"KLAPKA_DATA_DIR=" + dir, "KLAPKA_HTTP_LISTEN=127.0.0.1:0", "KLAPKA_HTTPS_LISTEN=127.0.0.1:0",
		"KLAPKA_SIP_UDP=127.0.0.1:0", "KLAPKA_SIP_TCP=", "KLAPKA_SIP_TLS=", "KLAPKA_WEBRTC_UDP=",
		"KLAPKA_RTP_LISTEN=127.0.0.1", "KLAPKA_SHUTDOWN_GRACE=1s",
	}
}

func (p *program) start(args ...string) { go func() { p.exit <- p.Run(args) }() }

// wait returns the exit code.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.exit:
		return code
	case <-time.After(20 * time.Second):
		t.Fatalf("the program did not end\n%s", p.err)
		return -1
	}
}

// addresses waits for addresses.json, as a script would.
func (p *program) addresses(t *testing.T, dir string) published {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		data, err := os.ReadFile(filepath.Join(dir, addressesName))
		if errors.Is(err, fs.ErrNotExist) {
			select {
			case code := <-p.exit:
				t.Fatalf("ended with %d before it was ready\n%s", code, p.err)
			default:
				continue
			}
		}
		var a published
		if err := errors.Join(err, json.Unmarshal(data, &a)); err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Fatalf("never ready\n%s", p.err)
	return published{}
}

// greeting waits until the program has printed want.
func (p *program) greeting(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(p.out.String(), want) {
			return
		}
	}
	t.Fatalf("never said %q\n%s\n%s", want, p.out, p.err)
}

func status(t *testing.T, url string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// With port 0 the real addresses stand in addresses.json once the exchange is
// ready; the first signal ends it in order, and takes the file away.
func TestServeUntilSignal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := newProgram(t, quiet(dir)...)
	p.start("serve")
	a := p.addresses(t, dir)
	if a.PID != os.Getpid() || len(a.HTTP) != 1 || a.HTTP[0].Port() == 0 || len(a.HTTPS) != 1 {
		t.Errorf("addresses.json: %+v", a)
	}
	if code := status(t, "http://"+a.HTTP[0].String()+"/readyz"); code != http.StatusOK {
		t.Errorf("ready, but /readyz says %d", code)
	}
	p.signals <- syscall.SIGTERM
	if code := p.wait(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.err)
	}
	if _, err := os.Stat(filepath.Join(dir, addressesName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("addresses.json stays: %v", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory is open to others: %v %v", info.Mode(), err)
	}
}

// Two processes never share a data directory; the second says who has it.
func TestDataDirectoryHasOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := newProgram(t, quiet(dir)...)
	first.start("serve")
	first.addresses(t, dir)
	for _, command := range []string{"serve", "migrate"} {
		second := newProgram(t, quiet(dir)...)
		if code := second.Run([]string{command}); code != exitLocked {
			t.Errorf("%s: exit code %d, want %d\n%s", command, code, exitLocked, second.err)
		}
		if want := "in use by process " + strconv.Itoa(os.Getpid()); !strings.Contains(second.err.String(), want) {
			t.Errorf("%s: %q does not say %q", command, second.err, want)
		}
	}
	first.signals <- syscall.SIGINT
	if code := first.wait(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if code := newProgram(t, quiet(dir)...).Run([]string{"migrate"}); code != exitOK {
		t.Errorf("after its end, migrate gives %d", code)
	}
}

// A second signal does not wait for anything: here for a browser in the middle
// of a request.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := newProgram(t, quiet(dir)...)
	p.start("serve")
	a := p.addresses(t, dir)
	c, err := net.Dial("tcp", a.HTTP[0].String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	p.signals <- syscall.SIGTERM
	select {
	case code := <-p.exit:
		t.Fatalf("ended with %d in spite of a request under way", code)
	case <-time.After(200 * time.Millisecond):
	}
	start := time.Now()
	p.signals <- syscall.SIGTERM
	if code := p.wait(t); code != exitForced {
		t.Errorf("exit code %d, want %d", code, exitForced)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("at once took %s", took)
	}
	if err := c.Close(); err != nil { // lets the abandoned exchange end, too
		t.Error(err)
	}
}

// A demo is for this machine, unless that is said in so many words.
func TestDemoStaysOnThisMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := newProgram(t, append(quiet(dir), "KLAPKA_HTTP_LISTEN=0.0.0.0:0")...)
	if code := p.Run([]string{"serve", "--demo"}); code != exitFailed || !strings.Contains(p.err.String(), "--demo-anywhere") {
		t.Errorf("exit code %d: %s", code, p.err)
	}
	d := demoDefaults(false)
	for path, want := range map[string]string{"data.dir": "./data/demo", "http.listen": "127.0.0.1:8080", "sip.udp": "127.0.0.1:5060"} {
		if d[path] != want {
			t.Errorf("%s is %q in a demo, want %q", path, d[path], want)
		}
	}
}

// Everything that is wrong with command line and configuration is exit code 2,
// and all of it is said.
func TestWrongUseIsExitCode2(t *testing.T) {
	file := filepath.Join(t.TempDir(), "k.yaml")
	if err := os.WriteFile(file, []byte("sip:\n  upd: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{[]string{"bogus"}, []string{`unknown command "bogus"`}},
		{[]string{"serve", "extra"}, []string{"serve --help"}},
		{[]string{"serve", "--no-such-flag"}, []string{"unknown flag"}},
		{[]string{"serve", "-c", file, "--log-level", "loud", "--rtp-ports", "1"}, []string{
			"3 faults", file + `:2: sip.upd: there is no such setting; did you mean "udp"?`, `--log-level: "loud"`, `--rtp-ports: "1"`}},
		{[]string{"migrate", "--sip-tcp", "5060"}, []string{`--sip-tcp: "5060" is not host:port`}},
	} {
		p := newProgram(t)
		if code := p.Run(tc.args); code != exitUsage {
			t.Errorf("%v: exit code %d\n%s", tc.args, code, p.err)
		}
		for _, want := range tc.want {
			if !strings.Contains(p.err.String(), want) {
				t.Errorf("%v: no %q in\n%s", tc.args, want, p.err)
			}
		}
	}
	// The file may be named in the environment, too.
	p := newProgram(t, "KLAPKA_CONFIG="+file)
	if code := p.Run([]string{"doctor"}); code != exitUsage {
		t.Errorf("KLAPKA_CONFIG: exit code %d", code)
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	p := newProgram(t)
	if code := p.Run([]string{"serve", "--help"}); code != exitOK {
		t.Fatal(p.err)
	}
	for _, want := range []string{"--sip-udp", "KLAPKA_SIP_UDP", "0.0.0.0:5060", "--demo-anywhere", "addresses.json"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("no %s in the help", want)
		}
	}
}

func TestVersion(t *testing.T) {
	p := newProgram(t)
	if code := p.Run([]string{"version"}); code != exitOK || p.out.String() != "klapka "+version+"\n" {
		t.Errorf("%d %q", code, p.out)
	}
}

// doctor says what is wrong and how to mend it, and changes nothing.
func TestDoctor(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir := filepath.Join(t.TempDir(), "data")
	healthy := newProgram(t, quiet(dir)...)
	if code := healthy.Run([]string{"doctor"}); code != exitOK || !strings.Contains(healthy.out.String(), "0 broken") {
		t.Errorf("a healthy machine gives %d\n%s", code, healthy.out)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("doctor made the data directory: %v", err)
	}
	ill := newProgram(t, append(quiet(dir), "KLAPKA_HTTP_LISTEN="+taken.Addr().String(), "KLAPKA_SIP_TCP=203.0.113.7:5060",
		"KLAPKA_DATABASE_URL=postgres://klapka@127.0.0.1:1/klapka")...)
	if code := ill.Run([]string{"doctor"}); code != exitFailed {
		t.Errorf("an ill machine gives %d", code)
	}
	for _, want := range []string{"3 broken", "Another program has port", "does not have the address 203.0.113.7", "Start the database"} {
		if !strings.Contains(ill.out.String(), want) {
			t.Errorf("no %q in\n%s", want, ill.out)
		}
	}
}
