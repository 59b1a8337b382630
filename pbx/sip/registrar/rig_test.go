package registrar

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
	"klapka.dev/klapka/pbx/registry"
	"klapka.dev/klapka/pbx/sip/account"
	"klapka.dev/klapka/pbx/sip/digest"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var server = netip.MustParseAddrPort("10.0.0.1:5060")

// people is who has which device: 101, 102 and 103 with one each, secret
// "s-<number>".
type people struct {
	mu      sync.Mutex
	devices map[string]pbx.Device
	closed  map[string]bool // extensions that are switched off
}

func newPeople() *people {
	p := &people{devices: map[string]pbx.Device{}, closed: map[string]bool{}}
	for _, n := range []string{"101", "102", "103"} {
		sum := md5.Sum([]byte(n + ":klapka:s-" + n))
		p.devices[n] = pbx.Device{ID: "dev-" + n, Username: n, Extension: n, HA1: pbx.DigestHA1{MD5: hex.EncodeToString(sum[:])}}
	}
	return p
}

func (p *people) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *people) DeviceByUsername(name string) (pbx.Device, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.devices[name]
	return d, ok
}

func (p *people) Usable(d pbx.Device) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !d.Disabled && !p.closed[d.Extension]
}

func (p *people) Party(number, device string) pbx.PartyInfo {
	return pbx.PartyInfo{Number: number, Extension: number, Device: device, Name: "Person " + number, Language: pbx.Czech}
}

// events notes what is published.
type events struct {
	mu    sync.Mutex
	lines []string
}

func (e *events) Publish(ev pbx.Event) pbx.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	line := ev.Body.Kind()
	switch b := ev.Body.(type) {
	case pbx.DeviceRegistered:
		line += " " + b.Binding.Username
	case pbx.DeviceUnregistered:
		line += " " + b.Binding.Username + " " + b.Reason
	case pbx.DeviceReachable:
		line += fmt.Sprint(" ", b.Extension, " ", b.Reachable)
	case pbx.AuthFailed:
		line += " " + b.Username
	case pbx.SourceBanned:
		line += " " + b.Address
	}
	e.lines = append(e.lines, line)
	return ev
}

func (e *events) has(line string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.lines {
		if l == line {
			return true
		}
	}
	return false
}

// rig is a registrar with a UDP and a TCP edge on a network in memory.
type rig struct {
	t      *testing.T
	net    *pbxtest.Net
	people *people
	events *events
	reg    *registry.Registry
	guard  *transport.Guard
	edges  transport.Edges
	stop   []func()
}

// in runs a test in virtual time on a rig.
func in(t *testing.T, k Keepalive, test func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, k)
		defer r.close()
		test(r)
	})
}

func newRig(t *testing.T, k Keepalive) *rig {
	r := &rig{t: t, net: pbxtest.NewNet(7), people: newPeople(), events: &events{}}
	bans := transport.NewBans(transport.BanOptions{Publisher: r.events})
	r.guard = transport.NewGuard(transport.Limits{}, bans)
	r.reg = registry.New(registry.Options{Publisher: r.events, SameContact: header.SameContact, MaxContacts: 3})
	auth := account.New(account.Options{
		Digest: digest.New(digest.Options{Realm: "klapka"}), People: r.people, Guard: r.guard, Near: Near(r.reg),
	})
	rr := New(Options{Registry: r.reg, Accounts: auth, Guard: r.guard, Keepalive: k})
	packets, err := r.net.ListenPacket(server)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := r.net.Listen(server)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []transport.Options{
		{Name: "udp", Net: transport.UDP, PacketConn: packets, Guard: r.guard},
		{Name: "tcp", Net: transport.TCP, Listener: streams, Guard: r.guard},
	} {
		e, err := transport.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		rr.Attach(e)
		e.Start()
		r.edges = append(r.edges, e)
		r.stop = append(r.stop, func() { _ = e.Close() })
	}
	rr.Start()
	r.stop = append(r.stop, rr.Close, r.reg.Close, bans.Close, func() { _ = r.net.Close() })
	return r
}

func (r *rig) close() {
	for _, f := range r.stop {
		f()
	}
}

// phone is a UDP phone at 10.0.0.<last>:port; close it within the bubble.
func (r *rig) phone(at, number, secret string) *pbxtest.Phone {
	r.t.Helper()
	c, err := r.net.ListenPacket(netip.MustParseAddrPort(at))
	if err != nil {
		r.t.Fatal(err)
	}
	p := pbxtest.NewPhone(r.t, c, server, number, secret)
	r.stop = append([]func(){p.Close}, r.stop...)
	return p
}

// register sends a REGISTER with the edits and returns the final answer.
func register(p *pbxtest.Phone, edits ...func(*pbxtest.Message)) *pbxtest.Message {
	seq++
	return p.Request("REGISTER", "sip:"+p.Domain, append([]func(*pbxtest.Message){func(m *pbxtest.Message) {
		m.Set("CSeq", fmt.Sprintf("%d REGISTER", 10*seq))
		m.Set("Call-ID", "reg-"+p.Addr().String())
	}}, edits...)...)
}

var seq int

func set(name, value string) func(*pbxtest.Message) {
	return func(m *pbxtest.Message) { m.Set(name, value) }
}

func add(name, value string) func(*pbxtest.Message) {
	return func(m *pbxtest.Message) { m.Add(name, value) }
}
