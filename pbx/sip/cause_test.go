package sip

import (
	"testing"

	"klapka.dev/klapka/pbx"
)

// Every cause has a status and a Q.850 code, both of the right kind.
func TestCausesAreComplete(t *testing.T) {
	for _, c := range pbx.Causes {
		v, ok := verdicts[c]
		if !ok || v.status < 400 || v.status > 699 || v.phrase == "" || v.q850 < 1 || v.q850 > 127 {
			t.Errorf("%s: %+v", c, v)
		}
		if got := reasonOf(c, false); got == "" {
			t.Errorf("%s: no Reason for a BYE", c)
		}
	}
	if len(verdicts) != len(pbx.Causes) {
		t.Errorf("%d verdicts for %d causes", len(verdicts), len(pbx.Causes))
	}
	if verdictOf("nonsense").status != 500 {
		t.Error("an unknown cause is no fault of ours")
	}
}

// What one exchange says of a person, another one understands: the causes that
// people tell apart survive the way over the wire.
func TestCausesRoundTrip(t *testing.T) {
	for _, c := range []pbx.CauseCode{
		pbx.CauseBusy, pbx.CauseDeclined, pbx.CauseNotInService, pbx.CauseIncompatible, pbx.CauseCancelled, pbx.CauseLoop, pbx.CauseProtocol,
	} {
		if got := causeOfStatus(verdictOf(c).status, false); got != c {
			t.Errorf("%s arrives as %s by its status", c, got)
		}
	}
	for _, c := range []pbx.CauseCode{
		pbx.CauseNormal, pbx.CauseBusy, pbx.CauseDeclined, pbx.CauseNoAnswer, pbx.CauseUnreachable, pbx.CauseNotInService,
		pbx.CauseAnsweredElsewhere, pbx.CauseForbidden, pbx.CauseIncompatible, pbx.CauseCongested, pbx.CauseMediaTimeout, pbx.CauseProtocol,
	} {
		if got, ok := causeOfReason([]string{reasonOf(c, false)}); !ok || got != c {
			t.Errorf("%s arrives as %s by its Reason", c, got)
		}
	}
}

// Any final status is some cause, and a challenge of a phone is not the person's
// word.
func TestEveryStatusHasACause(t *testing.T) {
	known := make(map[pbx.CauseCode]bool)
	for _, c := range pbx.Causes {
		known[c] = true
	}
	for status := 300; status < 700; status++ {
		for _, rang := range []bool{false, true} {
			if c := causeOfStatus(status, rang); !known[c] {
				t.Errorf("%d: %q", status, c)
			}
		}
	}
	for status, want := range map[int]pbx.CauseCode{
		301: pbx.CauseUnreachable, 401: pbx.CauseUnreachable, 407: pbx.CauseUnreachable, 430: pbx.CauseUnreachable,
		500: pbx.CauseUnreachable, 699: pbx.CauseDeclined,
	} {
		if got := causeOfStatus(status, true); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestReasonHeaders(t *testing.T) {
	for value, want := range map[string]pbx.CauseCode{
		`Q.850;cause=17;text="User busy"`:             pbx.CauseBusy,
		`q.850 ; cause = 21`:                          pbx.CauseDeclined,
		`SIP;cause=200;text="Call completed; really"`: pbx.CauseAnsweredElsewhere,
		`SIP ;text="cause=17" ;cause=603`:             pbx.CauseDeclined,
		`SIP;cause=600`:                               pbx.CauseBusy,
		`Q.850;cause=999`:                             "",
		`Q.850`:                                       "",
		`SIP;cause=9999999999999999999`:               "",
		`;;;`:                                         "",
		`X.25;cause=17`:                               "",
	} {
		if got, _ := causeOfReason([]string{value}); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	if got, ok := causeOfReason([]string{"X.25;cause=1", "Q.850;cause=17"}); !ok || got != pbx.CauseBusy {
		t.Errorf("second value: %q", got)
	}
	// T-28: only a branch that lost to an answer is told so.
	for _, c := range pbx.Causes {
		if got := reasonOf(c, true) != ""; got != (c == pbx.CauseAnsweredElsewhere) {
			t.Errorf("CANCEL for %s has a Reason: %v", c, got)
		}
	}
}
