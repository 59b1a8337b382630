package turn

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// forbidden are the forms in which others' relays were led astray
// (CVE-2020-26262, CVE-2026-27624 and those after), and whom they led to.
var forbidden = []string{
	"127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
	"2002:7f00:1::", "169.254.169.254", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12::1",
	"fe80::1", "fec0::1", "224.0.0.1", "239.255.255.250", "ff02::1", "255.255.255.255", "198.18.0.1", "192.0.0.192", "8.8.8.8", "2001:db8::1",
}

// Reliability row 22: with a good credential, no way leads to anybody but our
// own port for browsers; every other wish is a 403.
func TestLeadsHomeOnly(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := newWorld(t)
			k := w.client(t, network, secret.Issue("u1", time.Now()))
			if code := k.allocate(); code != 200 {
				t.Fatalf("allocation: %d", code)
			}
			refused := func(a netip.AddrPort) {
				t.Helper()
				for method, code := range map[string]int{
					"CreatePermission": k.ask(stun.MethodCreatePermission, toward(a)),
					"with a good one":  k.ask(stun.MethodCreatePermission, toward(w.home), toward(a)),
					"ChannelBind":      k.ask(stun.MethodChannelBind, channel(0x4001), toward(a)),
					"Connect":          k.ask(stun.MethodConnect, toward(a)),
				} {
					if code != 403 {
						t.Errorf("%s to %v: %d, want 403", method, a, code)
					}
				}
			}
			for _, a := range forbidden {
				for _, port := range []uint16{w.home.Port(), 80} {
					refused(netip.AddrPortFrom(netip.MustParseAddr(a), port))
				}
			}
			for _, port := range []uint16{22, 5060, 8080, w.udp.Port(), w.tcp.Port()} { // our own other ports
				refused(netip.AddrPortFrom(w.home.Addr(), port))
			}
			if code := k.ask(stun.MethodConnect, toward(w.home)); code != 403 {
				t.Errorf("Connect home: %d", code)
			}
			if code := k.ask(stun.MethodCreatePermission, toward(w.home)); code != 200 {
				t.Errorf("CreatePermission home: %d", code)
			}
			if code := k.ask(stun.MethodChannelBind, channel(0x4002), toward(w.home)); code != 200 {
				t.Errorf("ChannelBind home: %d", code)
			}
		})
	}
}

// Sound goes there and back, and with a permission for our address still not to
// our other ports.
func TestRelaysBothWays(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			w := newWorld(t)
			other := packets(t)
			defer func() { _ = other.Close() }()
			k := w.client(t, network, secret.Issue("u1", time.Now()))
			k.allocate()
			if code := k.ask(stun.MethodCreatePermission, toward(w.home)); code != 200 {
				t.Fatalf("permission: %d", code)
			}
			k.send(plain(other.LocalAddr()), "astray")
			k.send(w.home, "hello")
			if got := k.hear(2 * time.Second); got != "heard hello" {
				t.Errorf("heard %q", got)
			}
			_ = other.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if n, _, err := other.ReadFrom(make([]byte, 100)); err == nil {
				t.Errorf("%d bytes went to another port of ours", n)
			}
		})
	}
}

// What comes to a relay from elsewhere stays outside.
func TestNobodyElseReachesTheBrowser(t *testing.T) {
	w := newWorld(t)
	k := w.client(t, "udp", secret.Issue("u1", time.Now()))
	k.allocate()
	k.ask(stun.MethodCreatePermission, toward(w.home))
	var at net.Addr
	w.mu.Lock()
	for r := range w.relays {
		at = r.LocalAddr()
	}
	w.mu.Unlock()
	stranger := packets(t)
	defer func() { _ = stranger.Close() }()
	if _, err := stranger.WriteTo([]byte("psst"), at); err != nil {
		t.Fatal(err)
	}
	k.send(w.home, "hello")
	if got := k.hear(2 * time.Second); got != "heard hello" {
		t.Errorf("heard %q", got)
	}
}

// Nobody gets a relay without a credential of ours that is still good.
func TestWhoIsServed(t *testing.T) {
	now := time.Now()
	good := secret.Issue("u1", now)
	forged := func(change func(*Credential)) Credential { c := good; change(&c); return c }
	for name, c := range map[string]Credential{
		"anonymous":            {},
		"expired":              secret.Issue("u1", now.Add(-Lifetime-time.Minute)),
		"of another secret":    Secret("guessed").Issue("u1", now),
		"with a later end":     forged(func(c *Credential) { c.Username = "9" + c.Username }),
		"with another's name":  forged(func(c *Credential) { c.Username = strings.Replace(c.Username, "u1", "u2", 1) }),
		"without a name":       forged(func(c *Credential) { c.Username = strings.TrimSuffix(c.Username, "u1") }),
		"with a nonsense name": forged(func(c *Credential) { c.Username = "%s%n:u1" }),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if code := w.client(t, "udp", c).allocate(); code == 200 || code == 0 {
				t.Errorf("allocation: %d", code)
			}
			if n := w.Relays(); n != 0 {
				t.Errorf("%d relays", n)
			}
		})
	}
}

// A call outlives its credential.
func TestExpiredCredentialsKeepWhatTheyHave(t *testing.T) {
	w := newWorld(t)
	k := w.client(t, "udp", secret.Issue("u1", time.Now()))
	k.allocate()
	old := secret.Issue("u1", time.Now().Add(-Lifetime-time.Minute))
	k.name, k.key = old.Username, turn.GenerateAuthKey(old.Username, realm, old.Password)
	if code := k.ask(stun.MethodRefresh); code != 200 {
		t.Errorf("refresh: %d", code)
	}
	if code := k.ask(stun.MethodCreatePermission, toward(w.home)); code != 200 {
		t.Errorf("permission: %d", code)
	}
}

// One user cannot use the relays up, nor ports that come in pairs; what he gives
// back he may have again.
func TestQuota(t *testing.T) {
	w := newWorld(t)
	mine, his := secret.Issue("u1", time.Now()), secret.Issue("u2", time.Now())
	var last *client
	for i := range perUser {
		last = w.client(t, []string{"udp", "tcp"}[i%2], mine)
		if code := last.allocate(); code != 200 {
			t.Fatalf("allocation %d: %d", i, code)
		}
	}
	if code := w.client(t, "udp", mine).allocate(); code != 486 {
		t.Errorf("one too many: %d, want 486", code)
	}
	k := w.client(t, "udp", his)
	if code := k.ask(stun.MethodAllocate, transport(17), raw{stun.AttrEvenPort, []byte{0x80}}); code != 508 {
		t.Errorf("two ports: %d, want 508", code)
	}
	if code := k.ask(stun.MethodAllocate, transport(6)); code == 200 {
		t.Error("a relay over TCP was given")
	}
	if code := k.allocate(); code != 200 {
		t.Errorf("somebody else: %d", code)
	}
	if code := last.ask(stun.MethodRefresh, life(0)); code != 200 {
		t.Errorf("giving back: %d", code)
	}
	if code := w.client(t, "udp", mine).allocate(); code != 200 {
		t.Errorf("after giving back: %d", code)
	}
}

// A connection that goes takes its relay with it.
func TestConnectionGone(t *testing.T) {
	w := newWorld(t)
	k := w.client(t, "tcp", secret.Issue("u1", time.Now()))
	k.allocate()
	_ = k.conn.Close()
	for end := time.Now().Add(5 * time.Second); w.Relays() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the relay stays")
		}
	}
}

// Reliability rows 4 and 22: a spray of what needs no credential costs no memory,
// and keeps nobody out.
func TestSprayOfStrangers(t *testing.T) {
	w := newWorld(t)
	before := heap()
	random := rand.New(rand.NewPCG(1, 1))
	for source := range 20 {
		k := w.client(t, "udp", Credential{Username: strconv.Itoa(source)})
		for i := range 2500 {
			b := make([]byte, 20+random.IntN(200))
			for j := range b {
				b[j] = byte(random.Uint32())
			}
			if i%2 == 0 {
				q := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), transport(17), stun.NewUsername("x"+strconv.Itoa(i)))
				b = q.Raw
			}
			_, _ = k.conn.Write(b)
		}
	}
	k := w.client(t, "udp", secret.Issue("u1", time.Now()))
	code := 0
	for range 5 { // packets may be lost in the spray
		if code = k.allocate(); code != 0 {
			break
		}
	}
	if code != 200 || w.Relays() != 1 {
		t.Errorf("allocation during the spray: %d, %d relays", code, w.Relays())
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Connections that say nothing are counted, and others get in.
func TestHeldConnections(t *testing.T) {
	w := newWorld(t)
	for range linesPerPlace {
		w.client(t, "tcp", Credential{})
	}
	k := w.client(t, "tcp", secret.Issue("u1", time.Now()))
	if code := k.allocate(); code != 0 {
		t.Errorf("one too many from one address: %d", code)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	conn, err := d.Dial("tcp", w.tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = k.conn.Close()
	k.conn, k.nonce = conn, ""
	k.in.Reset(conn)
	defer func() { _ = conn.Close() }()
	if code := k.allocate(); code != 200 {
		t.Errorf("from elsewhere: %d", code)
	}
}

// What is neither STUN nor channel data, or too long, ends a connection.
func TestNonsenseEndsAConnection(t *testing.T) {
	w := newWorld(t)
	for _, b := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x01\xff\xff", "\x50\x00\x00\x00\x00", "\x16\x03\x01\x00\x00"} {
		k := w.client(t, "tcp", Credential{})
		_, _ = k.conn.Write([]byte(b))
		_ = k.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		if n, err := k.conn.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%q: %v", b, err)
		}
	}
}
