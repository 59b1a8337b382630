package transport

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// caller is a stream connection that speaks raw SIP.
type caller struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
}

func (l *lab) dial(from netip.AddrPort) *caller {
	l.t.Helper()
	c, err := l.net.Dial(l.t.Context(), from, serverAddr)
	if err != nil {
		l.t.Fatal(err)
	}
	return &caller{l.t, c, bufio.NewReader(c)}
}

func (c *caller) send(s string) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := c.conn.Write([]byte(s)); err != nil {
		c.t.Fatal(err)
	}
}

// line reads one line; "" when the connection ended or nothing came.
func (c *caller) line(wait time.Duration) string {
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	s, _ := textproto.NewReader(c.read).ReadLine()
	return s
}

// message reads the lines up to the empty one.
func (c *caller) message() string {
	var ls []string
	for l := c.line(time.Second); l != ""; l = c.line(time.Second) {
		ls = append(ls, l)
	}
	return strings.Join(ls, "\r\n")
}

func (c *caller) expect(prefix string) {
	c.t.Helper()
	if got := c.message(); !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("want %q, got %q", prefix, got)
	}
}

// ended reports whether the other end closes within wait.
func (c *caller) ended(wait time.Duration) bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	_, err := c.read.ReadByte()
	var ne net.Error
	return err != nil && !(errors.As(err, &ne) && ne.Timeout())
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// P7: with several connections, a request goes out on the one of its flow.
// P19: it never opens another one.
func TestP7P19RequestsKeepToTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flows := make(chan Flow, 3)
		l := newLab(t, Options{Net: TCP}, func(e *Edge) {
			e.Handle(sip.INFO, func(_ context.Context, f Flow, req *sip.Request, tx sip.ServerTransaction) {
				flows <- f
				_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
			})
		})
		defer l.close()
		first, second := l.dial(addr("10.0.0.7:1000")), l.dial(addr("10.0.0.8:1000"))
		first.send(request("INFO", "TCP 10.0.0.7", "a"))
		first.expect("SIP/2.0 200")
		second.send(request("INFO", "TCP 10.0.0.8", "b"))
		second.expect("SIP/2.0 200")
		f := <-flows
		if f.Remote != addr("10.0.0.7:1000") || f.ConnID == 0 {
			t.Fatalf("flow %v", f)
		}
		got := make(chan string)
		go func() { got <- first.message() }() // a pipe: writing lasts until somebody reads
		tx, err := l.edge.Request(t.Context(), f, options("sip:101@10.0.0.7:5060"))
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Terminate()
		if got := <-got; !strings.HasPrefix(got, "OPTIONS") || !strings.Contains(got, "Via: SIP/2.0/TCP 10.0.0.1:5060") {
			t.Errorf("the first phone got %q", got)
		}
		stale := f
		stale.ConnID--
		if _, err := l.edge.Request(t.Context(), stale, options("sip:101@10.0.0.7")); !errors.Is(err, ErrFlowGone) {
			t.Errorf("an older connection of the same address: %v", err)
		}
		_ = first.conn.Close()
		synctest.Wait()
		if _, err := l.edge.Request(t.Context(), f, options("sip:101@10.0.0.7")); !errors.Is(err, ErrFlowGone) {
			t.Errorf("after it was closed: %v", err)
		}
		if err := l.edge.Send(f, options("sip:101@10.0.0.7")); !errors.Is(err, ErrFlowGone) {
			t.Errorf("after it was closed: %v", err)
		}
		select {
		case <-tx.Done():
		default:
			t.Error("a transaction outlives its connection")
		}
	})
}

// P24: the end of a connection is told, with its id, once.
func TestP24EndOfConnectionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := make(chan Flow, 4)
		l := newLab(t, Options{Net: TCP}, func(e *Edge) { e.OnConnectionLost(func(f Flow) { lost <- f }) })
		a, b := l.dial(addr("10.0.0.7:1000")), l.dial(addr("10.0.0.8:1000"))
		for _, c := range []*caller{a, b} {
			c.send(request("OPTIONS", "TCP h", c.conn.LocalAddr().String()))
			c.expect("SIP/2.0 200")
		}
		_ = a.conn.Close()
		if f := <-lost; f.Remote != addr("10.0.0.7:1000") || f.ConnID == 0 || f.Edge != l.edge {
			t.Errorf("told of %v", f)
		}
		l.close() // we go ourselves: registrations outlive that
		select {
		case f := <-lost:
			t.Errorf("told of %v", f)
		default:
		}
	})
}

// Row 11 of the advisories: peers that hold connections, send half, or do not
// read, delay nobody and are given up.
func TestHeldConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Net: TCP, Guard: NewGuard(Limits{ConnsPerSource: 3}, nil)}, nil)
		defer l.close()
		silent, half, pinging := l.dial(addr("10.0.0.9:1")), l.dial(addr("10.0.0.9:2")), l.dial(addr("10.0.0.9:3"))
		half.send("OPTIONS sip:x SIP/2.0\r\nVia: ")
		if fourth := l.dial(addr("10.0.0.9:4")); !fourth.ended(time.Second) {
			t.Error("a fourth connection of one source lives")
		}
		good := l.dial(addr("10.0.0.7:1"))
		good.send(request("OPTIONS", "TCP h", "g1"))
		good.expect("SIP/2.0 200")
		for range 3 {
			time.Sleep(9 * time.Second)
			pinging.send("\r\n\r\n") // keeps no connection that never says anything
			if got := pinging.line(time.Second); got != "" {
				t.Errorf("pong %q", got)
			}
		}
		time.Sleep(3 * time.Second)
		if !silent.ended(time.Second) || !half.ended(time.Second) || !pinging.ended(time.Second) {
			t.Error("held for more than 30 s without a whole message")
		}
		good.send(request("OPTIONS", "TCP h", "g2")[:50])
		if !good.ended(31 * time.Second) {
			t.Error("half a message is held for more than 30 s")
		}
	})
}

// A connection that has spoken may be quiet for as long as it sends keepalives.
func TestStreamKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Net: TCP}, nil)
		defer l.close()
		c := l.dial(addr("10.0.0.7:1"))
		c.send(request("OPTIONS", "TCP h", "1"))
		c.expect("SIP/2.0 200")
		for range 12 {
			time.Sleep(10 * time.Minute)
			c.send("\r\n\r\n")
			_ = c.conn.SetReadDeadline(time.Now().Add(time.Second))
			if pong, err := c.read.ReadString('\n'); pong != "\r\n" {
				t.Fatalf("pong %q, %v", pong, err)
			}
		}
		c.send("\r\n") // one alone says nothing, but that somebody is there
		time.Sleep(10 * time.Minute)
		c.send(request("OPTIONS", "TCP h", "2"))
		c.expect("SIP/2.0 200")
		if !c.ended(16 * time.Minute) {
			t.Error("silent for more than 15 minutes, and still there")
		}
	})
}

// A peer that does not read its answers is given up after the write time.
func TestNeverReadingPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Net: TCP}, nil)
		defer l.close()
		c := l.dial(addr("10.0.0.7:1"))
		c.send(request("OPTIONS", "TCP h", "1"))
		time.Sleep(6 * time.Second)
		if l.edge.stream.find(addr("10.0.0.7:1"), 0) != nil {
			t.Error("still there")
		}
	})
}

// Messages are found in the stream however it is cut, and what cannot be framed
// ends the connection.
func TestFraming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{Net: TCP}, nil)
		defer l.close()
		c := l.dial(addr("10.0.0.7:1"))
		body := strings.Replace(request("OPTIONS", "TCP h", "1"), "Content-Length: 0", "Content-Length: 4", 1) + "\r\n\r\n"
		for _, b := range []byte(body) {
			c.send(string(b))
		}
		c.expect("SIP/2.0 200")
		c.send(request("OPTIONS", "TCP h", "2") + strings.Replace(request("OPTIONS", "TCP h", "3"), "Content-Length: 0\r\n", "", 1))
		c.expect("SIP/2.0 200")
		c.expect("SIP/2.0 200")
		for i, bad := range []string{
			"GET / HTTP/1.1\r\n\r\n",
			"\x16\x03\x01",
			strings.Replace(request("OPTIONS", "TCP h", "4"), "Content-Length: 0", "Content-Length: 1\r\nl: 2", 1),
			strings.Replace(request("OPTIONS", "TCP h", "5"), "Content-Length: 0", "Content-Length: -1", 1),
			strings.Replace(request("OPTIONS", "TCP h", "6"), "Content-Length: 0", "Content-Length: 4294967297", 1),
			strings.Replace(request("OPTIONS", "TCP h", "7"), "Content-Length: 0", "Content-Length: 70000", 1),
		} {
			c := l.dial(addr(fmt.Sprint("10.0.0.8:", 1+i)))
			c.send(bad)
			if !c.ended(time.Second) {
				t.Errorf("%q is tolerated", bad)
			}
		}
		long := l.dial(addr("10.0.0.8:100"))
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			_ = long.conn.SetWriteDeadline(time.Now().Add(time.Second))
			_, err = long.conn.Write([]byte("X" + strings.Repeat("a", 1023)))
		}
		if err == nil {
			t.Error("100 KB without an end are tolerated")
		}
	})
}

// A ban ends the connection at the next message, and keeps new ones out.
func TestBannedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bans := NewBans(BanOptions{})
		defer bans.Close()
		l := newLab(t, Options{Net: TCP, Guard: NewGuard(Limits{}, bans)}, nil)
		defer l.close()
		c := l.dial(addr("10.0.0.7:1"))
		c.send(request("OPTIONS", "TCP h", "1"))
		c.expect("SIP/2.0 200")
		bans.Ban(c.conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(), time.Hour, "test")
		c.send(request("OPTIONS", "TCP h", "2"))
		if !c.ended(time.Second) || !l.dial(addr("10.0.0.7:2")).ended(time.Second) {
			t.Error("banned, and still heard")
		}
	})
}

// TLS: the certificate is asked for at each handshake, and a handshake that is
// not finished delays nobody.
func TestTLSHandshakesDoNotBlock(t *testing.T) {
	cert := selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		conf := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			asked++
			return cert, nil
		}}
		l := newLab(t, Options{Net: TLS, TLS: conf}, nil)
		defer l.close()
		idle := l.dial(addr("10.0.0.66:1"))
		for i := range 2 {
			raw := l.dial(addr(fmt.Sprint("10.0.0.7:", 1+i)))
			conn := tls.Client(raw.conn, &tls.Config{InsecureSkipVerify: true, ServerName: "klapka.example"})
			c := &caller{t, conn, bufio.NewReader(conn)}
			c.send(request("OPTIONS", "TLS h", fmt.Sprint(i)))
			c.expect("SIP/2.0 200")
			_ = raw.conn.Close()
		}
		if asked != 2 {
			t.Errorf("the certificate was asked for %d times", asked)
		}
		if !idle.ended(31 * time.Second) {
			t.Error("an idle handshake is held")
		}
	})
}

func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(100 * 365 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Any cutting of any bytes: no panic, and what comes out is whole.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(request("OPTIONS", "TCP h", "1")))
	f.Add([]byte("OPTIONS sip:x SIP/2.0\r\nl: 3\r\n\r\nabcOPT"))
	g := NewGuard(Limits{MaxMessage: 2000}, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; ; {
			msg, next, err := frame(rest, g)
			if err != nil || msg == nil {
				return
			}
			if len(next) >= len(rest) || len(msg) > 2000+len("Content-Length: 0\r\n") {
				t.Fatalf("%d bytes of %d", len(msg), len(rest))
			}
			rest = next
		}
	})
}

// P25: handshakes that fail leave no connection behind, and their places are free
// again.
func TestP25FailedHandshakesLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }}
		l := newLab(t, Options{Net: TLS, TLS: conf, Guard: NewGuard(Limits{ConnsPerSource: 2}, nil)}, nil)
		defer l.close()
		for range 10 {
			c := l.dial(addr("10.0.0.7:0"))
			go func() { _, _ = c.conn.Write([]byte("INVITE sip:x SIP/2.0\r\n\r\n")) }()
			if !c.ended(time.Second) {
				t.Fatal("plain SIP on a TLS port is kept")
			}
			d := l.dial(addr("10.0.0.7:0"))
			client := tls.Client(d.conn, &tls.Config{InsecureSkipVerify: true})
			if err := client.HandshakeContext(t.Context()); err == nil {
				t.Fatal("a handshake without a certificate")
			}
			_ = d.conn.Close()
			synctest.Wait()
			l.edge.stream.mu.Lock()
			if n := len(l.edge.stream.conns); n != 0 {
				t.Errorf("%d connections left", n)
			}
			l.edge.stream.mu.Unlock()
		}
	})
}
