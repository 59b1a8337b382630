package trace

import (
	"strings"
	"testing"
)

// Nothing in a trace opens a door, and nothing in it is a command to the terminal
// or page that shows it.
func TestRedact(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"credentials", "Authorization: Digest username=\"101\", nonce=\"n\", response=\"cafe\"\r\n", "Authorization: Digest username=\"101\", …\n"},
		{"for a proxy", "proxy-authorization : Digest response=\"cafe\"\r\n", "proxy-authorization : Digest …\n"},
		{"basic", "Authorization: Basic MTAxOnNlY3JldA==\r\n", "Authorization: Basic …\n"},
		{"folded", "Authorization: Digest\r\n realm=\"x\",\r\n\tresponse=\"cafe\"\r\nTo: <sip:1@x>\r\n", "Authorization: Digest …\nTo: <sip:1@x>\n"},
		{"media key", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^20\r\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…\n"},
		{"ice", "a=ice-pwd:secret\r\nk=clear:secret\r\n", "a=ice-pwd:…\nk=…\n"},
		{"password in a URI", "Contact: <sip:101:secret@10.0.0.1:5060>\r\n", "Contact: <sip:101:…@10.0.0.1:5060>\n"},
		{"several", "Contact: <sip:101@10.0.0.1>, <sips:1:pw@h>, <sip:10.0.0.1:5060>\r\n", "Contact: <sip:101@10.0.0.1>, <sips:1:…@h>, <sip:10.0.0.1:5060>\n"},
		{"escape", "Subject: \x1b[2J\u202e\x00\xff<img onerror=x>\r\n", "Subject: \uFFFD[2J\uFFFD\uFFFD\uFFFD<img onerror=x>\n"},
		{"a challenge stays", "WWW-Authenticate: Digest nonce=\"n\"\r\n", "WWW-Authenticate: Digest nonce=\"n\"\n"},
	} {
		if got := redact([]byte(tc.in)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestScan(t *testing.T) {
	for _, tc := range []struct{ raw, want string }{
		{"INVITE sip:x SIP/2.0\r\nCall-ID: a@b\r\n\r\n", "a@b"},
		{"INVITE sip:x SIP/2.0\r\ni:short\r\n\r\n", "short"},
		{"SIP/2.0 200 OK\r\ncall-id \t: spaced \r\n\r\n", "spaced"},
		{"INVITE sip:x SIP/2.0\r\n\r\nCall-ID: body\r\n", ""},
		{"INVITE", ""},
		{"", ""},
		{"\n\n", ""},
	} {
		if got := string(callID([]byte(tc.raw))); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.raw, got, tc.want)
		}
	}
	for in, want := range map[string]string{
		`"A <b>" <sip:101@h>;tag=1`: "101", "sip:101@h": "101", "<sip:h>": "", "<sip:101:pw@h>": "101", "": "",
	} {
		if got := userOf(in); got != want {
			t.Errorf("user of %q: %q", in, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("INVITE sip:x SIP/2.0\r\nAuthorization: x\r\n y\r\nContact: sip:a:b@c\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _, _, _ = callID(raw), title(raw), statusOf(raw), header(raw, "from", "f")
		if strings.ContainsAny(redact(raw), "\x00\x1b\r") {
			t.Errorf("control characters came through: %q", raw)
		}
	})
}

// BenchmarkRegister is what a message that is not kept costs; BenchmarkInvite one
// that is.
func BenchmarkRegister(b *testing.B) {
	r := New(Options{})
	raw := []byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKabcdef\r\nFrom: <sip:1@h>;tag=1\r\nTo: <sip:1@h>;tag=2\r\nCall-ID: abcdefghij@10.0.0.1\r\nCSeq: 2 REGISTER\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		r.Message(Message{Sent: true, Raw: raw})
	}
}

func BenchmarkInvite(b *testing.B) {
	r := New(Options{Messages: 1 << 30})
	raw := []byte("INVITE sip:102@h SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKabcdef\r\nFrom: <sip:1@h>;tag=1\r\nTo: <sip:1@h>\r\nCall-ID: abcdefghij@10.0.0.1\r\nCSeq: 2 INVITE\r\n\r\n" + strings.Repeat("a=x\r\n", 100))
	b.ReportAllocs()
	for b.Loop() {
		r.Message(Message{Raw: raw})
		if d := r.dialogs["abcdefghij@10.0.0.1"]; len(d.messages) >= 100 {
			r.bytes, d.bytes, d.messages = 0, 0, d.messages[:0]
		}
	}
}
