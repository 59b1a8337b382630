package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/configs"
	"klapka.dev/klapka/pbx/exchange"
	"klapka.dev/klapka/pbx/pbxtest"
)

// patient listens in a network in memory, so that what other programs do with
// this machine's ports changes nothing.
func patient(t *testing.T) (Patient, *pbxtest.Net) {
	t.Helper()
	n := pbxtest.NewNet(1)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	c := configs.Default()
	c.DataDir = filepath.Join(t.TempDir(), "data")
	local := netip.MustParseAddr("10.0.0.1")
	at := func(port uint16) []netip.AddrPort { return []netip.AddrPort{netip.AddrPortFrom(local, port)} }
	c.HTTP, c.HTTPS, c.SIPUDP, c.SIPTCP, c.SIPTLS, c.WebRTCUDP = at(80), at(443), at(5060), at(5060), at(5061), nil
	c.RTPListen, c.RTPPorts, c.Limits.Calls = local, configs.PortRange{First: 20000, Last: 20999}, 100
	return Patient{Config: c, Network: n}, n
}

// found returns the finding of one check.
func found(t *testing.T, p Patient, check string) Finding {
	t.Helper()
	for _, f := range Examine(t.Context(), p) {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("nothing was said of %s", check)
	return Finding{}
}

func TestHealthy(t *testing.T) {
	p, _ := patient(t)
	for _, f := range Examine(t.Context(), p) {
		if f.Level == Broken {
			t.Errorf("%s: %s", f.Check, f.Text)
		}
		if (f.Level == Fine) != (f.Mend == "") {
			t.Errorf("%s: level %s with the advice %q", f.Check, f.Level, f.Mend)
		}
	}
}

func TestTakenPorts(t *testing.T) {
	p, n := patient(t)
	sip, err := n.ListenPacket(p.Config.SIPUDP[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sip.Close() }()
	if f := found(t, p, "SIP over UDP"); f.Level != Broken {
		t.Errorf("a taken port: %+v", f)
	}
	var held []interface{ Close() error }
	for port := p.Config.RTPPorts.First; port < p.Config.RTPPorts.First+500; port++ {
		c, err := n.ListenPacket(netip.AddrPortFrom(p.Config.RTPListen, port))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	if f := found(t, p, "RTP ports"); f.Level != Warning || !strings.Contains(f.Text, "are taken") {
		t.Errorf("half the range: %+v", f)
	}
	p.Config.RTPPorts.Last = p.Config.RTPPorts.First + 499
	if f := found(t, p, "RTP ports"); f.Level != Broken {
		t.Errorf("the whole range: %+v", f)
	}
}

func TestTooFewPortsForTheCalls(t *testing.T) {
	p, _ := patient(t)
	p.Config.Limits.Calls = 251 // 500 pairs are 250 calls
	if f := found(t, p, "RTP ports"); f.Level != Warning || !strings.Contains(f.Mend, "limits.calls") {
		t.Errorf("%+v", f)
	}
}

// The ports of a running exchange are taken, and rightly.
func TestRunningExchangeIsNotAFault(t *testing.T) {
	p, _ := patient(t)
	p.Network, p.Running = exchange.Machine(), true
	l, err := p.Network.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p.Config.HTTP = []netip.AddrPort{netip.MustParseAddrPort(l.Addr().String())}
	if f := found(t, p, "HTTP"); f.Level != Fine || !strings.Contains(f.Text, "the exchange is running") {
		t.Errorf("%+v", f)
	}
	p.Running = false
	if f := found(t, p, "HTTP"); f.Level != Broken || !strings.Contains(f.Mend, "http.listen") {
		t.Errorf("%+v", f)
	}
}

func TestDataDirectory(t *testing.T) {
	p, _ := patient(t)
	if err := os.MkdirAll(p.Config.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if f := found(t, p, "data directory"); f.Level != Warning || !strings.Contains(f.Mend, "chmod 700") {
		t.Errorf("open to others: %+v", f)
	}
	if err := os.Chmod(p.Config.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if f := found(t, p, "data directory"); f.Level != Fine {
		t.Errorf("%+v", f)
	}
	file := filepath.Join(p.Config.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.Config.DataDir = filepath.Join(file, "below")
	if f := found(t, p, "data directory"); f.Level != Broken {
		t.Errorf("below a file: %+v", f)
	}
}

func TestCertificate(t *testing.T) {
	for _, tc := range []struct {
		name  string
		from  time.Duration
		until time.Duration
		hosts []string
		want  Level
	}{
		{"good", -time.Hour, 90 * 24 * time.Hour, []string{"pbx.example.com"}, Fine},
		{"of another name", -time.Hour, 90 * 24 * time.Hour, []string{"other.example.com"}, Warning},
		{"ends soon", -time.Hour, 24 * time.Hour, nil, Warning},
		{"ended", -2 * time.Hour, -time.Hour, nil, Broken},
		{"not yet", time.Hour, 90 * 24 * time.Hour, nil, Broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, _ := patient(t)
			p.Config.TLSCertificate, p.Config.TLSKey = pair(t, tc.from, tc.until)
			p.Config.WebHosts = tc.hosts
			if f := found(t, p, "certificate"); f.Level != tc.want {
				t.Errorf("%+v", f)
			}
		})
	}
	p, _ := patient(t)
	p.Config.TLSCertificate, p.Config.TLSKey = os.DevNull, os.DevNull
	if f := found(t, p, "certificate"); f.Level != Broken {
		t.Errorf("no certificate in it: %+v", f)
	}
}

// pair writes a certificate for pbx.example.com.
func pair(t *testing.T, from, until time.Duration) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"pbx.example.com"},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
