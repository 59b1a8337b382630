package sip

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/sip/header"
)

// The session intervals of RFC 4028 §4 that are ours to choose.
const (
	sessionWanted = 30 * time.Minute
	sessionFloor  = 90 * time.Second // a shorter one is refused with 422
)

// tooSmall is the status of a request whose session interval is too short (§6).
const tooSmall = 422

// The roles in a transaction, as Session-Expires names the one that refreshes.
const (
	refresherUAC = "uac"
	refresherUAS = "uas"
)

// terms are what one transaction agrees about the session timer.
type terms struct {
	interval  time.Duration // 0: there is none
	refresher string
	able      bool // the peer knows the extension: it may be told to heed it
}

// sessionExpires reads Session-Expires.
func sessionExpires(m sip.Message) (interval time.Duration, refresher string, ok bool) {
	value, found := header.Get(m, "Session-Expires")
	if !found {
		return 0, "", false
	}
	text, params, _ := strings.Cut(value, ";")
	interval, ok = seconds(text)
	refresher, _ = header.ParseParams(params).Get("refresher")
	return interval, strings.ToLower(refresher), ok
}

// seconds reads delta-seconds of at most a day; nobody means more.
func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 86400)) * time.Second, true
}

// minSE reads Min-SE; the floor when there is none.
func minSE(m sip.Message) time.Duration {
	value, _ := header.Get(m, "Min-SE")
	text, _, _ := strings.Cut(value, ";")
	if d, ok := seconds(text); ok {
		return max(d, sessionFloor)
	}
	return sessionFloor
}

// termsFor answers what a request asks for (RFC 4028 §9); ok is false when it
// asks for less than the floor. ours says who refreshes so far, if anybody does:
// a request that does not name the role leaves it. At first it goes to who asked
// for the timer.
func termsFor(req *sip.Request, now terms, ours bool) (t terms, ok bool) {
	t.able = header.Has(req, "Supported", "timer") || header.Has(req, "Require", "timer")
	asked, role, given := sessionExpires(req)
	switch {
	case given && asked < sessionFloor && t.able:
		return terms{}, false
	case given:
		t.interval = min(max(asked, sessionFloor), max(sessionWanted, minSE(req)))
	case now.interval > 0:
		t.interval = max(now.interval, minSE(req))
	case t.able:
		t.interval = max(sessionWanted, minSE(req))
	default:
		return terms{}, true
	}
	switch {
	case !t.able:
		t.refresher = refresherUAS // the other end does not know how (table 2)
	case role == refresherUAC || role == refresherUAS:
		t.refresher = role
	case now.interval > 0 && ours, now.interval == 0 && !given:
		t.refresher = refresherUAS
	default:
		t.refresher = refresherUAC
	}
	return t, true
}

// write puts the terms into our 2xx.
func (t terms) write(res *sip.Response) {
	if t.interval == 0 {
		return
	}
	if t.able {
		res.AppendHeader(sip.NewHeader("Require", "timer"))
	}
	res.AppendHeader(sip.NewHeader("Session-Expires", inSeconds(t.interval)+";refresher="+t.refresher))
}

func inSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// sessionTimer keeps one dialog from outliving its peer unnoticed (RFC 4028).
// The legs of a call each have their own, with terms of their own.
type sessionTimer struct {
	terms
	ours   bool // we refresh
	due    *time.Timer
	expiry *time.Timer
}

// arm starts the session anew on these terms, or ends it when they are none. Who
// does not refresh ends the call a little before the interval is over (§10).
func (u *usage) arm(t terms, ours bool) {
	u.timer.stop()
	u.timer.terms, u.timer.ours = t, ours
	if t.interval == 0 {
		return
	}
	last := t.interval
	if ours {
		u.refreshIn(t.interval / 2)
	} else {
		last -= min(32*time.Second, t.interval/3)
	}
	u.timer.expiry = time.AfterFunc(last, func() {
		u.q.do(func() {
			if u.alive() {
				u.timer.stop()
				u.lost("session expired")
			}
		})
	})
}

func (s *sessionTimer) stop() {
	stop(s.due)
	stop(s.expiry)
}

// alive reports whether the dialog is confirmed and nobody hung up.
func (u *usage) alive() bool { return u.up && !u.bye && !u.released }

// requested makes the terms of an INVITE or UPDATE of the peer; ok is false when
// it was refused for them.
func (u *usage) requested(req *sip.Request, respond func(*sip.Response)) (t terms, ok bool) {
	t, ok = termsFor(req, u.timer.terms, u.timer.ours)
	if !ok {
		res := responseTo(req, tooSmall, "Session Interval Too Small", string(u.id))
		res.AppendHeader(sip.NewHeader("Min-SE", inSeconds(sessionFloor)))
		respond(res)
	}
	return t, ok
}

// ask puts our wish for a session timer into a request.
func (u *usage) ask(req *sip.Request) {
	interval := u.timer.interval
	value := ""
	if interval == 0 {
		interval = sessionWanted
	} else {
		value = ";refresher=" + refresherUAC // of this request, that is us
	}
	interval = max(interval, u.floor)
	req.AppendHeader(sip.NewHeader("Session-Expires", inSeconds(interval)+value))
	if u.floor > sessionFloor {
		req.AppendHeader(sip.NewHeader("Min-SE", inSeconds(u.floor)))
	}
}

// granted takes the terms of a 2xx to a request of ours (§7.2). One who grants
// them without a word about the role leaves it to us.
func (u *usage) granted(res *sip.Response) {
	interval, role, ok := sessionExpires(res)
	if !ok {
		u.arm(terms{}, false)
		return
	}
	u.arm(terms{interval: max(interval, sessionFloor), refresher: role, able: true}, role != refresherUAS)
}
