package transport

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// P12: the source is written into the top Via, whatever it looks like, and what
// the sender claims there is gone.
func TestP12MarkSource(t *testing.T) {
	src := netip.MustParseAddrPort("203.0.113.9:40022")
	const mark = ";rport=40022;received=203.0.113.9"
	for in, want := range map[string]string{
		"Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK1":                                "Via: SIP/2.0/UDP 10.0.0.7:5060" + mark + ";branch=z9hG4bK1",
		"v:SIP/2.0/UDP h;rport;branch=b":                                                "v: SIP/2.0/UDP h" + mark + ";branch=b",
		"VIA : SIP / 2.0 / UDP  h : 5060 ; branch = b ;RPort=1;Received=x":              "VIA : SIP/2.0/UDP h:5060" + mark + ";branch=b",
		"Via: SIP/2.0/UDP h;branch=b,\r\n SIP/2.0/UDP first;received=1.1.1.1":           "Via: SIP/2.0/UDP h" + mark + ";branch=b, SIP/2.0/UDP first;received=1.1.1.1",
		"Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=b\r\nVia: SIP/2.0/UDP 2;received=7": "Via: SIP/2.0/UDP [2001:db8::1]:5060" + mark + ";branch=b\r\nVia: SIP/2.0/UDP 2;received=7",
		`Via: SIP/2.0/UDP h;x="a,b";branch=b`:                                           "Via: SIP/2.0/UDP h" + mark + ";branch=b",
	} {
		msg := "OPTIONS sip:h SIP/2.0\r\n" + in + "\r\nVia-like: no\r\n\r\nbody"
		got, ok := markSource(nil, []byte(msg), headerEnd([]byte(msg)), src)
		if want := "OPTIONS sip:h SIP/2.0\r\n" + want + "\r\nVia-like: no\r\n\r\nbody"; !ok || string(got) != want {
			t.Errorf("%q became\n%q, want\n%q", in, got, want)
		}
	}
	for _, bad := range []string{"X: y", "Via: nonsense", `Via: SIP/2.0/UDP h;x="a`, `Via: SIP/2.0/UDP h;x="a;rport=9"`, `Via: SIP/2.0/UDP "h"`, "Via: SIP/2.0/UDP ;branch=b"} {
		msg := "OPTIONS sip:h SIP/2.0\r\n" + bad + "\r\n\r\n"
		if got, ok := markSource(nil, []byte(msg), headerEnd([]byte(msg)), src); ok {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// Whatever is sent, the stack reads the real source from it, and an answer goes
// there.
func FuzzMarkSource(f *testing.F) {
	f.Add("Via: SIP/2.0/UDP h;branch=z9hG4bKx;rport=1;received=1.2.3.4")
	f.Add("v: SIP/2.0/UDP h;a=\"b\";rport=9,SIP/2.0/UDP x\r\n ;received=7")
	src := netip.MustParseAddrPort("203.0.113.9:40022")
	parser := sip.NewParser(sip.WithHeadersParsers(headerParsers()))
	f.Fuzz(func(t *testing.T, lines string) {
		msg := []byte("OPTIONS sip:h SIP/2.0\r\n" + lines + "\r\nCSeq: 1 OPTIONS\r\nCall-ID: c\r\nContent-Length: 0\r\n\r\n")
		head, request := inspect(msg)
		if head == 0 || !request {
			return
		}
		out, ok := markSource(nil, msg, head, src)
		if !ok {
			return
		}
		parsed, err := parser.ParseSIP(out)
		if err != nil {
			return
		}
		req, isReq := parsed.(*sip.Request)
		if !isReq {
			t.Fatalf("no longer a request: %q", out)
		}
		if got, ok := viaSource(req.Via()); !ok || got != src {
			t.Fatalf("source %v of %q", got, out)
		}
		res := sip.NewResponseFromRequest(req, 200, "OK", nil)
		if to, ok := answerTo([]byte(res.String())); !ok || to.String() != src.String() {
			t.Errorf("the answer goes to %v: %q", to, strings.ReplaceAll(res.String(), "\r\n", "|"))
		}
	})
}
