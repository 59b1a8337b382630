package account

import (
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/digest"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// Options of an Authenticator.
type Options struct {
	Digest *digest.Server
	People People
	Guard  *transport.Guard // told who is right and, through its Bans, who is wrong

	// Near reports whether a device has a registration from this address; its
	// owner is heard there whatever others try elsewhere. nil: nobody has.
	Near func(device string, ip netip.Addr) bool

	Log *slog.Logger
}

// Authenticator decides who sent a request. All methods may be called from any
// goroutine.
type Authenticator struct {
	o       Options
	suspect suspects
}

// New makes an authenticator.
func New(o Options) *Authenticator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Authenticator{o: o, suspect: suspects{tries: make(map[string]tries)}}
}

// Refusal is the answer to a request whose sender is not accepted.
type Refusal struct {
	Status  int
	Phrase  string
	Headers []sip.Header
	Reason  string // for the log and pbx.CallRefused: "challenge", "digest", "malformed", "disabled"
}

// Response builds the answer.
func (r *Refusal) Response(req *sip.Request) *sip.Response {
	res := sip.NewResponseFromRequest(req, r.Status, r.Phrase, nil)
	for _, h := range r.Headers {
		res.AppendHeader(h)
	}
	return res
}

// Authenticate finds the account whose credentials a request carries; otherwise
// it returns how to answer. Somebody unknown and somebody with a wrong secret get
// the same answer in the same time: a challenge. Malformed credentials are 400,
// right ones of a disabled device 403.
func (a *Authenticator) Authenticate(f transport.Flow, req *sip.Request) (Account, *Refusal) {
	cred, found, err := a.credentials(req)
	if err != nil {
		return Account{}, malformed(err)
	}
	if !found {
		return Account{}, a.challenge(f, false, "challenge")
	}
	ask := digest.Request{Method: string(req.Method), URI: req.Recipient.String(), Source: f.Remote.Addr()}
	switch a.o.Digest.Check(cred, ask) {
	case digest.Malformed:
		return Account{}, malformed(nil)
	case digest.Stale:
		return Account{}, a.challenge(f, true, "challenge")
	}
	dev, _ := a.o.People.DeviceByUsername(cred.Username) // nobody's secret matches no credentials
	if a.suspect.tooMany(cred.Username) && !a.familiar(f, dev) {
		return Account{}, a.challenge(f, false, "digest") // not even looked at
	}
	switch a.o.Digest.Verify(cred, ask, dev.HA1) {
	case digest.OK:
	case digest.Wrong:
		a.failed(f, cred.Username, req.Method)
		return Account{}, a.challenge(f, false, "digest")
	default:
		return Account{}, a.challenge(f, true, "challenge")
	}
	acc := Account{Device: dev, Party: a.o.People.Party(dev.Extension, dev.ID)}
	if !a.o.People.Usable(dev) {
		return acc, &Refusal{403, "Forbidden", nil, "disabled"}
	}
	a.o.Guard.Authenticated(f.Remote)
	return acc, nil
}

// credentials picks the ones for our realm.
func (a *Authenticator) credentials(req *sip.Request) (c digest.Credentials, found bool, err error) {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, line := range header.Lines(req, name) {
			if c, err = digest.Parse(line); err != nil {
				return c, false, err
			}
			if c.Realm == a.o.Digest.Realm() {
				return c, true, nil
			}
		}
	}
	return c, false, nil
}

func malformed(err error) *Refusal {
	r := &Refusal{400, "Bad Request: Authorization", nil, "malformed"}
	if err != nil {
		r.Headers = []sip.Header{sip.NewHeader("Warning", "399 klapka "+header.Quote(err.Error()))}
	}
	return r
}

// challenge asks for credentials.
func (a *Authenticator) challenge(f transport.Flow, stale bool, reason string) *Refusal {
	r := &Refusal{Status: 401, Phrase: "Unauthorized", Reason: reason}
	for _, c := range a.o.Digest.Challenges(f.Remote.Addr(), stale) {
		r.Headers = append(r.Headers, sip.NewHeader("WWW-Authenticate", c))
	}
	return r
}

// failed counts a wrong secret against its source and against the account.
func (a *Authenticator) failed(f transport.Flow, username string, method sip.RequestMethod) {
	a.suspect.failed(username)
	if b := a.o.Guard.Bans(); b != nil {
		b.Failure(f.Remote, username, string(method))
		return
	}
	a.o.Log.Warn("sip authentication failed", "source", f.Remote.Addr().String(), "port", f.Remote.Port(),
		"user", strconv.Quote(username), "method", method)
}

// familiar reports whether the device itself is at this address.
func (a *Authenticator) familiar(f transport.Flow, dev pbx.Device) bool {
	return dev.ID != "" && a.o.Near != nil && a.o.Near(dev.ID, f.Remote.Addr())
}

const (
	maxTries   = 20              // wrong secrets for one account …
	triesFor   = time.Minute     // … within this time slow its guessing down to …
	oneTryEach = 3 * time.Second // … one look each
	maxSuspect = 10000           // names remembered
)

// suspects slows the guessing of one account from many addresses, each of which
// stays below the ban. Names are counted whether they exist or not.
type suspects struct {
	mu    sync.Mutex
	tries map[string]tries
}

type tries struct {
	n     int
	since time.Time
	next  time.Time // when the next look may be taken
}

func (s *suspects) failed(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	t := s.tries[name]
	if now.Sub(t.since) > triesFor {
		t = tries{since: now}
	}
	t.n++
	if len(s.tries) >= maxSuspect {
		clear(s.tries)
	}
	s.tries[name] = t
}

// tooMany reports whether credentials of this name are not to be looked at now.
func (s *suspects) tooMany(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tries[name]
	now := time.Now()
	if !ok || t.n < maxTries || now.Sub(t.since) > triesFor {
		return false
	}
	if now.Before(t.next) {
		return true
	}
	t.next = now.Add(oneTryEach)
	s.tries[name] = t
	return false
}
