package header

import (
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// raw is a request with generic headers, as the edge's parser leaves them.
func raw(lines ...string) *sip.Request {
	req := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: "h"})
	for _, l := range lines {
		name, val, _ := strings.Cut(l, ":")
		req.AppendHeader(sip.NewHeader(name, strings.TrimSpace(val)))
	}
	return req
}

// P14: the stack knows no compact form of these headers.
func TestP14CompactForms(t *testing.T) {
	for name, short := range map[string]string{
		"Supported": "k", "Refer-To": "r", "Event": "o", "Referred-By": "b", "Allow-Events": "u", "Subject": "s",
		"Session-Expires": "x", "Contact": "M",
	} {
		if v, ok := Get(raw(short+": 1"), name); !ok || v != "1" {
			t.Errorf("%s as %s: %q", name, short, v)
		}
		if v, ok := Get(raw(strings.ToUpper(name)+": 1"), name); !ok || v != "1" {
			t.Errorf("%s in capitals: %q", name, v)
		}
	}
	req := raw("Supported: path, 100rel", "k: replaces ,, timer;x=1")
	if got := List(req, "Supported"); !slices.Equal(got, []string{"path", "100rel", "replaces", "timer;x=1"}) {
		t.Errorf("list: %q", got)
	}
	if !Has(req, "supported", "REPLACES") || !Has(req, "supported", "timer") || Has(req, "supported", "gruu") {
		t.Error("Has")
	}
	if _, ok := Get(req, "Event"); ok {
		t.Error("found what is not there")
	}
}

// P15: every contact counts, and quotes protect what they enclose.
func TestP15Contacts(t *testing.T) {
	req := raw(
		`Contact: "A, \"B\" <x>" <sip:101@10.0.0.7:5061;transport=tcp>;expires=60;+sip.instance="<urn:uuid:1;x>";pub-gruu="sip:a@b;gr=x" , <sip:102@h>;q=0.5`,
		`m: sip:103@h;expires=30`)
	cs, err := Contacts(req)
	if err != nil || len(cs) != 3 {
		t.Fatalf("%v, %v", cs, err)
	}
	c := cs[0]
	if c.Display != `A, "B" <x>` || c.Text != "sip:101@10.0.0.7:5061;transport=tcp" || c.URI.Port != 5061 {
		t.Errorf("first: %+v", c)
	}
	for name, want := range map[string]string{"expires": "60", "+SIP.instance": "<urn:uuid:1;x>", "pub-gruu": "sip:a@b;gr=x"} {
		if v, ok := c.Params.Get(name); !ok || v != want {
			t.Errorf("%s: %q", name, v)
		}
	}
	if v, _ := cs[2].Params.Get("expires"); v != "30" || cs[2].Text != "sip:103@h" {
		t.Errorf("without brackets the parameters are the header's: %+v", cs[2])
	}
	if cs, err := Contacts(raw("Contact: *")); err != nil || len(cs) != 1 || !cs[0].Star {
		t.Errorf("star: %v, %v", cs, err)
	}
	for _, bad := range []string{"<sip:x", "<>", "<sip:a b@h>", "<sip:>", "<sip:a@h:70000>", "nonsense", `"open <sip:a@h>`, "<sip:a\x00@h>"} {
		if cs, err := Contacts(raw("Contact: " + bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, cs)
		}
	}
}

// P16: names from people and databases stay names.
func TestP16DisplayNames(t *testing.T) {
	for plain, want := range map[string]string{
		`Anna`: `Anna`, `Anna "x" <sip:evil>`: `Anna \"x\" <sip:evil>`, `back\slash`: `back\\slash`,
		"a\r\nEvil: 1": "a  Evil: 1", "Žofie Ölmütz": "Žofie Ölmütz", "\x00": "",
	} {
		got := Display(plain)
		if got != want {
			t.Errorf("%q became %q", plain, got)
		}
		if again := EscapeDisplay(got); again != got {
			t.Errorf("%q is safe, and was changed to %q", got, again)
		}
	}
	for in, want := range map[string]string{`a"b`: `a\"b`, `a\`: `a\\`, `a\"b`: `a\"b`, "a\r\nb": "a  b", "a\\\r\nb": `a\\  b`} {
		if got := EscapeDisplay(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestUsersAndURIs(t *testing.T) {
	parse := func(s string) sip.Uri {
		u, err := ParseURI(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return u
	}
	if got := User(parse("sip:%2A43%20x%zz@h")); got != "*43 x%zz" {
		t.Errorf("decoded: %q", got)
	}
	if got := User(parse("tel:+4312345;phone-context=at")); got != "+4312345" {
		t.Errorf("tel: %q", got)
	}
	if got := EscapeUser(`a b@"<é`); got != "a%20b%40%22%3C%C3%A9" || UnescapeUser(got) != `a b@"<é` {
		t.Errorf("encoded: %q", got)
	}
	if !SameAOR(parse("sip:%31%30%31@Klapka.example:5060"), parse("sip:101@klapka.EXAMPLE;user=phone")) ||
		SameAOR(parse("sip:101@h"), parse("sip:102@h")) {
		t.Error("addresses of record")
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"sip:%61lice@h;transport=TCP", "sip:alice@H;Transport=tcp", true},
		{"sip:a@h", "sip:a@h:5060", false},
		{"sip:a@h", "sip:a@h;transport=udp", false},
		{"sip:a@h;x=1", "sip:a@h", true},
		{"sip:a@h;x=1", "sip:a@h;x=2", false},
		{"sip:A@h", "sip:a@h", false},
		{"sip:a@h", "sips:a@h", false},
		{"sip:[::1]", "sip:[::1]", true},
	} {
		if got := SameContact(c.a, c.b); got != c.want || SameContact(c.b, c.a) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

// Whatever arrives: no panic, and what was accepted can be written in a header.
func FuzzContacts(f *testing.F) {
	f.Add(`"A" <sip:a@h>;expires=1, *`)
	f.Add(`<sip:[::1]:5060;lr>;+sip.instance="<urn:x>"`)
	f.Fuzz(func(t *testing.T, v string) {
		cs, err := Contacts(raw("Contact: " + v))
		if err != nil {
			return
		}
		for _, c := range cs {
			if c.Star {
				continue
			}
			if strings.ContainsAny(c.Text, "\r\n\x00<> \"") {
				t.Errorf("URI %q", c.Text)
			}
			again, err := ParseNameAddr("<" + c.Text + ">")
			if err != nil || !SameURI(again.URI, c.URI) && c.URI.Scheme == "sip" {
				t.Errorf("%q does not survive: %v", c.Text, err)
			}
		}
	})
}

func FuzzEscapeDisplay(f *testing.F) {
	f.Add("a\"\\\r\n")
	f.Fuzz(func(t *testing.T, name string) {
		for _, got := range []string{EscapeDisplay(name), Display(name)} {
			if _, ok := Unquote(`"` + got + `"`); !ok || strings.ContainsAny(got, "\r\n\x00") {
				t.Errorf("%q became %q", name, got)
			}
		}
		if plain, _ := Unquote(Quote(name)); strings.ToValidUTF8(name, "") == name && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) && plain != strings.TrimSpace(name) {
			t.Errorf("%q came back as %q", name, plain)
		}
	})
}
