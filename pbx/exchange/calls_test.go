package exchange

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/pbx/pbxtest"
)

const (
	annaAddr  = "10.0.1.1:5060"
	pavelAddr = "10.0.1.2:5060"
	emilyAddr = "10.0.1.3:5060"
	annaRTP   = "10.0.1.1:4000"
	pavelRTP  = "10.0.1.2:4000"
)

func TestCallIsAnsweredAndHungUpByTheCallee(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		if from := in.InviteMessage().Get("From"); !strings.Contains(from, `"Anna Huber" <sip:101@`) {
			t.Errorf("the callee is shown %q", from)
		}
		in.Respond(180)
		call.Expect(180)
		time.Sleep(5 * time.Second)
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		time.Sleep(time.Minute)
		in.Bye()
		call.ExpectBye()
		r.wantOutcome("101→102 normal by callee, answered by 102; 101 normal; 102 normal")
		rec := r.record()
		if d := rec.AnsweredAt.Sub(rec.RangAt); d != 5*time.Second {
			t.Errorf("rang for %v by the record, 5 s in truth", d)
		}
		if d := rec.EndedAt.Sub(rec.AnsweredAt); d != time.Minute {
			t.Errorf("talked for %v by the record, 1 min in truth", d)
		}
	})
}

// A phone that gives up is told 487, the other stops ringing without being told
// that somebody answered: it must show a missed call (T-28).
func TestCallerGivesUp(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Respond(180)
		call.Expect(180)
		call.Cancel()
		call.Expect(487)
		if m := in.ExpectCancel(); strings.Contains(m.Get("Reason"), "200") {
			t.Errorf("a missed call is hidden by Reason: %s", m.Get("Reason"))
		}
		r.wantOutcome("101→102 cancelled by caller; 101 cancelled; 102 cancelled")
	})
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name    string
		code    int
		want    int
		outcome string
	}{
		{"busy", 486, 486, "101→102 busy by callee; 101 busy; 102 busy"},
		{"declined", 603, 603, "101→102 declined by callee; 101 declined; 102 declined"},
		{"unavailable", 480, 480, "101→102 unreachable by system; 101 unreachable; 102 unreachable"},
		{"broken phone", 500, 480, "101→102 unreachable by system; 101 unreachable; 102 unreachable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inVirtualTime(t, func(r *rig) {
				anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
				call := anna.Invite("102", sdpAt(annaRTP))
				pavel.ExpectInvite().Respond(tt.code)
				call.Expect(tt.want)
				r.wantOutcome(tt.outcome)
			})
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		start := time.Now()
		in := pavel.ExpectInvite()
		in.Respond(180)
		call.Expect(180)
		in.ExpectCancel()
		if d := time.Since(start); d < 29*time.Second || d > 31*time.Second {
			t.Errorf("rang for %v, want 30 s", d)
		}
		call.Expect(183) // the announcement
		call.Expect(480)
		r.wantOutcome("101→102 no_answer by system; 101 no_answer; 102 no_answer")
	})
}

// The caller hears why before he is refused, and is not charged: 183 and no 200.
func TestAnnouncements(t *testing.T) {
	for _, tt := range []struct {
		name, dialled, outcome string
		code                   int
	}{
		{"nobody has the number", "999", "101→999 not_in_service by system; 101 not_in_service", 404},
		{"nobody is registered", "104", "101→104 unreachable by system; 101 unreachable", 480},
		{"one's own number", "101", "101→101 busy by system; 101 busy", 486},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inVirtualTime(t, func(r *rig) {
				anna := r.phone("101", annaAddr)
				call := anna.Invite(tt.dialled, sdpAt(annaRTP))
				call.Expect(183)
				start := time.Now()
				call.Expect(tt.code)
				if d := time.Since(start); d < 2*time.Second {
					t.Errorf("the announcement lasted %v", d)
				}
				r.wantOutcome(tt.outcome)
			})
		})
	}
}

func TestLateOfferIsRefusedWithoutAnnouncement(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		call := r.phone("101", annaAddr).Invite("999", "")
		call.Expect(404)
	})
}

// A person's phones ring together; the first answer wins, the others are told
// that it was answered elsewhere, and by whom it was is in the record.
func TestFirstDeviceToAnswerWins(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna := r.phone("101", annaAddr)
		desk, dect := r.phone("102", pavelAddr), r.phone("102", "10.0.1.22:5060")
		call := anna.Invite("102", sdpAt(annaRTP))
		a, b := desk.ExpectInvite(), dect.ExpectInvite()
		a.Respond(180)
		b.Respond(180)
		call.Expect(180)
		b.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		if m := a.ExpectCancel(); !strings.Contains(m.Get("Reason"), "cause=200") {
			t.Errorf("the loser was not told that somebody answered: Reason %q", m.Get("Reason"))
		}
		call.Bye()
		b.ExpectBye()
		r.wantOutcome("101→102 normal by caller, answered by 102; 101 normal; 102 answered_elsewhere; 102 normal")
	})
}

// Two phones answer in the same moment: one talks, the other gets its BYE.
func TestTwoAnswersAtOnce(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna := r.phone("101", annaAddr)
		desk, dect := r.phone("102", pavelAddr), r.phone("102", "10.0.1.22:5060")
		call := anna.Invite("102", sdpAt(annaRTP))
		a, b := desk.ExpectInvite(), dect.ExpectInvite()
		a.Answer(sdpAt(pavelRTP))
		b.Answer(sdpAt("10.0.1.22:4000"))
		call.Expect(200)
		call.Ack()
		time.Sleep(time.Second)
		ends := func() (n int) {
			for _, in := range []*pbxtest.Call{a, b} {
				if in.Requests("BYE")+in.Requests("CANCEL") > 0 {
					n++
				}
			}
			return n
		}
		if n := ends(); n != 1 {
			t.Errorf("%d of two phones that answered were told to stop, want 1", n)
		}
		call.Bye()
		time.Sleep(time.Second)
		if n := ends(); n != 2 {
			t.Errorf("after the end %d phones were told to stop, want 2", n)
		}
	})
}

// A decline binds the person: all his phones stop.
func TestDeclineOnOneDeviceStopsTheOthers(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna := r.phone("101", annaAddr)
		desk, dect := r.phone("102", pavelAddr), r.phone("102", "10.0.1.22:5060")
		call := anna.Invite("102", sdpAt(annaRTP))
		a, b := desk.ExpectInvite(), dect.ExpectInvite()
		a.Respond(180)
		b.Respond(603)
		a.ExpectCancel()
		call.Expect(603)
	})
}

// The answer of a phone and the caller's CANCEL cross: one of them wins, and
// nobody is left in a dead call.
func TestAnswerAndCancelCross(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond} {
		inVirtualTime(t, func(r *rig) {
			r.net.SetLink(pbxtest.Link{Delay: 20 * time.Millisecond})
			anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
			call := anna.Invite("102", sdpAt(annaRTP))
			in := pavel.ExpectInvite()
			in.Respond(180)
			call.Expect(180)
			in.Answer(sdpAt(pavelRTP))
			time.Sleep(delay)
			call.SendCancel()
			if m := call.Expect(200, 487); m.Status() == 200 {
				call.Ack()
				call.Bye()
			}
			in.ExpectBye()
		})
	}
}

// Loss, reordering and duplication lose no call: either it comes about, or it is
// refused, and nothing is left.
func TestBadNetwork(t *testing.T) {
	for seed := range uint64(40) {
		seeded(t, seed, func(r *rig) {
			anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
			r.net.SetLink(pbxtest.Link{
				Delay: 15 * time.Millisecond, Jitter: 40 * time.Millisecond, Loss: 0.15, Duplicate: 0.1, Reorder: 0.2,
			})
			call := anna.Invite("102", sdpAt(annaRTP))
			in := pavel.ExpectInvite()
			in.Respond(180)
			time.Sleep(2 * time.Second)
			in.Answer(sdpAt(pavelRTP))
			call.Expect(200)
			call.Ack()
			in.ExpectAck()
			time.Sleep(10 * time.Second)
			call.Bye()
			in.ExpectBye()
			r.net.SetLink(pbxtest.Link{})
			r.wantOutcome("101→102 normal by caller, answered by 102; 101 normal; 102 normal")
		})
	}
}

func TestHoldAndResume(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		in.ExpectAck()
		if m := call.Reinvite(sdpAt(annaRTP, "a=sendonly")); !strings.Contains(string(m.Body), "a=recvonly") {
			t.Errorf("hold was answered with\n%s", m.Body)
		}
		synctest.Wait()
		if got := r.x.calls.Calls()[0].Legs[0].State; got != "held" {
			t.Errorf("the live call shows the holder as %q", got)
		}
		if n := in.Requests("INVITE"); n > 1 {
			t.Error("the other phone was bothered with the hold")
		}
		if m := call.Reinvite(sdpAt(annaRTP)); !strings.Contains(string(m.Body), "a=sendrecv") {
			t.Errorf("resume was answered with\n%s", m.Body)
		}
		call.Bye()
		in.ExpectBye()
	})
}

// The exchange is killed in mid-call: at the next start phones are called
// without having sent a byte, and the call's record is closed.
func TestRestartKeepsRegistrationsAndClosesRecords(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		time.Sleep(10 * time.Second)
		r.end()
		r.start()
		again := anna.Invite("102", sdpAt(annaRTP))
		pavel.ExpectInvite().Respond(486)
		again.Expect(486)
		list := r.records()
		if len(list) != 2 {
			t.Fatalf("%d records for two calls", len(list))
		}
		if c := list[1].Cause.Code; c != "shutdown" {
			t.Errorf("the cut call ended with %q", c)
		}
	})
}

func TestStoppingRefusesNewCallsAndGivesGrace(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		anna, pavel, emily := r.phone("101", annaAddr), r.phone("102", pavelAddr), r.phone("103", emilyAddr)
		call := anna.Invite("102", sdpAt(annaRTP))
		in := pavel.ExpectInvite()
		in.Answer(sdpAt(pavelRTP))
		call.Expect(200)
		call.Ack()
		r.stop()
		time.Sleep(time.Second)
		m := emily.Invite("101", sdpAt("10.0.1.3:4000")).Expect(503)
		if m.Get("Retry-After") == "" {
			t.Error("the refusal does not say when to try again")
		}
		in.ExpectBye()
		call.ExpectBye()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		r.start()
	})
}

// The echo test is a call that was answered, by the number that was dialled.
func TestEchoIsAnswered(t *testing.T) {
	inVirtualTime(t, func(r *rig) {
		call := r.phone("101", annaAddr).Invite("*43", sdpAt(annaRTP))
		call.Expect(200)
		call.Ack()
		time.Sleep(10 * time.Second)
		call.Bye()
		r.wantOutcome("101→*43 normal by caller, answered by *43; 101 normal")
	})
}

// A caller who hangs up in the moment of the answer was answered all the same.
func TestHungUpAtTheAnswer(t *testing.T) {
	for seed := range uint64(20) {
		seeded(t, seed, func(r *rig) {
			anna, pavel := r.phone("101", annaAddr), r.phone("102", pavelAddr)
			call := anna.Invite("102", sdpAt(annaRTP))
			in := pavel.ExpectInvite()
			in.Answer(sdpAt(pavelRTP))
			call.Expect(200)
			call.Ack()
			call.Bye()
			in.ExpectBye()
			r.wantOutcome("101→102 normal by caller, answered by 102; 101 normal; 102 normal")
		})
	}
}
