package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	icholy "github.com/icholy/digest"

	"klapka.dev/klapka/pbx"
)

var (
	here  = netip.MustParseAddr("10.0.0.7")
	there = netip.MustParseAddr("10.0.0.8")
	reg   = Request{Method: "REGISTER", URI: "sip:klapka.example", Source: here}
)

func ha1(user, realm, secret string) pbx.DigestHA1 {
	m := md5.Sum([]byte(user + ":" + realm + ":" + secret))
	s := sha256.Sum256([]byte(user + ":" + realm + ":" + secret))
	return pbx.DigestHA1{MD5: hex.EncodeToString(m[:]), SHA256: hex.EncodeToString(s[:])}
}

// client answers a challenge as an independent implementation does.
func client(t *testing.T, challenge string, o icholy.Options) Credentials {
	t.Helper()
	c, err := icholy.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := icholy.Digest(c, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(cred.String())
	if err != nil {
		t.Fatalf("%s: %v", cred, err)
	}
	return got
}

func opts(secret string, count int) icholy.Options {
	return icholy.Options{Method: "REGISTER", URI: "sip:klapka.example", Username: "101", Password: secret, Count: count}
}

func TestRightAndWrongSecrets(t *testing.T) {
	s := New(Options{Realm: "klapka", SHA256: true})
	stored := ha1("101", "klapka", "s3cret")
	for i, challenge := range s.Challenges(here, false) {
		if got := s.Verify(client(t, challenge, opts("s3cret", 10*i+1)), reg, stored); got != OK {
			t.Errorf("challenge %d, right secret: %v", i, got)
		}
		if got := s.Verify(client(t, challenge, opts("guess", 10*i+2)), reg, stored); got != Wrong {
			t.Errorf("challenge %d, wrong secret: %v", i, got)
		}
		if got := s.Verify(client(t, challenge, opts("s3cret", 10*i+3)), reg, pbx.DigestHA1{}); got != Wrong {
			t.Errorf("challenge %d, nobody of that name: %v", i, got)
		}
		other := reg
		other.Method = "INVITE"
		if got := s.Verify(client(t, challenge, opts("s3cret", 10*i+4)), other, stored); got != Wrong {
			t.Errorf("challenge %d, made for another method: %v", i, got)
		}
	}
}

// MD5 comes first, and alone by default: many phones look no further.
func TestChallengeOrder(t *testing.T) {
	if c := New(Options{Realm: "k"}).Challenges(here, false); len(c) != 1 || !strings.Contains(c[0], "algorithm=MD5") {
		t.Errorf("by default: %q", c)
	}
	c := New(Options{Realm: `a"b`, SHA256: true}).Challenges(here, true)
	if len(c) != 2 || !strings.Contains(c[0], "algorithm=MD5") || !strings.Contains(c[1], "algorithm=SHA-256") {
		t.Errorf("with SHA-256: %q", c)
	}
	if !strings.Contains(c[0], "stale=true") || !strings.Contains(c[0], `realm="a\"b"`) || !strings.Contains(c[0], `qop="auth"`) {
		t.Errorf("challenge: %q", c[0])
	}
}

// A device without a SHA-256 hash cannot be entered by that algorithm.
func TestMissingHash(t *testing.T) {
	s := New(Options{Realm: "k", SHA256: true})
	stored := ha1("101", "k", "s")
	stored.SHA256 = ""
	if got := s.Verify(client(t, s.Challenges(here, false)[1], opts("s", 1)), reg, stored); got != Wrong {
		t.Errorf("got %v", got)
	}
}

// Row 28 of the advisories: replays are refused, counts must be new, the nonce
// is bound to time and source.
func TestReplaysAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Realm: "k"})
		stored := ha1("101", "k", "s")
		challenge := s.Challenges(here, false)[0]
		use := func(count int, r Request) Outcome { return s.Verify(client(t, challenge, opts("s", count)), r, stored) }
		steps := []struct {
			count int
			want  Outcome
		}{{1, OK}, {1, Stale}, {5, OK}, {3, OK}, {3, Stale}, {5, Stale}, {200, OK}, {100, Stale}, {199, OK}, {136, OK}, {135, Stale}}
		for i, st := range steps {
			if got := use(st.count, reg); got != st.want {
				t.Errorf("step %d, count %d: %v, want %v", i, st.count, got, st.want)
			}
		}
		elsewhere := reg
		elsewhere.Source = there
		if got := use(300, elsewhere); got != Stale {
			t.Errorf("from another source: %v", got)
		}
		time.Sleep(5*time.Minute - time.Second)
		if got := use(301, reg); got != OK {
			t.Errorf("just before its end: %v", got)
		}
		time.Sleep(time.Second)
		if got := use(302, reg); got != Stale {
			t.Errorf("after its end: %v", got)
		}
	})
}

// A wrong guess does not use up a count, and does not fill the table.
func TestGuessesLeaveNothingBehind(t *testing.T) {
	s := New(Options{Realm: "k"})
	stored := ha1("101", "k", "s")
	challenge := s.Challenges(here, false)[0]
	for range 100 {
		s.Verify(client(t, challenge, opts("guess", 1)), reg, stored)
	}
	if n := len(s.seen.used); n != 0 {
		t.Errorf("%d nonces remembered", n)
	}
	if got := s.Verify(client(t, challenge, opts("s", 1)), reg, stored); got != OK {
		t.Errorf("got %v", got)
	}
}

// The replay table is bounded; what it forgot is stale, never open to replay.
func TestReplayTableIsBounded(t *testing.T) {
	s := New(Options{Realm: "k", MaxNonces: 3})
	stored := ha1("101", "k", "s")
	var used []Credentials
	for range 10 {
		time.Sleep(time.Microsecond)
		c := client(t, s.Challenges(here, false)[0], opts("s", 1))
		if got := s.Verify(c, reg, stored); got != OK {
			t.Fatal(got)
		}
		used = append(used, c)
	}
	if n := len(s.seen.used); n > 3 {
		t.Errorf("%d nonces remembered", n)
	}
	for i, c := range used {
		if got := s.Verify(c, reg, stored); got != Stale {
			t.Errorf("replay of %d: %v", i, got)
		}
	}
}

// Old phones answer without qop, whatever they are offered: once per nonce.
func TestWithoutQOP(t *testing.T) {
	s := New(Options{Realm: "k"})
	stored := ha1("101", "k", "s")
	c := client(t, strings.Replace(s.Challenges(here, false)[0], `, qop="auth"`, "", 1), opts("s", 0))
	if got := s.Verify(c, reg, stored); got != OK {
		t.Errorf("first: %v", got)
	}
	if got := s.Verify(c, reg, stored); got != Stale {
		t.Errorf("again: %v", got)
	}
}

func TestDigestURI(t *testing.T) {
	for _, c := range []struct {
		digest, request string
		want            bool
	}{
		{"sip:klapka.example", "sip:klapka.example", true},
		{"sip:klapka.example:5060", "sip:klapka.example", true},
		{"sip:klapka.example;transport=udp", "sip:KLAPKA.example", true},
		{"sip:101@klapka.example", "sip:klapka.example", true},
		{"sip:%2A43@klapka.example", "sip:*43@klapka.example;user=phone", true},
		{"sips:102@klapka.example", "sip:102@klapka.example", true},
		{"sip:[2001:db8::1]:5060", "sip:[2001:db8::1]", true},
		{"sip:0043900@klapka.example", "sip:102@klapka.example", false},
		{"sip:102@elsewhere.example", "sip:102@klapka.example", false},
		{"", "", true},
		{"sip:", "sip:klapka.example", false},
	} {
		if got := sameTarget(c.digest, c.request); got != c.want {
			t.Errorf("%q for %q: %v", c.digest, c.request, got)
		}
	}
}

func TestParse(t *testing.T) {
	good := `DIGEST username="a\"b" , realm=k,nonce="n", uri="sip:h",response="00",qop=auth,nc=0000000a ,cnonce="c",x="y, z"`
	c, err := Parse(good)
	if err != nil || c.Username != `a"b` || c.Realm != "k" || c.count != 10 || c.CNonce != "c" {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{
		"", "Digest", "Basic abc", "Digest username", `Digest username="a`, `Digest =x`,
		`Digest username="a",realm="k",nonce="n",uri="u"`,
		`Digest username="a",username="b",realm="k",nonce="n",uri="u",response="r"`,
		`Digest username="a",realm="k",nonce="n",uri="u",response="r",qop=auth`,
		`Digest username="a",realm="k",nonce="n",uri="u",response="r",qop=auth,nc=00000000`,
		`Digest username="a",realm="k",nonce="n",uri="u",response="r",qop=auth,nc=1`,
		`Digest username="a",realm="k",nonce="n",uri="u",response="r",qop=auth,nc=FFFFFFFFF`,
		`Digest username="a"realm="k",nonce="n",uri="u",response="r"`,
		"Digest username=\"a\x00\",realm=\"k\",nonce=\"n\",uri=\"u\",response=\"r\"",
		"Digest " + strings.Repeat("x=y,", 2000),
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

// What contradicts itself is malformed, not wrong: it must not lead to a ban.
func TestMalformed(t *testing.T) {
	s := New(Options{Realm: "k"})
	stored := ha1("101", "k", "s")
	base := client(t, s.Challenges(here, false)[0], opts("s", 1))
	for name, change := range map[string]func(*Credentials){
		"another realm":         func(c *Credentials) { c.Realm = "x" },
		"auth-int":              func(c *Credentials) { c.QOP = "auth-int" },
		"no cnonce":             func(c *Credentials) { c.CNonce = "" },
		"algorithm not offered": func(c *Credentials) { c.Algorithm = "SHA-256" },
		"session algorithm":     func(c *Credentials) { c.Algorithm = "MD5-sess" },
		"another target":        func(c *Credentials) { c.URI = "sip:elsewhere" },
	} {
		c := base
		change(&c)
		if got := s.Verify(c, reg, stored); got != Malformed {
			t.Errorf("%s: %v", name, got)
		}
	}
	c := base
	c.Nonce = "forged"
	if got := s.Verify(c, reg, stored); got != Stale {
		t.Errorf("forged nonce: %v", got)
	}
}

// Row 9 of the advisories: no header whatsoever may do more than be refused.
func FuzzParse(f *testing.F) {
	f.Add(`Digest username="101", realm="k", nonce="n", uri="sip:h", response="r", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest ,,, a="\`)
	s := New(Options{Realm: "k"})
	f.Fuzz(func(t *testing.T, v string) {
		c, err := Parse(v)
		if err != nil {
			return
		}
		if got := s.Verify(c, reg, ha1("101", "k", "s")); got == OK {
			t.Errorf("accepted %q", v)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s := New(Options{Realm: "k"})
	stored := ha1("101", "k", "s")
	chal, _ := icholy.ParseChallenge(s.Challenges(here, false)[0])
	cred, _ := icholy.Digest(chal, opts("s", 1))
	c, _ := Parse(cred.String())
	b.ReportAllocs()
	for i := range b.N {
		c.NC = fmt.Sprintf("%08x", i+1)
		c.count = uint32(i + 1)
		s.Verify(c, reg, stored)
	}
}
