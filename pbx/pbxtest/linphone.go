package pbxtest

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// linphoneMemory bounds the address space of one linphone.
const linphoneMemory = 4 << 30

// LinphoneOptions say which phone it is.
type LinphoneOptions struct {
	At     netip.AddrPort // its own place, from Loopbacks.NextPort
	Server netip.AddrPort // where it registers
	Number string         // user part of its address, and its name for digest
	Secret string
	Source string // WAV file it sends, 16-bit mono
}

// Linphone is a real telephone of another make: a linphonec process of its own,
// driven by what a person would type.
type Linphone struct {
	t    testing.TB
	o    LinphoneOptions
	dir  string
	p    *process
	keys io.WriteCloser
	seen int // bytes of the output that Expect passed over
}

// StartLinphone starts a phone that ends with the test and returns when it is
// registered.
func StartLinphone(t testing.TB, o LinphoneOptions) *Linphone {
	t.Helper()
	program := NeedProgram(t, "linphonec", "linphone-cli")
	l := &Linphone{t: t, o: o, dir: t.TempDir()}
	// Without these directories it starts, and never opens a port.
	for _, d := range []string{".local/share/linphone", ".config/linphone"} {
		if err := os.MkdirAll(filepath.Join(l.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(l.dir, "linphonerc")
	if err := os.WriteFile(config, []byte(l.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-c", config)
	cmd.Dir = l.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.dir}
	var err error
	if l.keys, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	l.p = startProcess(t, "linphone "+o.Number, cmd, linphoneMemory)
	t.Cleanup(func() { _ = l.keys.Close() })
	// It registers without a word and has to be asked.
	if !eventually(processPatience, func() bool {
		l.Type("status register")
		return strings.Contains(l.p.output.String(), "registered, identity")
	}) {
		t.Fatalf("%s did not register", l.p.name)
	}
	l.Type("soundcard use files")
	l.Type("play " + o.Source)
	l.Type("record " + l.Heard())
	return l
}

func (l *Linphone) config() string {
	return fmt.Sprintf(`[sip]
sip_port=%d
sip_tcp_port=0
sip_tls_port=0
guess_hostname=0
contact="%s" <sip:%[2]s@%[3]s>
ipv6_migration_done=1
use_ipv6=0
media_encryption=none
default_proxy=0
[proxy_0]
reg_proxy=<sip:%[4]s;transport=udp>
reg_identity=sip:%[2]s@%[4]s
reg_expires=600
reg_sendregister=1
[auth_info_0]
username=%[2]s
passwd=%[5]s
realm=klapka
[rtp]
audio_rtp_port=%[6]d
[sound]
echocancellation=0
`, l.o.At.Port(), l.o.Number, l.o.At.Addr(), l.o.Server, l.o.Secret, l.o.At.Port()+2)
}

// Type enters a command, such as "call sip:…", "answer", "pause", "resume",
// "terminate".
func (l *Linphone) Type(command string) {
	l.t.Helper()
	if _, err := io.WriteString(l.keys, command+"\n"); err != nil {
		l.t.Fatalf("%s: %v", l.p.name, err)
	}
}

// Dial calls a number at the phone's server.
func (l *Linphone) Dial(to string) {
	l.t.Helper()
	l.Type("call sip:" + to + "@" + l.o.Server.String())
}

// Expect waits until the phone says something, beyond what was expected before.
func (l *Linphone) Expect(text string, within time.Duration) {
	l.t.Helper()
	ok := eventually(within, func() bool {
		said := l.p.output.String()
		at := strings.Index(said[min(l.seen, len(said)):], text)
		if at >= 0 {
			l.seen += at + len(text)
		}
		return at >= 0
	})
	if !ok {
		l.t.Fatalf("%s: no %q within %v", l.p.name, text, within)
	}
}

// Heard is the WAV file of what the phone heard in its last call.
func (l *Linphone) Heard() string { return filepath.Join(l.dir, "heard.wav") }
