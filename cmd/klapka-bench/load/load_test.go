//go:build linux

package load

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddr("127.0.0.1")

func TestQuantiles(t *testing.T) {
	var s Samples
	if q := s.Quantiles(0.5, 0.99); q[0] != 0 || q[1] != 0 {
		t.Errorf("of nothing: %v", q)
	}
	for i := 100; i > 0; i-- {
		s.Add(time.Duration(i))
	}
	if q := s.Quantiles(0, 0.5, 0.99, 1); q[0] != 1 || q[1] != 51 || q[2] != 100 || q[3] != 100 {
		t.Errorf("of 1 to 100: %v", q)
	}
}

// A run in which the generator fell behind is not valid, one that lost something
// not clean, however well the rest went.
func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		r            Result
		valid, clean bool
	}{
		{Result{Wanted: 100, Begun: 100, Done: 100, Delay: new(Samples)}, true, true},
		{Result{Wanted: 100, Begun: 98, Done: 98, Delay: new(Samples)}, false, false},
		{Result{Wanted: 100, Begun: 100, Done: 99, Delay: new(Samples)}, true, false},
		{Result{Wanted: 100, Begun: 100, Done: 100, Delay: &Samples{list: []time.Duration{time.Second}}}, true, false},
	} {
		if tc.r.Valid() != tc.valid || tc.r.Clean() != tc.clean {
			t.Errorf("%+v: valid %v, clean %v", tc.r, tc.r.Valid(), tc.r.Clean())
		}
	}
	for _, tc := range []struct {
		h            Heard
		valid, clean bool
	}{
		{Heard{Wanted: 1000, Sent: 1000, Received: 1000}, true, true},
		{Heard{Wanted: 1000, Sent: 989, Received: 989}, false, false},
		{Heard{Wanted: 1000, Sent: 1000, Received: 998}, true, false},
		{Heard{Wanted: 1000, Sent: 1000, Received: 1000, Foreign: 1}, true, false},
		{Heard{Wanted: 1000, Sent: 1000, Received: 1000, P99: time.Second}, true, false},
	} {
		if tc.h.Valid() != tc.valid || tc.h.Clean() != tc.clean {
			t.Errorf("%+v: valid %v, clean %v", tc.h, tc.h.Valid(), tc.h.Clean())
		}
	}
}

// Credentials answer the nonce, and hash as the example of RFC 2617 §3.5 does.
func TestAuthorization(t *testing.T) {
	got := authorization(`Digest realm="klapka", nonce="abc", qop="auth"`, "10000", "REGISTER", "sip:127.0.0.1")
	want := hash(hash("10000", Realm, Secret), "abc", "00000001", "0a4f113b", "auth", hash("REGISTER", "sip:127.0.0.1"))
	if !strings.Contains(got, `nonce="abc"`) || !strings.Contains(got, `response="`+want+`"`) {
		t.Error(got)
	}
	if h := hash("Mufasa", "testrealm@host.com", "Circle Of Life"); h != "939e7578ed9e3c518a452acee763bce9" {
		t.Errorf("H(A1) of RFC 2617 §3.5 is %s", h)
	}
}

func TestNgDictionary(t *testing.T) {
	b := dictionary([]string{"command", "ping", "sdp", "v=0\r\n"})
	if string(b) != "d7:command4:ping3:sdp5:v=0\r\ne" {
		t.Errorf("%q", b)
	}
	if s := field(string(b), "sdp"); s != "v=0\r\n" {
		t.Errorf("%q", s)
	}
	for _, s := range []string{"", "d3:sdp", "d3:sdp99:xe", "d3:sdp-1:xe", "d3:sdpx:e"} {
		if got := field(s, "sdp"); got != "" {
			t.Errorf("%q: %q", s, got)
		}
	}
}

// Sound that somebody relays is counted, timed, and told from what was meant for
// others; what is swallowed is missed.
func TestTalk(t *testing.T) {
	p, err := NewParties(loopback, 45000, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// Straight to one another, but 3 is connected to itself: it hears itself only,
	// which it should not, and 2 hears nothing.
	for from, to := range []int{1, 0, 3, 3} {
		if err := p.Direct(from, p.At(to)); err != nil {
			t.Fatal(err)
		}
	}
	h := p.Talk(1, 50*time.Millisecond, func() { time.Sleep(400 * time.Millisecond) })
	each := h.Sent / 4
	if h.Sent == 0 || h.Received < 2*each-8 || h.Received > 2*each+8 || h.Foreign == 0 || h.Worst != 1 || h.P50 <= 0 || h.P99 < h.P50 {
		t.Errorf("%+v", *h)
	}
	if err := p.Direct(0, netip.AddrPort{}); err == nil {
		t.Error("a party was sent nowhere")
	}
}

// server answers like a registrar that asks for credentials; every fifth device
// gets no answer.
func server(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = c.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			m, ok := parse(b[:n])
			device, _ := deviceOf(m.get("Call-ID"))
			if !ok || device%5 == 4 {
				continue
			}
			answer := m.response(nil, "401 Unauthorized", "s")
			answer = line(answer, "WWW-Authenticate", `Digest realm="klapka", nonce="n", qop="auth"`)
			if bytes.Contains(b[:n], []byte("\r\nAuthorization: ")) {
				answer = m.response(nil, "200 OK", "s")
			}
			_, _ = c.WriteToUDPAddrPort(end(answer, ""), from)
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Registrations without an answer are failures, and the others are not.
func TestRegister(t *testing.T) {
	p, err := NewPhones(loopback, server(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r := p.Register(10, 10, 100)
	if r.Wanted != 10 || r.Begun != 10 || r.Done != 8 || r.Clean() || r.Delay.Quantiles(0.5)[0] <= 0 {
		t.Errorf("%+v", r)
	}
	if err := p.RegisterAll(4, 100); err != nil {
		t.Error(err)
	}
}
