package transport

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

// P26: a refusal that comes again, because our ACK was lost, is acknowledged
// again at once and not shown to sipgo, which would wait 4 s with the
// transaction locked. The refusal of the CANCEL, with the same branch, is none
// of its business, nor is a refusal that was never acknowledged.
func TestP26RepeatedRefusalIsAcknowledgedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := pbxtest.NewNet(1)
		phone := listen(t, network, "10.0.0.2:5060")
		c := newGuardConn(listen(t, network, "10.0.0.1:5060"), NewGuard(Limits{}, nil), func() {})
		at := phone.LocalAddr()
		ack := "ACK sip:102@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 ACK\r\n\r\n"
		answer := func(status, branch, cseq string) []byte {
			return []byte("SIP/2.0 " + status + " X\r\nv: SIP/2.0/UDP 10.0.0.1 ; branch=" + branch + "\r\ncseq:  " + cseq + "\r\n\r\n")
		}
		shown := func(msg []byte) bool {
			return c.accept(make([]byte, maxPacket), msg, netip.MustParseAddrPort("10.0.0.2:5060")) > 0
		}
		if !shown(answer("486", "z9hG4bKx", "1 INVITE")) {
			t.Fatal("the first refusal is not shown")
		}
		if shown(answer("486", "z9hG4bKx", "1 INVITE")) {
			t.Error("a refusal that came twice at once is shown twice")
		}
		if _, err := c.WriteTo([]byte(ack), at); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2000)
		heard := func() string {
			_ = phone.SetReadDeadline(time.Now().Add(time.Millisecond))
			n, _, err := phone.ReadFrom(buf)
			if err != nil {
				return ""
			}
			return string(bytes.Clone(buf[:n]))
		}
		if heard() != ack {
			t.Fatal("no ACK")
		}
		for range 3 {
			if shown(answer("486", "z9hG4bKx", "1 INVITE")) {
				t.Error("a repeated refusal is shown")
			}
			if got := heard(); got != ack {
				t.Errorf("a repeated refusal got %q", got)
			}
		}
		for _, msg := range [][]byte{
			answer("481", "z9hG4bKx", "1 CANCEL"), answer("200", "z9hG4bKx", "1 INVITE"), answer("486", "z9hG4bKy", "1 INVITE"),
		} {
			if !shown(msg) || heard() != "" {
				t.Errorf("taken for a repeated refusal:\n%s", msg)
			}
		}
		_ = network.Close()
	})
}

func listen(t *testing.T, network *pbxtest.Net, at string) net.PacketConn {
	t.Helper()
	conn, err := network.ListenPacket(netip.MustParseAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
