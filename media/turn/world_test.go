package turn

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const secret Secret = "known to the test"

// world is a relay and the exchange's port for browsers behind it, which echoes.
type world struct {
	*Server
	home netip.AddrPort
	udp  netip.AddrPort
	tcp  netip.AddrPort
}

func newWorld(t testing.TB) *world {
	t.Helper()
	home, udp := packets(t), packets(t)
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{home: plain(home.LocalAddr()), udp: plain(udp.LocalAddr()), tcp: netip.MustParseAddrPort(tcp.Addr().String())}
	w.Server, err = New(Options{
		UDP: []net.PacketConn{udp}, TCP: []net.Listener{tcp}, Secret: secret,
		Ways: func() []Way { return []Way{{w.home, w.home}} },
		Listen: func(a netip.AddrPort) (net.PacketConn, error) {
			return net.ListenUDP("udp4", net.UDPAddrFromAddrPort(a))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := home.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = home.WriteTo(append([]byte("heard "), b[:n]...), from)
		}
	}()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		_ = home.Close()
		if w.Relays() != 0 {
			t.Errorf("%d relays are left", w.Relays())
		}
	})
	return w
}

func packets(t testing.TB) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// client speaks TURN by hand, so that it can say what no library would.
type client struct {
	t     testing.TB
	conn  net.Conn
	in    *bufio.Reader // TCP only
	name  string
	key   stun.MessageIntegrity
	nonce string
}

func (w *world) client(t testing.TB, network string, c Credential) *client {
	t.Helper()
	at := w.udp
	if network == "tcp" {
		at = w.tcp
	}
	conn, err := net.Dial(network, at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	k := &client{t: t, conn: conn, name: c.Username, key: turn.GenerateAuthKey(c.Username, realm, c.Password)}
	if network == "tcp" {
		k.in = bufio.NewReader(conn)
	}
	return k
}

// ask sends a signed request and returns the code of the answer, 200 for a
// success and 0 for none.
func (k *client) ask(method stun.Method, with ...stun.Setter) int {
	code := 0
	for range 2 { // the second time with the nonce
		m := k.exchange(method, with...)
		if m == nil {
			return 0
		}
		if m.Type.Class == stun.ClassSuccessResponse {
			return 200
		}
		var e stun.ErrorCodeAttribute
		if err := e.GetFrom(m); err != nil {
			k.t.Fatal(err)
		}
		code = int(e.Code)
		var nonce stun.Nonce
		if nonce.GetFrom(m) != nil {
			break
		}
		k.nonce = nonce.String()
	}
	return code
}

func (k *client) exchange(method stun.Method, with ...stun.Setter) *stun.Message {
	k.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, with...)
	if k.nonce != "" {
		setters = append(setters, stun.NewUsername(k.name), stun.NewRealm(realm), stun.NewNonce(k.nonce), k.key)
	}
	q, err := stun.Build(setters...)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.conn.Write(q.Raw); err != nil {
		return nil
	}
	for {
		b := k.read(2 * time.Second)
		if b == nil {
			return nil
		}
		m := &stun.Message{Raw: b}
		if m.Decode() == nil && m.TransactionID == q.TransactionID {
			return m
		}
	}
}

func (k *client) read(patience time.Duration) []byte {
	_ = k.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	if k.in == nil {
		n, err := k.conn.Read(b)
		if err != nil {
			return nil
		}
		return b[:n]
	}
	if _, err := io.ReadFull(k.in, b[:20]); err != nil {
		return nil
	}
	n := 20 + int(binary.BigEndian.Uint16(b[2:]))
	if _, err := io.ReadFull(k.in, b[20:n]); err != nil {
		return nil
	}
	return b[:n]
}

// raw is an attribute as it is on the wire.
type raw struct {
	kind  stun.AttrType
	value []byte
}

func (r raw) AddTo(m *stun.Message) error { m.Add(r.kind, r.value); return nil }

func transport(protocol byte) stun.Setter {
	return raw{stun.AttrRequestedTransport, []byte{protocol, 0, 0, 0}}
}

func channel(n uint16) stun.Setter {
	return raw{stun.AttrChannelNumber, []byte{byte(n >> 8), byte(n), 0, 0}}
}

func life(seconds byte) stun.Setter { return raw{stun.AttrLifetime, []byte{0, 0, 0, seconds}} }

// toward names a peer; an IPv4 address in IPv6 form keeps that form.
type toward netip.AddrPort

func (p toward) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	key := append([]byte{0x21, 0x12, 0xa4, 0x42}, m.TransactionID[:]...)
	v := []byte{0, 2, byte(a.Port()>>8) ^ key[0], byte(a.Port()) ^ key[1]}
	if a.Addr().Is4() {
		v[1] = 1
	}
	for i, b := range a.Addr().AsSlice() {
		v = append(v, b^key[i])
	}
	m.Add(stun.AttrXORPeerAddress, v)
	return nil
}

func (k *client) allocate() int { return k.ask(stun.MethodAllocate, transport(17)) }

// send says data to a peer by an indication.
func (k *client) send(to netip.AddrPort, data string) {
	k.t.Helper()
	q, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), toward(to), raw{stun.AttrData, []byte(data)})
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.conn.Write(q.Raw); err != nil {
		k.t.Fatal(err)
	}
}

// hear returns what the next indication carries.
func (k *client) hear(patience time.Duration) string {
	b := k.read(patience)
	m := &stun.Message{Raw: b}
	if b == nil || m.Decode() != nil {
		return ""
	}
	v, _ := m.Get(stun.AttrData)
	return string(v)
}
