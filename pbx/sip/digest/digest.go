// Package digest is the server's side of HTTP digest authentication as SIP uses
// it (RFC 3261 §22, RFC 7616, RFC 8760). It is pure: it knows no messages, no
// sockets and no database; who asks it brings the stored hash.
package digest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"net/netip"
	"strings"
	"time"

	"klapka.dev/klapka/pbx"
)

// Options of a Server; a zero field means its default.
type Options struct {
	Realm string
	// Lifetime is how long a nonce is good for; afterwards clients are told that
	// it is stale and try again without asking anybody. 5 min.
	Lifetime time.Duration
	// MaxNonces bounds the replay table; when it is full, the oldest nonces
	// become stale early. 65,536.
	MaxNonces int
	// SHA256 offers SHA-256 after MD5. Many phones only look at the first
	// challenge and know only MD5, so MD5 is always offered, and first.
	SHA256 bool
}

// Outcome is what became of credentials.
type Outcome int

// The outcomes.
const (
	OK        Outcome = iota // right, and not seen before
	Stale                    // the nonce is over, used up or not for this source: challenge again with stale=true
	Wrong                    // wrong secret, or nobody has this name: the two cannot be told apart
	Malformed                // contradicts itself or the request; 400
)

// String is the outcome's name for logs.
func (o Outcome) String() string {
	return [...]string{"ok", "stale", "wrong", "malformed"}[o]
}

// Server issues and verifies. Nonces are not stored: each carries its time and a
// keyed hash over time, realm and source. All methods may be called from any
// goroutine.
type Server struct {
	o     Options
	start time.Time // nonces count from here, so that a clock that jumps does no harm
	key   [32]byte
	decoy pbx.DigestHA1 // compared against when nobody has the name
	seen  replays
}

// New makes a server with a key of its own: nonces end with the process.
func New(o Options) *Server {
	if o.Lifetime <= 0 {
		o.Lifetime = 5 * time.Minute
	}
	if o.MaxNonces <= 0 {
		o.MaxNonces = 65536
	}
	s := &Server{o: o, start: time.Now(), seen: replays{max: o.MaxNonces, used: make(map[nonce]*window)}}
	_, _ = rand.Read(s.key[:]) // never fails (crypto/rand)
	var d [32]byte
	_, _ = rand.Read(d[:])
	s.decoy = pbx.DigestHA1{MD5: hex.EncodeToString(d[:16]), SHA256: hex.EncodeToString(d[:])}
	return s
}

// Realm is what the stored hashes were made for.
func (s *Server) Realm() string { return s.o.Realm }

// Challenges returns the values of the WWW-Authenticate headers for a client at
// source, the preferred one first.
func (s *Server) Challenges(source netip.Addr, stale bool) []string {
	n := s.issue(source, time.Now())
	tail := ""
	if stale {
		tail = ", stale=true"
	}
	challenge := func(algorithm string) string {
		return `Digest realm="` + quoted.Replace(s.o.Realm) + `", nonce="` + n + `", algorithm=` + algorithm +
			`, qop="auth"` + tail
	}
	if s.o.SHA256 {
		return []string{challenge("MD5"), challenge("SHA-256")}
	}
	return []string{challenge("MD5")}
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Request is what credentials have to fit.
type Request struct {
	Method string
	URI    string // the request URI as received
	Source netip.Addr
}

// Check verifies what can be verified without knowing the user: form, nonce,
// realm and digest-uri. OK here means that Verify is worth a look at the store.
func (s *Server) Check(c Credentials, r Request) Outcome {
	if c.Realm != s.o.Realm || c.Username == "" || c.hash(s.o.SHA256) == nil || !c.consistent() || !sameTarget(c.URI, r.URI) {
		return Malformed
	}
	issued, ok := s.verifyNonce(c.Nonce, r.Source)
	if !ok || time.Since(issued) >= s.o.Lifetime || !s.seen.fresh(nonceOf(c.Nonce), c.count, issued) {
		return Stale
	}
	return OK
}

// Verify decides about credentials. ha1 is the stored hash of the user, or its
// zero value when there is no such user: both take the same time and end in
// Wrong. Right credentials are accepted once.
func (s *Server) Verify(c Credentials, r Request, ha1 pbx.DigestHA1) Outcome {
	if o := s.Check(c, r); o != OK {
		return o
	}
	h, a1, decoy := c.hash(s.o.SHA256)(), ha1.MD5, s.decoy.MD5
	if c.isSHA256() {
		a1, decoy = ha1.SHA256, s.decoy.SHA256
	}
	known := len(a1) == len(decoy)
	if !known {
		a1 = decoy
	}
	want := c.response(h, strings.ToLower(a1), r.Method)
	right := subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(c.Response))) == 1
	if !right || !known {
		return Wrong
	}
	issued, _ := s.verifyNonce(c.Nonce, r.Source)
	if !s.seen.use(nonceOf(c.Nonce), c.count, issued, s.o.Lifetime) {
		return Stale // somebody was faster with the same count
	}
	return OK
}

const (
	nonceTime   = 8
	nonceRandom = 8
	nonceMAC    = 16
)

// issue makes a nonce: time, random bytes, and their keyed hash with realm and
// source.
func (s *Server) issue(source netip.Addr, now time.Time) string {
	b := make([]byte, nonceTime+nonceRandom, nonceTime+nonceRandom+nonceMAC)
	binary.BigEndian.PutUint64(b, uint64(now.Sub(s.start)))
	_, _ = rand.Read(b[nonceTime:])
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b, source)...))
}

func (s *Server) mac(b []byte, source netip.Addr) []byte {
	m := hmac.New(sha256.New, s.key[:])
	m.Write(b)
	m.Write([]byte(s.o.Realm))
	ip := source.Unmap().As16()
	m.Write(ip[:])
	return m.Sum(nil)[:nonceMAC]
}

// verifyNonce reports when a nonce was issued, if it was, by us and to source.
func (s *Server) verifyNonce(n string, source netip.Addr) (time.Time, bool) {
	b, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil || len(b) != nonceTime+nonceRandom+nonceMAC {
		return time.Time{}, false
	}
	body, mac := b[:nonceTime+nonceRandom], b[nonceTime+nonceRandom:]
	if !hmac.Equal(mac, s.mac(body, source)) {
		return time.Time{}, false
	}
	return s.start.Add(time.Duration(binary.BigEndian.Uint64(body))), true
}

// hash returns the hash function of the credentials' algorithm; nil: not offered.
func (c Credentials) hash(sha bool) func() hash.Hash {
	switch {
	case c.Algorithm == "" || strings.EqualFold(c.Algorithm, "MD5"):
		return md5.New
	case sha && c.isSHA256():
		return sha256.New
	}
	return nil
}

func (c Credentials) isSHA256() bool { return strings.EqualFold(c.Algorithm, "SHA-256") }

// response computes what the client should have sent (RFC 7616 §3.4.1); without
// qop the old way of RFC 2069, which some phones use whatever they are offered.
func (c Credentials) response(h hash.Hash, ha1, method string) string {
	ha2 := digestHex(h, method, c.URI)
	if c.QOP == "" {
		return digestHex(h, ha1, c.Nonce, ha2)
	}
	return digestHex(h, ha1, c.Nonce, c.NC, c.CNonce, c.QOP, ha2)
}

func digestHex(h hash.Hash, parts ...string) string {
	h.Reset()
	h.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h.Sum(nil))
}
