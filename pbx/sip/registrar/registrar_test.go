package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

func expect(t *testing.T, m *pbxtest.Message, status int) {
	t.Helper()
	if m.Status() != status {
		t.Fatalf("want %d, got:\n%s", status, m)
	}
}

// A phone registers, refreshes, adds a contact, and is told of all of them with
// the time that is left.
func TestRegister(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		m := p.Register()
		if got := m.All("Contact"); len(got) != 1 || got[0] != "<sip:101@10.0.0.7:5060>;expires=3600" {
			t.Errorf("contacts %q", got)
		}
		if _, err := time.Parse(time.RFC1123, m.Get("Date")); err != nil || !strings.HasSuffix(m.Get("Date"), " GMT") {
			t.Errorf("date %q", m.Get("Date"))
		}
		b := r.reg.Bindings("dev-101")[0]
		if b.Edge != "udp" || b.Remote != p.Addr() || b.Username != "101" || b.Extension != "101" {
			t.Errorf("binding %+v", b)
		}
		time.Sleep(10 * time.Minute)
		m = register(p, set("Call-ID", "another"), add("Contact", `<sip:cell@10.0.0.8>;q=0.5;expires=90;+sip.instance="<urn:uuid:1>";reg-id=1`))
		expect(t, m, 200)
		want := []string{"<sip:101@10.0.0.7:5060>;expires=3000", `<sip:cell@10.0.0.8>;expires=90;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1`}
		if got := m.All("Contact"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("contacts\n%q, want\n%q", got, want)
		}
		expect(t, register(p, set("Contact", "*"), set("Expires", "0")), 200)
		if r.reg.Len() != 0 || !r.events.has("device.unregistered 101 removed") {
			t.Errorf("%d bindings left", r.reg.Len())
		}
		if !r.guard.Known(p.Addr()) {
			return
		}
		t.Error("still known to the guard")
	})
}

func TestRefusals(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		p.Register()
		long := "<sip:" + strings.Repeat("x", 600) + "@h>"
		for name, c := range map[string]struct {
			status int
			edits  []func(*pbxtest.Message)
		}{
			"too brief":            {423, []func(*pbxtest.Message){add("Contact", "<sip:a@h>;expires=59")}},
			"unknown extension":    {420, []func(*pbxtest.Message){add("Require", "gruu, path")}},
			"star with expires":    {400, []func(*pbxtest.Message){add("Contact", "*"), add("Expires", "60")}},
			"star and more":        {400, []func(*pbxtest.Message){add("Contact", "*, <sip:a@h>"), add("Expires", "0")}},
			"not a URI":            {400, []func(*pbxtest.Message){add("Contact", "<sip:a@h")}},
			"another scheme":       {400, []func(*pbxtest.Message){add("Contact", "<mailto:a@h>")}},
			"everybody":            {400, []func(*pbxtest.Message){add("Contact", "<sip:a@255.255.255.255>")}},
			"nobody":               {400, []func(*pbxtest.Message){add("Contact", "<sip:a@0.0.0.0:5060>")}},
			"many":                 {400, []func(*pbxtest.Message){add("Contact", "<sip:a@[ff02::1]>")}},
			"ourselves":            {400, []func(*pbxtest.Message){add("Contact", "<sip:a@10.0.0.1>")}},
			"long contact":         {400, []func(*pbxtest.Message){add("Contact", long)}},
			"contact with headers": {400, []func(*pbxtest.Message){add("Contact", "<sip:a@h?Route=x>")}},
			"long Call-ID":         {400, []func(*pbxtest.Message){set("Call-ID", strings.Repeat("x", 300)), add("Contact", "<sip:a@h>")}},
			"bad reg-id":           {400, []func(*pbxtest.Message){add("Contact", `<sip:a@h>;+sip.instance="x";reg-id=0`)}},
			"bad Path":             {400, []func(*pbxtest.Message){add("Contact", "<sip:a@h>"), add("Path", "<sip:p")}},
			"too many contacts":    {403, []func(*pbxtest.Message){add("Contact", "<sip:a@h>,<sip:b@h>,<sip:c@h>,<sip:d@h>")}},
			"another's address":    {403, []func(*pbxtest.Message){set("To", "<sip:102@10.0.0.1>"), add("Contact", "<sip:a@h>")}},
		} {
			m := register(p, c.edits...)
			if m.Status() != c.status {
				t.Errorf("%s: want %d, got:\n%s", name, c.status, m)
			}
			switch c.status {
			case 423:
				if m.Get("Min-Expires") != "60" {
					t.Errorf("Min-Expires %q", m.Get("Min-Expires"))
				}
			case 420:
				if m.Get("Unsupported") != "gruu" {
					t.Errorf("Unsupported %q", m.Get("Unsupported"))
				}
			}
		}
		if r.reg.Len() != 1 {
			t.Errorf("%d bindings: something got through", r.reg.Len())
		}
		expect(t, register(p, set("CSeq", "5000 REGISTER"), add("Contact", "<sip:a@h>")), 200)
		expect(t, register(p, set("CSeq", "4000 REGISTER"), add("Contact", "<sip:a@h>")), 500)
	})
}

// The To address decides what is registered: encoded or not, on whatever host,
// but one's own.
func TestOwnAddressOnly(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		expect(t, register(p, set("To", "<sip:%3101@pbx.example>"), add("Contact", "<sip:a@h>")), 200)
		p.Username, p.Secret = "102", "s-102"
		expect(t, register(p, add("Contact", "<sip:a@h>")), 403)
	})
}

func TestDisabled(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		r.people.devices["101"] = func(d pbx.Device) pbx.Device { d.Disabled = true; return d }(r.people.devices["101"])
		r.people.closed["102"] = true
		expect(t, register(r.phone("10.0.0.7:1", "101", "s-101"), add("Contact", "<sip:a@h>")), 403)
		expect(t, register(r.phone("10.0.0.7:2", "102", "s-102"), add("Contact", "<sip:a@h>")), 403)
		expect(t, register(r.phone("10.0.0.7:3", "101", "wrong"), add("Contact", "<sip:a@h>")), 401)
	})
}

// Row 12 of the advisories: somebody unknown and a wrong secret cannot be told
// apart, by status, headers or lookups after the first.
func TestNobodyIsListed(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		shape := func(m *pbxtest.Message) string {
			s := m.Start
			for _, h := range m.Headers {
				s += " " + h.Name
			}
			return s
		}
		known := register(r.phone("10.0.0.7:1", "101", "wrong"), add("Contact", "<sip:a@h>"))
		unknown := register(r.phone("10.0.0.7:2", "999", "wrong"), add("Contact", "<sip:a@h>"))
		if known.Status() != 401 || shape(known) != shape(unknown) {
			t.Errorf("known:\n%s\nunknown:\n%s", known, unknown)
		}
		if strings.Contains(known.Get("WWW-Authenticate"), "stale=true") {
			t.Error("a wrong secret is called stale")
		}
	})
}

// Row 9: whatever stands in Authorization is answered, never with 2xx, and the
// edge lives on.
func TestOddAuthorization(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:1", "101", "")
		for _, v := range []string{
			"", "Digest", "Digest ", "Basic QWxhZGRpbg==", "Digest username", `Digest username="101", realm="klapka"`,
			`Digest username="101", realm="klapka", nonce="x", uri="sip:10.0.0.1", response="y"`,
			`Digest username="101", realm="klapka", nonce="x", uri="sip:10.0.0.1", response="y", qop=auth, nc=1, cnonce="z"`,
			`Digest username="101", realm="another", nonce="x", uri="sip:10.0.0.1", response="y"`,
			`Digest username="101", realm="klapka", nonce="x", uri="sip:elsewhere", response="y"`,
			`Digest username="` + strings.Repeat("x", 5000) + `"`, `Digest username="101`, ";;;", strings.Repeat("a=b,", 500),
		} {
			m := register(p, add("Authorization", v), add("Contact", "<sip:a@h>"))
			if m.Status() != 400 && m.Status() != 401 {
				t.Errorf("%.60q: %s", v, m.Start)
			}
		}
		if n := r.edges[0].Counts().Panics.Load(); n != 0 || r.reg.Len() != 0 {
			t.Errorf("%d panics, %d bindings", n, r.reg.Len())
		}
		p.Secret = "s-101"
		p.Register()
	})
}

// Row 13: after ten wrong secrets the address is deaf ears' business, but the
// phone that is registered behind it.
func TestBruteForce(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		good := r.phone("10.0.0.66:5060", "101", "s-101")
		good.Register()
		for i := range 10 {
			expect(t, register(r.phone(fmt.Sprint("10.0.0.66:", 1000+i), "102", fmt.Sprint("guess", i))), 401)
		}
		if !r.events.has("auth.failed 102") || !r.events.has("source.banned 10.0.0.66") {
			t.Errorf("events %q", r.events.lines)
		}
		bad := r.phone("10.0.0.66:2000", "102", "s-102")
		var answered atomic.Bool
		r.net.Capture(func(p pbxtest.Packet) {
			if p.To == bad.Addr() {
				answered.Store(true)
			}
		})
		bad.SendRaw([]byte("OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n"))
		synctest.Wait()
		if answered.Load() {
			t.Error("a banned source was answered")
		}
		r.net.Capture(nil)
		good.Register()
		r.phone("10.0.0.9:5060", "102", "s-102").Register() // the account is not locked
		time.Sleep(time.Minute)
		expect(t, register(bad), 200)
	})
}

// Row 13: guessing one account from many addresses is slowed down, also when a
// guess would be right; its owner at the known address is not concerned.
func TestDistributedGuessing(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		owner := r.phone("10.0.0.7:5060", "101", "s-101")
		owner.Register()
		for i := range 20 {
			expect(t, register(r.phone(fmt.Sprintf("10.0.1.%d:5060", i), "101", "guess")), 401)
		}
		expect(t, register(r.phone("10.0.2.1:5060", "101", "s-101")), 200) // one look is taken …
		expect(t, register(r.phone("10.0.2.2:5060", "101", "s-101")), 401) // … and then none for 3 s
		owner.Register()
		time.Sleep(3 * time.Second)
		expect(t, register(r.phone("10.0.2.3:5060", "101", "s-101")), 200)
	})
}

// A device that is gone is refused from then on.
func TestDeletedDeviceIsRefused(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		p.Register()
		r.people.change(func() { delete(r.people.devices, "101") })
		expect(t, register(p), 401)
	})
}

// P21: the answer to a repeated REGISTER is repeated, not decided again; after
// eight seconds the stack has forgotten it. Loss on the way costs no
// registration.
func TestP21AnswersAreRepeatedForAWhile(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		var sent atomic.Value
		p.Edit = func(m *pbxtest.Message) bool { sent.Store(m.Bytes()); return true }
		p.Register()
		last := sent.Load().([]byte)
		var good, asked atomic.Int32
		r.net.Capture(func(k pbxtest.Packet) {
			switch {
			case k.To != p.Addr():
			case strings.HasPrefix(string(k.Data), "SIP/2.0 200"):
				good.Add(1)
			case strings.HasPrefix(string(k.Data), "SIP/2.0 401"):
				asked.Add(1)
			}
		})
		p.SendRaw(last)
		synctest.Wait()
		if good.Load() != 1 || asked.Load() != 0 {
			t.Errorf("repeated at once: %d answers, %d challenges", good.Load(), asked.Load())
		}
		time.Sleep(9 * time.Second)
		p.SendRaw(last)
		synctest.Wait()
		if asked.Load() != 1 { // which the phone answers
			t.Errorf("after nine seconds: %d challenges", asked.Load())
		}
		r.net.Capture(nil)
		r.net.SetLink(pbxtest.Link{Loss: 0.3, Duplicate: 0.2, Reorder: 0.2})
		for range 20 {
			p.Register()
			time.Sleep(time.Minute)
		}
	})
}

// P24: a registration over TCP ends with its connection.
func TestP24StreamRegistration(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		from := netip.MustParseAddrPort("10.0.0.7:41000")
		conn, err := r.net.Dial(r.t.Context(), from, server)
		if err != nil {
			t.Fatal(err)
		}
		p := pbxtest.NewStreamPhone(t, conn, server, "101", "s-101")
		p.Register()
		b := r.reg.Bindings("dev-101")
		if len(b) != 1 || b[0].Edge != "tcp" || b[0].ConnID == 0 || b[0].Remote != from {
			t.Fatalf("bindings %+v", b)
		}
		p.Close()
		synctest.Wait()
		if r.reg.Len() != 0 || !r.events.has("device.unregistered 101 connection_lost") {
			t.Errorf("events %q", r.events.lines)
		}
	})
}

// A phone behind a proxy is registered with its Path (RFC 3327), and told so.
func TestPath(t *testing.T) {
	in(t, Keepalive{Off: true}, func(r *rig) {
		p := r.phone("10.0.0.7:5060", "101", "s-101")
		m := register(p, add("Contact", "<sip:a@h>"), add("Supported", "path"), add("Path", "<sip:p1;lr>, <sip:p2;lr>"))
		expect(t, m, 200)
		if got := r.reg.Bindings("dev-101")[0].Path; fmt.Sprint(got) != "[<sip:p1;lr> <sip:p2;lr>]" || len(m.All("Path")) != 2 {
			t.Errorf("path %q", got)
		}
	})
}
