package registrar

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// The ports under other names, so that they can be embedded beside their methods.
type (
	devicesPort    = pbx.Devices
	extensionsPort = pbx.Extensions
	usersPort      = pbx.Users
)

// store is the database: 101 and 102 with a device each, secret "s-<number>".
type store struct {
	devicesPort
	extensionsPort
	usersPort

	mu         sync.Mutex
	err        error         // what every lookup fails with
	hang       time.Duration // how long every lookup takes
	lookups    int
	devices    map[string]pbx.Device
	extensions map[string]pbx.Extension
}

func newStore() *store {
	s := &store{devices: map[string]pbx.Device{}, extensions: map[string]pbx.Extension{}}
	for _, n := range []string{"101", "102", "103"} {
		sum := md5.Sum([]byte(n + ":klapka:s-" + n))
		s.devices[n] = pbx.Device{ID: "dev-" + n, Username: n, Extension: n, HA1: pbx.DigestHA1{MD5: hex.EncodeToString(sum[:])}}
		s.extensions[n] = pbx.Extension{Number: n, Name: "Person " + n, Language: "cs"}
	}
	return s
}

func (s *store) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *store) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookups
}

// wait takes as long as the database does.
func (s *store) wait(ctx context.Context) error {
	s.mu.Lock()
	s.lookups++
	err, hang := s.err, s.hang
	s.mu.Unlock()
	select {
	case <-time.After(hang):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *store) DeviceByUsername(ctx context.Context, name string) (pbx.Device, error) {
	return lookup(ctx, s, s.devices, name)
}

func (s *store) Extension(ctx context.Context, number string) (pbx.Extension, error) {
	return lookup(ctx, s, s.extensions, number)
}

func lookup[T any](ctx context.Context, s *store, m map[string]T, key string) (T, error) {
	var zero T
	if err := s.wait(ctx); err != nil {
		return zero, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := m[key]
	if !ok {
		return zero, pbx.Errorf(pbx.NotFound, "no %s", key)
	}
	return v, nil
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
	store  *store
	events *events
	reg    *registry.Registry
	guard  *transport.Guard
	dir    *account.Directory
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
	r := &rig{t: t, net: pbxtest.NewNet(7), store: newStore(), events: &events{}}
	bans := transport.NewBans(transport.BanOptions{Publisher: r.events})
	r.guard = transport.NewGuard(transport.Limits{}, bans)
	r.reg = registry.New(registry.Options{Publisher: r.events, SameContact: header.SameContact, MaxContacts: 3})
	r.dir = account.NewDirectory(account.DirectoryOptions{Devices: r.store, Extensions: r.store, Users: r.store})
	auth := account.New(account.Options{
		Digest: digest.New(digest.Options{Realm: "klapka"}), Directory: r.dir, Guard: r.guard, Near: Near(r.reg),
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
