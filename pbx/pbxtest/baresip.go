package pbxtest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// baresipMemory bounds the address space of one phone: some of its modules are
// known to eat memory without end.
const baresipMemory = 512 << 20

// baresipPatience is how long a phone may take for what is its own doing.
const baresipPatience = 10 * time.Second

// BaresipOptions say which phone it is.
type BaresipOptions struct {
	At        netip.AddrPort // its own place, from Loopbacks.NextPort
	Server    netip.AddrPort // where it registers
	Number    string         // user part of its address
	Username  string         // for digest; empty: Number
	Secret    string
	Transport string   // "udp", "tcp" or "tls"; empty: udp
	Plain     bool     // does not register: a phone called by its address
	Codecs    []string // in order of preference, such as "pcma" or "opus/48000/2"; empty: pcma and pcmu
	Source    string   // WAV file it sends, 8 kHz mono, longer than its calls
	Sine      float64  // instead of Source: Hz of a tone it makes itself, for codecs of 48 kHz
	Auto      bool     // answers by itself
	Regint    int      // seconds of a registration; 0: 600
	Secure    string   // how sound is encrypted, such as "srtp-mand"; empty: not at all
	NS        *NetNS   // where it is; nil: on the machine
}

// Baresip is a real telephone: a baresip process of its own, driven through its
// control connection. Everything it hears is written to files.
type Baresip struct {
	t       testing.TB
	o       BaresipOptions
	dir     string
	p       *process
	control *baresipControl
}

// StartBaresip starts a phone that ends with the test and, unless it is Plain,
// waits until it is registered.
func StartBaresip(t testing.TB, o BaresipOptions) *Baresip {
	t.Helper()
	b := NewBaresip(t, o)
	// Its event may have come before the control connection did, so it is asked.
	registered := func() bool { return strings.Contains(b.Command("reginfo", ""), "OK ") }
	if !o.Plain && !eventually(baresipPatience, registered) {
		t.Fatalf("%s did not register; it said: %s", b.p.name, b.Said())
	}
	return b
}

// NewBaresip starts a phone and does not wait for its registration.
func NewBaresip(t testing.TB, o BaresipOptions) *Baresip {
	t.Helper()
	program := NeedProgram(t, "baresip", "baresip-core")
	b := &Baresip{t: t, o: o, dir: t.TempDir()}
	for name, text := range map[string]string{
		"config": b.config(), "accounts": b.account(), "contacts": "", "uuid": uuid(),
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(b.recordings(), 0o700); err != nil {
		t.Fatal(err)
	}
	// -s writes every SIP message to the log, -v what it thinks of them.
	// Without stdbuf, messages would stand in its buffer until there are enough.
	cmd := exec.Command(NeedProgram(t, "stdbuf", "coreutils"), "-oL", program, "-f", b.dir, "-s", "-v")
	b.p = startProcess(t, "baresip "+o.Number, o.NS.Inside(cmd), baresipMemory)
	b.control = dialBaresip(t, b.p, o.NS, b.controlAt())
	return b
}

// uuid is an instance id as baresip wants it, without an end of line.
func uuid() string {
	var r [16]byte
	_, _ = rand.Read(r[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", r[:4], r[4:6], r[6:8], r[8:10], r[10:])
}

func (b *Baresip) recordings() string { return filepath.Join(b.dir, "rec") }

// controlAt is where its control connection is; SIP takes the two ports before,
// the second over TLS.
func (b *Baresip) controlAt() netip.AddrPort {
	return netip.AddrPortFrom(b.o.At.Addr(), b.o.At.Port()+2)
}

func (b *Baresip) config() string {
	lines := []string{
		"sip_listen " + b.o.At.String(),
		"net_interface " + b.o.At.Addr().String(),
		"ctrl_tcp_listen " + b.controlAt().String(),
		"rtp_ports 10000-19999",
		"rtcp_mux no",
		"jitter_buffer_type off",
		"ringback_disabled yes",
		"menu_bell no",
		"snd_path " + b.recordings(),
		"module_path " + "/usr/lib/baresip/modules",
		"module g711.so", "module g722.so", "module opus.so", "module srtp.so", "module sndfile.so", "module aufile.so", "module ausine.so",
		"module_tmp uuid.so", "module_tmp account.so",
		"module_app contact.so", "module_app debug_cmd.so", "module_app menu.so", "module_app ctrl_tcp.so",
	}
	switch {
	case b.o.Sine > 0:
		lines = append(lines, fmt.Sprintf("audio_source ausine,%.0f", b.o.Sine))
	case b.o.Source != "":
		lines = append(lines, "audio_source aufile,"+b.o.Source)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (b *Baresip) account() string {
	answer := "manual"
	if b.o.Auto {
		answer = "auto"
	}
	codecs := b.o.Codecs
	if len(codecs) == 0 {
		codecs = []string{"pcma", "pcmu"}
	}
	list := make([]string, len(codecs))
	for i, c := range codecs {
		list[i] = c
		if !strings.Contains(c, "/") {
			list[i] += "/8000/1"
		}
	}
	server, regint := b.o.Server, cmp.Or(b.o.Regint, 600)
	if b.o.Plain {
		server, regint = b.o.At, 0
	}
	line := fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_user=%s;auth_pass=%s;answermode=%s;regint=%d;audio_codecs=%s",
		b.o.Number, server, cmp.Or(b.o.Transport, "udp"), cmp.Or(b.o.Username, b.o.Number), b.o.Secret, answer, regint, strings.Join(list, ","))
	if b.o.Secure != "" {
		line += ";mediaenc=" + b.o.Secure
	}
	return line + "\n"
}

// Address is where the phone is reached over UDP.
func (b *Baresip) Address() netip.AddrPort { return b.o.At }

// Dial calls a number at the phone's server, or a whole sip: URI.
func (b *Baresip) Dial(to string) {
	b.t.Helper()
	if !strings.HasPrefix(to, "sip:") {
		to = "sip:" + to + "@" + b.o.Server.String() + ";transport=" + cmp.Or(b.o.Transport, "udp")
	}
	b.Command("dial", to)
}

// Accept answers the ringing call.
func (b *Baresip) Accept() { b.t.Helper(); b.Command("accept", "") }

// Hangup ends, refuses or gives up the current call.
func (b *Baresip) Hangup() { b.t.Helper(); b.Command("hangup", "") }

// Hold puts the current call on hold with a re-INVITE.
func (b *Baresip) Hold() { b.t.Helper(); b.Command("hold", "") }

// Resume takes it back.
func (b *Baresip) Resume() { b.t.Helper(); b.Command("resume", "") }

// Digits sends keys as RFC 4733 events.
func (b *Baresip) Digits(keys string) { b.t.Helper(); b.Command("sndcode", keys) }

// Heard lists the WAV files of what the phone heard, oldest first: one per call,
// without pauses where nothing came.
func (b *Baresip) Heard() []string { b.t.Helper(); return b.files("dec") }

// Sent lists the WAV files of what it sent.
func (b *Baresip) Sent() []string { b.t.Helper(); return b.files("enc") }

func (b *Baresip) files(kind string) []string {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.recordings(), "dump-*-"+kind+".wav"))
	if err != nil {
		b.t.Fatal(err)
	}
	slices.SortFunc(files, func(a, c string) int { return changed(a).Compare(changed(c)) })
	return files
}

// changed is when a file was last written to; the zero time when it is gone.
func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Trace is the phone's log with every SIP message it sent and received.
func (b *Baresip) Trace() string { return b.p.output.String() }

// Kill pulls the plug.
func (b *Baresip) Kill() { b.p.kill() }
