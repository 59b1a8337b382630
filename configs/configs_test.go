package configs

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "klapka.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func mustLoad(t *testing.T, s Sources) *Config {
	t.Helper()
	c, err := Load(s)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

func faultsOf(t *testing.T, s Sources) Faults {
	t.Helper()
	_, err := Load(s)
	var f Faults
	if !errors.As(err, &f) {
		t.Fatalf("Load returned %v, want faults", err)
	}
	return f
}

func TestWithoutAnythingTheDocumentedDefaultsHold(t *testing.T) {
	c := mustLoad(t, Sources{})
	all := netip.IPv6Unspecified()
	v4 := netip.IPv4Unspecified()
	for _, want := range []struct {
		name string
		got  []netip.AddrPort
		host netip.Addr
		port uint16
	}{
		{"HTTP", c.HTTP, all, 8080}, {"HTTPS", c.HTTPS, all, 8443},
		{"SIP/UDP", c.SIPUDP, v4, 5060}, {"SIP/TCP", c.SIPTCP, v4, 5060}, {"SIP/TLS", c.SIPTLS, v4, 5061},
	} {
		if len(want.got) != 1 || want.got[0] != netip.AddrPortFrom(want.host, want.port) {
			t.Errorf("%s listens on %v, want %s:%d", want.name, want.got, want.host, want.port)
		}
	}
	if c.RTPPorts != (PortRange{20000, 29999}) || c.DataDir != "./data" || c.DatabaseURL != "" {
		t.Errorf("RTP %v, data %q, database %q", c.RTPPorts, c.DataDir, c.DatabaseURL)
	}
	if d := Default(); !reflect.DeepEqual(c, d) {
		t.Errorf("Load() = %+v\nDefault() = %+v", c, d)
	}
}

// The example is the table written out, and reading it changes nothing.
func TestExampleEqualsDefaults(t *testing.T) {
	data, err := os.ReadFile("klapka.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != Example() {
		t.Error("klapka.example.yaml is stale: run make gen")
	}
	c := mustLoad(t, Sources{File: "klapka.example.yaml"})
	for _, k := range Keys() {
		if c.Origin(k.Path).Kind != FromFile {
			t.Errorf("%s does not stand in the example", k.Path)
		}
	}
	c.origins = Default().origins
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("the example gives %+v\nwant %+v", c, Default())
	}
}

// The manual's table is written from the same one.
func TestManualListsEverySetting(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), Table()) {
		t.Error("docs/operating.md is stale: run make gen")
	}
}

func TestEverySettingHasOneName(t *testing.T) {
	seen := map[string]string{}
	for _, k := range Keys() {
		for _, name := range []string{k.Path, k.Env(), k.Flag()} {
			if other, dup := seen[name]; dup {
				t.Errorf("%s and %s share the name %s", other, k.Path, name)
			}
			seen[name] = k.Path
		}
		if !strings.HasSuffix(strings.TrimSpace(k.Doc), ".") {
			t.Errorf("%s: its description is not a sentence", k.Path)
		}
		if strings.Count(k.Path, ".") != 1 {
			t.Errorf("%s is not section.name", k.Path)
		}
	}
	for _, want := range []string{"KLAPKA_HTTP_LISTEN", "KLAPKA_HTTPS_LISTEN", "KLAPKA_SIP_UDP", "KLAPKA_SIP_TCP",
		"KLAPKA_SIP_TLS", "KLAPKA_WEBRTC_UDP", "KLAPKA_RTP_PORTS", "KLAPKA_DATA_DIR", "KLAPKA_DATABASE_URL", "KLAPKA_LOG_LEVEL"} {
		if _, ok := seen[want]; !ok {
			t.Errorf("%s is promised and missing", want)
		}
	}
}

func TestFlagBeatsVariableBeatsFileBeatsDefault(t *testing.T) {
	file := write(t, "log:\n  level: warn\n  format: json\nsip:\n  udp: 127.0.0.1:5070\ncalls:\n  ring_time: 20s\n")
	c := mustLoad(t, Sources{
		File:    file,
		Environ: []string{"KLAPKA_LOG_LEVEL=error", "KLAPKA_SIP_UDP=127.0.0.1:5080", "HOME=/root"},
		Flags:   map[string]string{"sip-udp": "127.0.0.1:5090"},
	})
	if c.SIPUDP[0].Port() != 5090 || c.Log.Level != "error" || c.Log.Format != "json" || c.RingTime != 20*time.Second {
		t.Errorf("got %+v", c)
	}
	if o := c.Origin("calls.ring_time"); o.Line != 7 || o.Name != file {
		t.Errorf("ring_time came from %+v", o)
	}
	if o := c.Origin("sip.udp"); o.Kind != FromFlag || o.Name != "--sip-udp" {
		t.Errorf("sip.udp came from %+v", o)
	}
}

// A variable that is set but empty turns a listener off; so do "" and [] in the
// file. Port 0 is allowed, several addresses too.
func TestListeners(t *testing.T) {
	c := mustLoad(t, Sources{
		File:    write(t, "sip:\n  tcp: \"\"\n  tls: []\n  udp: [\"127.0.0.1:0\", \"[::1]:5060\"]\n"),
		Environ: []string{"KLAPKA_WEBRTC_UDP=", "KLAPKA_HTTP_LISTEN=127.0.0.1:0, localhost:8081"},
	})
	if len(c.SIPTCP)+len(c.SIPTLS)+len(c.WebRTCUDP) != 0 {
		t.Errorf("not off: %v %v %v", c.SIPTCP, c.SIPTLS, c.WebRTCUDP)
	}
	if len(c.SIPUDP) != 2 || c.SIPUDP[0].Port() != 0 || !c.SIPUDP[1].Addr().Is6() {
		t.Errorf("SIP/UDP = %v", c.SIPUDP)
	}
	if len(c.HTTP) != 2 || c.HTTP[1] != netip.MustParseAddrPort("127.0.0.1:8081") {
		t.Errorf("HTTP = %v", c.HTTP)
	}
}

func TestAllFaultsAreReportedAtOnceWithTheirPlace(t *testing.T) {
	file := write(t, `sip:
  upd: 0.0.0.0:5060
  tcp: 5060
  tls: pbx.example.com:5061
rpt:
  ports: 1-2
rtp:
  ports: 40000-30000
limits:
  calls: many
  ban: 1
  trusted: [10.0.0.0/8, hello]
log:
  level: wran
prompts:
  dir: /does/not/exist
data:
  dir: ""
`)
	f := faultsOf(t, Sources{
		File:    file,
		Environ: []string{"KLAPKA_DATABASE_URL=mysql://user:hunter2@host/db", "KLAPKA_SIP_UPD=:1", "KLAPKA_SERVICE_HOST=10.0.0.1"},
		Flags:   map[string]string{"log-format": "xml"},
	})
	want := []string{
		file + `:2: sip.upd: there is no such setting; did you mean "udp"?`,
		file + `:3: sip.tcp: "5060" is not host:port (write ":5060" for every address of the machine)`,
		file + `:4: sip.tls: "pbx.example.com" is not an IP address; names are not looked up here`,
		file + `:5: rpt: there is no such section; did you mean "rtp"?`,
		file + `:8: rtp.ports: 40000-30000 is too small: a call of two parties takes four ports`,
		file + `:10: limits.calls: "many" is not a number from 0 to 1048576`,
		file + `:11: limits.ban: "1" is not a duration such as 90s, 5m or 1h`,
		file + `:12: limits.trusted: "hello" is not a network such as 192.168.0.0/16`,
		file + `:14: log.level: "wran" is not one of debug, info, warn, error; did you mean "warn"?`,
		file + `:16: prompts.dir: cannot be read: open /does/not/exist: no such file or directory`,
		file + `:18: data.dir: must not be empty`,
		`KLAPKA_DATABASE_URL: is not a URL that begins with postgres://`,
		`KLAPKA_SIP_UPD: there is no such setting; did you mean KLAPKA_SIP_UDP?`,
		`--log-format: "xml" is not one of text, json`,
	}
	if got := strings.Split(f.Error(), "\n"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRelationsBetweenSettings(t *testing.T) {
	for _, tc := range []struct{ name, env, want string }{
		{"one TCP port twice", "KLAPKA_SIP_TLS=:8080", "KLAPKA_SIP_TLS: port 8080 is taken by http.listen too"},
		{"the one that was set is named", "KLAPKA_HTTP_LISTEN=127.0.0.1:8443", "KLAPKA_HTTP_LISTEN: port 8443 is taken by https.listen too"},
		{"SIP within the RTP range", "KLAPKA_SIP_UDP=127.0.0.1:20010", "KLAPKA_SIP_UDP: port 20010 is in sip.udp and in rtp.ports (see rtp.ports)"},
		{"twice in one list", "KLAPKA_SIP_UDP=:5060,127.0.0.1:5060", "KLAPKA_SIP_UDP: [::]:5060 and 127.0.0.1:5060 are the same port"},
		{"certificate without key", "KLAPKA_TLS_KEY=/dev/null", "KLAPKA_TLS_KEY: tls.certificate and tls.key belong together; one is missing"},
		{"expiry turned round", "KLAPKA_REGISTRATIONS_MIN_EXPIRES=2h", "KLAPKA_REGISTRATIONS_MIN_EXPIRES: 2h0m0s is longer than registrations.max_expires, 1h0m0s"},
		{"bans turned round", "KLAPKA_LIMITS_BAN=2h", "KLAPKA_LIMITS_BAN: 2h0m0s is longer than limits.ban_max, 1h0m0s"},
		{"two addresses of a family", "KLAPKA_SIP_ADVERTISE=192.0.2.1,192.0.2.2", "KLAPKA_SIP_ADVERTISE: 192.0.2.1 and 192.0.2.2 are of the same family"},
		{"advertising nothing", "KLAPKA_RTP_ADVERTISE=0.0.0.0", "KLAPKA_RTP_ADVERTISE: 0.0.0.0 is not an address that others can reach"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := faultsOf(t, Sources{Environ: []string{tc.env}}).Error(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	// Different addresses, or different protocols, may share a port.
	mustLoad(t, Sources{Environ: []string{"KLAPKA_HTTP_LISTEN=127.0.0.1:9000", "KLAPKA_SIP_TCP=127.0.0.2:9000", "KLAPKA_SIP_UDP=127.0.0.1:9000"}})
	mustLoad(t, Sources{Environ: []string{"KLAPKA_HTTP_LISTEN=127.0.0.1:0", "KLAPKA_HTTPS_LISTEN=127.0.0.1:0"}})
}

func TestFilesThatAreNotOurs(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"no YAML", "sip:\n  udp: [\n", ":2: this is not YAML: did not find expected node content"},
		{"a tab", "sip:\n\tudp: 1\n", ":2: this is not YAML: found character that cannot start any token"},
		{"a list", "- sip\n", ":1: the file must be made of sections such as \"sip:\""},
		{"a section with a value", "sip: 5060\n", ":1: sip: is a section: its settings follow indented, one to a line"},
		{"a setting twice", "log:\n  level: info\n  level: warn\n", ":3: log.level: stands twice, first in line 2"},
		{"a section twice", "log:\n  level: info\nlog:\n  format: text\n", ":3: log: the section stands twice, first in line 1"},
		{"no value", "log:\n  level:\n", ":2: log.level: has no value; write \"\" to leave it empty, or put # before the line"},
		{"a list for one", "log:\n  level: [info]\n", ":2: log.level: is a single value, not a list"},
		{"two documents", "log:\n  level: info\n---\nlog:\n  level: warn\n", ":3: a second document begins here; only the first is read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := write(t, tc.text)
			if got := faultsOf(t, Sources{File: file}).Error(); got != file+tc.want {
				t.Errorf("got  %s\nwant %s", got, file+tc.want)
			}
		})
	}
	for _, empty := range []string{"", "# nothing\n", "sip:\n"} {
		mustLoad(t, Sources{File: write(t, empty)})
	}
	if _, err := Load(Sources{File: "/does/not/exist.yaml"}); err == nil || !strings.Contains(err.Error(), "/does/not/exist.yaml") {
		t.Errorf("a missing file gave %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(Example())
	f.Add("sip: &a\n  udp: *a\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{config: &Config{origins: map[string]Origin{}}}
		l.keys = l.config.keys()
		l.file("klapka.yaml", []byte(text))
	})
}

// Hosts of other machines: with and without a port, of either family.
func TestServer(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "stun.example.com": true, "stun.example.com:3478": true, "192.0.2.1": true, "[2001:db8::1]:3478": true, "2001:db8::1": true,
		"stun:stun.example.com": false, "stun.example.com:0": false, "stun.example.com:99999": false, "a b": false, "http://x": false,
	} {
		var got string
		if err := (server{&got}).Set(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Addresses of single listeners: read with and without a port, and refused when
// there is no such listener or nobody could reach them.
func TestAdvertiseFor(t *testing.T) {
	c := mustLoad(t, Sources{Environ: []string{
		"KLAPKA_SIP_UDP=192.168.1.5:5060,10.8.0.1:5060,[::1]:5070",
		"KLAPKA_SIP_ADVERTISE_FOR=10.8.0.1:5060=203.0.113.7:5070, 192.168.1.5:5060=198.51.100.1, [::1]:5070=2001:db8::1",
	}})
	for at, want := range map[string]string{
		"10.8.0.1:5060": "203.0.113.7:5070", "192.168.1.5:5060": "198.51.100.1:0", "[::1]:5070": "[2001:db8::1]:0",
	} {
		if got := c.SIPAdvertiseFor[netip.MustParseAddrPort(at)].String(); got != want {
			t.Errorf("%s is told as %s", at, got)
		}
	}
	for _, text := range []string{
		"10.8.0.1:5060", "10.8.0.1=203.0.113.7", "10.8.0.1:5060=phone.example", "10.8.0.1:5060=0.0.0.0", "10.8.0.1:5060=203.0.113.7:0",
		"10.8.0.1:5060=203.0.113.7,10.8.0.1:5060=203.0.113.8", "10.8.0.9:5060=203.0.113.7",
	} {
		if _, err := Load(Sources{Environ: []string{"KLAPKA_SIP_UDP=10.8.0.1:5060", "KLAPKA_SIP_ADVERTISE_FOR=" + text}}); err == nil {
			t.Errorf("%q was let through", text)
		}
	}
}
