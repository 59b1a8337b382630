package e2e

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// torture are messages in the spirit of RFC 4475: some are valid and rare, most
// are not. %s is the address of the sender.
var torture = []string{
	"",
	"\r\n\r\n",
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"INVITE",
	"INVITE sip:101@127.0.0.1 SIP/2.0\r\n",
	"INVITE sip:101@127.0.0.1 SIP/2.0\r\n\r\n",
	"INVITE  sip:101@127.0.0.1  SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa\r\n\r\n",
	"INVITE sip:101@127.0.0.1 SIP/7.0\r\nVia: SIP/7.0/UDP %s;branch=z9hG4bKb\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: v7\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"INVITE sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKc\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: neg\r\nCSeq: 1 INVITE\r\nContent-Length: -999\r\n\r\nbody",
	"INVITE sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKd\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: huge\r\nCSeq: 99999999999999999999 INVITE\r\nMax-Forwards: 99999999999\r\nContent-Length: 99999999\r\n\r\n",
	"INVITE sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKe\r\nFrom: \"unterminated <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: quote\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"INVITE <sip:101@127.0.0.1> SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKf\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: lt\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"INVITE sip:101@[::1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKg\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: v6\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"OPTIONS sip:%%00%%01%%zz@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKh\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: esc\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
	"OPTIONS sip:x SIP/2.0\r\nv: SIP/2.0/UDP %s;branch=z9hG4bKi\r\nf: sip:a@b;tag=1\r\nt: sip:c@d\r\ni: folded\r\n\tline\r\nCSeq: 1\r\n  OPTIONS\r\nl: 0\r\n\r\n",
	"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\nFrom: <sip:a@b>\r\nTo: <sip:c@d>\r\nCall-ID: notag\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"NOTIFY sip:101@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKj\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: mwi\r\nCSeq: 1 NOTIFY\r\nEvent: message-summary\r\nContent-Type: application/simple-message-summary\r\nContent-Length: 620\r\n\r\nMessage-Account: " + strings.Repeat("x", 602) + "\r\n",
	"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKk\r\nFrom: <sip:101@b>;tag=1\r\nTo: <sip:101@d>\r\nCall-ID: auth\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest\r\nContact: *\r\nContent-Length: 0\r\n\r\n",
	"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKl\r\nFrom: <sip:101@b>;tag=1\r\nTo: <sip:101@d>\r\nCall-ID: auth2\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest username=\"101\",,,=,\"realm\", nonce=\r\nContact: <sip:\r\nContent-Length: 0\r\n\r\n",
	"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKm\r\nFrom: <sip:101@b>;tag=1\r\nTo: <sip:101@d>;tag=none\r\nCall-ID: bye\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKn\r\nFrom: <sip:101@b>;tag=1\r\nTo: <sip:101@d>;tag=none\r\nCall-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	"SIP/2.0 99999 OK\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKo\r\n\r\n",
	"ACK sip:x SIP/2.0\r\nVia: SIP/2.0/UDP ;branch=\r\nFrom: ;tag=\r\nTo: ;tag=\r\nCall-ID:\r\nCSeq: ACK\r\n\r\n",
	"FROBNICATE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKp\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: method\r\nCSeq: 1 FROBNICATE\r\nContent-Length: 0\r\n\r\n",
	"SUBSCRIBE sip:101@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: accept\r\nCSeq: 1 SUBSCRIBE\r\n" + strings.Repeat("Accept: a/b\r\n", 100) + "Content-Length: 0\r\n\r\n",
}

// fat is a message with one header of n bytes.
func fat(name string, n int, from netip.AddrPort) string {
	return fmt.Sprintf("INVITE sip:101@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: fat-%s\r\nCSeq: 1 INVITE\r\n%s: %s\r\nContent-Length: 0\r\n\r\n",
		from, n, name, name, name, strings.Repeat("x", n))
}

// Strangers send junk, malformed SIP and huge headers, over UDP and TCP, from
// many addresses: the process lives, its memory does not grow, and a registered
// phone still calls.
func TestAttack(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	a.calls(b) // goes on meanwhile
	memory := w.Metrics()["process_resident_memory_bytes"]
	began := time.Now()

	for range 20 {
		junk(t, w.SIP(), 100)
	}
	source := dialUDP(t, w.SIP())
	from := source.LocalAddr().(*net.UDPAddr).AddrPort()
	for range 5 {
		for _, text := range torture {
			send(t, source, strings.ReplaceAll(strings.ReplaceAll(text, "%%", "%"), "%s", from.String()))
		}
	}
	for _, name := range []string{"Subject", "From", "Via", "To", "Authorization", "Contact", "Route", "User-Agent", "X"} {
		for _, n := range []int{513, 8 << 10, 60 << 10} {
			send(t, source, fat(name, n, from))
			stream(t, w.Addresses().SIPTCP[0], fat(name, n, from))
		}
		stream(t, w.Addresses().SIPTCP[0], fat(name, 200<<10, from))
	}
	for _, text := range torture {
		stream(t, w.Addresses().SIPTCP[0], text)
	}

	time.Sleep(time.Second)
	if !w.Running() {
		t.Fatal("the exchange is dead")
	}
	talk := time.Since(began)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	a.hears(b, talk)
	b.hears(a, talk)
	if grown := w.Metrics()["process_resident_memory_bytes"] - memory; grown > 50<<20 {
		t.Errorf("memory grew by %.0f MB", grown/(1<<20))
	}
	b.calls(a)
	b.Hangup()
	a.Expect("CALL_CLOSED", patience)
	if strings.Contains(w.Log(), "panic") {
		t.Error("the log tells of a panic")
	}
	w.records(2)
}

// Somebody sprays sound over all ports before, during and after the set-up of a
// call: neither phone hears it, nothing is missing, and nothing comes back to who
// sent it.
func TestSprayedSound(t *testing.T) {
	w := newWorld(t)
	a, b := w.phone(t, "101", 440), w.phone(t, "102", 620)
	stranger, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopbacks.Next(), 0)))
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		spray(stranger, w.SIP().Addr(), stop)
	}()
	t.Cleanup(func() { _ = stranger.Close() })
	a.calls(b)
	const talk = 3 * time.Second
	time.Sleep(talk)
	a.Hangup()
	a.Expect("CALL_CLOSED", patience)
	b.Expect("CALL_CLOSED", patience)
	time.Sleep(time.Second) // the ports of a call that is over are no way in either
	close(stop)
	<-done
	_ = stranger.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, from, err := stranger.ReadFromUDPAddrPort(make([]byte, 1500)); err == nil {
		t.Errorf("the stranger was sent %d bytes from %v", n, from)
	}
	a.hears(b, talk)
	b.hears(a, talk)
	for _, l := range w.records(1)[0].Legs {
		if l.Quality.Ignored < 10 {
			t.Errorf("%d packets were ignored: was anything sprayed?", l.Quality.Ignored)
		}
	}
}

// spray sends RTP and RTCP with a loud noise to all ports for sound, until stop.
func spray(from *net.UDPConn, to netip.Addr, stop <-chan struct{}) {
	packet := make([]byte, 172)
	for i := 12; i < len(packet); i++ {
		packet[i] = byte(rand.Uint32())
	}
	guesses := []uint32{0xDEADBEEF, 0, 1, rand.Uint32(), rand.Uint32()} // of the sender's SSRC
	for seq := uint16(0); ; seq++ {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		for port := uint16(20000); port < 21000; port++ {
			packet[0], packet[1] = 0x80, 8 // RTP, PCMA
			if port%2 == 1 {
				packet[1] = 200 // RTCP, a sender's report
			}
			binary.BigEndian.PutUint16(packet[2:], seq)
			binary.BigEndian.PutUint32(packet[4:], uint32(seq)*160)
			binary.BigEndian.PutUint32(packet[8:], guesses[int(seq)%len(guesses)])
			size := len(packet)
			if port%2 == 1 && seq%2 == 1 {
				size = 4 // a report without anything in it
			}
			// Most ports are closed, and say so.
			_, _ = from.WriteToUDPAddrPort(packet[:size], netip.AddrPortFrom(to, port))
		}
	}
}

// junk sends n datagrams of noise from one address.
func junk(t *testing.T, to netip.AddrPort, n int) {
	t.Helper()
	conn := dialUDP(t, to)
	for range n {
		b := make([]byte, 1+rand.IntN(1200))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		send(t, conn, string(b))
	}
}

func dialUDP(t *testing.T, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopbacks.Next(), 0)), net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t *testing.T, conn *net.UDPConn, text string) {
	t.Helper()
	// A full buffer at the other end is what junk deserves.
	if _, err := conn.Write([]byte(text)); err != nil && !strings.Contains(err.Error(), "refused") {
		t.Fatal(err)
	}
}

// stream sends a message on a connection of its own, and hangs up.
func stream(t *testing.T, to netip.AddrPort, text string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", to.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte(text)) // it may be cut off
	_ = conn.Close()
}
