package cdr_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/pbxtest"
)

// The record of a conversation says who, whom, what rang, who answered, how long,
// why it ended and how it sounded, for the call and for each phone.
func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t, t.TempDir(), pbxtest.NewLedger())
		began := time.Now().UTC()
		at := func(second int) time.Time { return began.Add(time.Duration(second) * time.Second) }
		for _, s := range conversation() {
			x.script("1", s)
			time.Sleep(time.Second)
		}
		r, _ := x.ledger.Call("1")
		over := pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByCallee}
		want := pbx.CallRecord{
			ID: "1", From: anna, Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"}, AnsweredBy: jan,
			StartedAt: at(0), RangAt: at(4), AnsweredAt: at(10), EndedAt: at(15), Cause: over,
			Legs: []pbx.LegRecord{
				{
					ID: "1-a", Call: "1", Incoming: true, Party: anna, Edge: "udp", Remote: "127.0.0.2:5060",
					SIPCall: "x@y", UserAgent: "phone", StartedAt: at(1), RangAt: at(5), AnsweredAt: at(9), EndedAt: at(14),
					Cause: over, Quality: pbx.Quality{Codec: "PCMU"},
				},
				{
					ID: "1-b", Call: "1", Party: jan, Edge: "udp", Remote: "127.0.0.3:5060",
					StartedAt: at(2), RangAt: at(4), AnsweredAt: at(7), EndedAt: at(13), Cause: over, Quality: heard,
				},
				{
					ID: "1-c", Call: "1", Party: jan, Edge: "tcp", Remote: "127.0.0.4:5060",
					StartedAt: at(3), RangAt: at(6), EndedAt: at(8),
					Cause: pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem},
				},
			},
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("record\n%+v\nwant\n%+v", r, want)
		}
		x.close(t)
	})
}

// A call shows as running, with what is known of it, from its first event on.
func TestRunningCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t, t.TempDir(), pbxtest.NewLedger())
		for n, s := range conversation() {
			x.script("1", s)
			time.Sleep(time.Second)
			r, ok := x.ledger.Call("1")
			last := n == len(conversation())-1
			if !ok || r.EndedAt.IsZero() == last || n >= 10 == r.AnsweredAt.IsZero() {
				t.Errorf("after %T: %+v", s.body, r)
			}
		}
		x.close(t)
	})
}

// A call that nobody answered has no conversation in its record, and says why.
func TestNobodyAnswers(t *testing.T) {
	for _, cause := range []pbx.Cause{
		{Code: pbx.CauseNoAnswer, By: pbx.BySystem},
		{Code: pbx.CauseBusy, By: pbx.ByCallee},
		{Code: pbx.CauseCancelled, By: pbx.ByCaller},
		{Code: pbx.CauseNotInService, By: pbx.BySystem, Text: "no route"},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := start(t, t.TempDir(), pbxtest.NewLedger())
			x.script("1", conversation()[:2]...)
			x.script("1",
				step{"a", pbx.LegRinging{}}, // told so; nothing of ours rings
				step{"a", pbx.LegEnded{Cause: cause}},
				step{"", pbx.CallEnded{Cause: cause}})
			time.Sleep(time.Second)
			r, _ := x.ledger.Call("1")
			if r.Cause != cause || !r.RangAt.IsZero() || !r.AnsweredAt.IsZero() || r.AnsweredBy != (pbx.PartyInfo{}) {
				t.Errorf("%+v", r)
			}
			x.close(t)
		})
	}
}

// A busy exchange costs one write for each call that changed, not for each event.
func TestOneWritePerCallAndBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, writes := pbxtest.NewLedger(), 0
		ledger.SetAway(true)
		x := start(t, t.TempDir(), ledger)
		for _, id := range []string{"1", "2", "3"} {
			x.script(id, conversation()...)
		}
		synctest.Wait()
		ledger.SetFault(func(p pbxtest.LedgerPoint) error {
			if p == pbxtest.AtWrite {
				writes++
			}
			return nil
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if writes != 3 || len(ledger.Calls()) != 3 {
			t.Errorf("%d writes for %d calls", writes, len(ledger.Calls()))
		}
		x.close(t)
	})
}

// A call that is over soon is written when it is, and only then.
func TestShortCallIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, writes := pbxtest.NewLedger(), 0
		x := start(t, t.TempDir(), ledger)
		time.Sleep(time.Second)
		ledger.SetFault(func(p pbxtest.LedgerPoint) error {
			if p == pbxtest.AtWrite {
				writes++
			}
			return nil
		})
		for _, s := range conversation() {
			x.script("1", s)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if r, _ := ledger.Call("1"); writes != 1 || r.EndedAt.IsZero() {
			t.Errorf("%d writes, %+v", writes, r)
		}
		x.close(t)
	})
}

// A leg that nobody ended is closed with its call: no row stays open for ever.
func TestForgottenLeg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := start(t, t.TempDir(), pbxtest.NewLedger())
		x.script("1", conversation()[:8]...)
		time.Sleep(time.Minute)
		cause := pbx.Cause{Code: pbx.CauseFault, By: pbx.BySystem}
		end := x.script("1", step{"", pbx.CallEnded{Cause: cause}})[0]
		// What still comes of it concerns nobody.
		x.script("1", step{"b", pbx.LegEnded{}}, step{"", pbx.CallEnded{}})
		time.Sleep(time.Second)
		r, _ := x.ledger.Call("1")
		for _, l := range r.Legs {
			if !l.EndedAt.Equal(end.At) || l.Cause != cause {
				t.Errorf("leg %+v", l)
			}
		}
		if r.Cause != cause || !r.EndedAt.Equal(end.At) {
			t.Errorf("%+v", r)
		}
		x.close(t)
	})
}
