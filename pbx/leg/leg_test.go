package leg

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
)

// play posts inputs one after the other, each handled before the next, and
// returns the story.
func play(l *Leg, st *story, ins ...Input) string {
	for _, in := range ins {
		l.Post(in)
		synctest.Wait()
	}
	return st.String()
}

func end(c pbx.CauseCode) Input {
	return Input{Kind: CmdEnd, Cause: pbx.Cause{Code: c, By: pbx.BySystem}}
}

func TestIncomingLeg(t *testing.T) {
	offer := phoneSDP
	tests := []struct {
		name  string
		offer string
		ins   []Input
		want  string
	}{
		{"answered and hung up by the caller", offer,
			[]Input{{Kind: CmdRing}, {Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InBye}},
			"ring, <ringing early=false>, connect PCMA, answer+sdp, <up>, close, <ended normal by caller>, release, <dead>"},
		{"BYE of ours waits for the ACK (RFC 3261 §15)", offer,
			[]Input{{Kind: CmdAnswer}, end(pbx.CauseNormal), {Kind: InAcked}, {Kind: InGone}},
			"connect PCMA, answer+sdp, <up>, close, <ended normal by system>, bye normal, release, <dead>"},
		{"never acknowledged", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InAckLost, Cause: pbx.Cause{By: pbx.BySystem}}, {Kind: InGone}},
			"connect PCMA, answer+sdp, <up>, close, <ended network by system>, bye network, release, <dead>"},
		{"early sound, then the same answer again", offer,
			[]Input{{Kind: CmdEarly}, {Kind: CmdHear}, {Kind: CmdAnswer}, {Kind: InAcked}, end(pbx.CauseNormal), {Kind: InGone}},
			"connect PCMA, ring+sdp, <ringing early=true>, hear, answer+sdp, <up>, close, <ended normal by system>, bye normal, release, <dead>"},
		{"busy", offer, []Input{end(pbx.CauseBusy)}, "reject busy, close, <ended busy by system>, release, <dead>"},
		{"given up", offer, []Input{{Kind: CmdRing}, {Kind: InCancelled}},
			"ring, <ringing early=false>, close, <ended cancelled by caller>, release, <dead>"},
		{"given up as it was answered, and the CANCEL was faster on the wire", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InCancelled}, {Kind: InAcked}, {Kind: InBye}},
			"connect PCMA, answer+sdp, <up>, close, <ended cancelled by caller>, release, <dead>"},
		{"late offer: ours in the 2xx, theirs in the ACK", "",
			[]Input{{Kind: CmdEarly}, {Kind: CmdAnswer}, {Kind: InAcked, SDP: otherSDP}, {Kind: InBye}},
			"ring, <ringing early=false>, answer+sdp, <up>, connect PCMA, close, <ended normal by caller>, release, <dead>"},
		{"late offer never answered", "",
			[]Input{{Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InGone}},
			"answer+sdp, <up>, close, <ended incompatible by system>, bye incompatible, release, <dead>"},
		{"no common codec", string(g729SDP), []Input{{Kind: CmdAnswer}},
			"reject incompatible, close, <ended incompatible by system>, release, <dead>"},
		{"hold and resume", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InOffered, SDP: heldSDP}, {Kind: InAcked}, {Kind: InOffered, SDP: otherSDP}, {Kind: InBye}},
			"connect PCMA, answer+sdp, <up>, connect PCMA, accept+sdp, <held true>, connect PCMA, accept+sdp, <held false>, close, <ended normal by caller>, release, <dead>"},
		{"an offer we cannot use leaves the call as it was", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InOffered, SDP: g729SDP}, {Kind: InBye}},
			"connect PCMA, answer+sdp, <up>, refuse 2, close, <ended normal by caller>, release, <dead>"},
		{"glare: a second offer while ours is unanswered (RFC 3264 §4)", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InOffered}, {Kind: InOffered, SDP: otherSDP}, {Kind: InAcked, SDP: otherSDP}, {Kind: InBye}},
			"connect PCMA, answer+sdp, <up>, accept+sdp, refuse 0, connect PCMA, close, <ended normal by caller>, release, <dead>"},
		{"re-INVITE before the answer (RFC 3261 §14.2)", offer,
			[]Input{{Kind: InOffered, SDP: otherSDP}, {Kind: InCancelled}},
			"refuse 1, close, <ended cancelled by caller>, release, <dead>"},
		{"keys and digits", offer,
			[]Input{{Kind: CmdAnswer}, {Kind: InDigit, Digits: "5"}, {Kind: CmdDigits, Digits: "42"}, {Kind: InBye}},
			"connect PCMA, answer+sdp, <up>, <key 5>, digits 42, close, <ended normal by caller>, release, <dead>"},
		{"nothing happens after death", offer,
			[]Input{{Kind: InCancelled}, {Kind: CmdAnswer}, {Kind: CmdHear}, end(pbx.CauseBusy), {Kind: InBye}},
			"close, <ended cancelled by caller>, release, <dead>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, st, _ := newTestLeg(true, tt.offer)
				if got := play(l, st, tt.ins...); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

func TestOutgoingLeg(t *testing.T) {
	tests := []struct {
		name string
		ins  []Input
		want string
	}{
		{"rings, answers, hangs up",
			[]Input{{Kind: InTrying}, {Kind: InRinging}, {Kind: InRinging}, {Kind: InAnswered, SDP: otherSDP}, {Kind: InBye}},
			"invite+sdp, <ringing early=false>, connect PCMA, ack, <up>, close, <ended normal by callee>, release, <dead>"},
		{"early sound is told once",
			[]Input{{Kind: InRinging}, {Kind: InRinging, SDP: otherSDP}, {Kind: InRinging, SDP: otherSDP}, end(pbx.CauseNoAnswer), {Kind: InRefused}},
			"invite+sdp, <ringing early=false>, connect PCMA, <ringing early=true>, connect PCMA, close, <ended no_answer by system>, cancel no_answer, release, <dead>"},
		{"CANCEL waits for a provisional response (RFC 3261 §9.1)",
			[]Input{end(pbx.CauseCancelled), {Kind: InTrying}, {Kind: InRefused}},
			"invite+sdp, close, <ended cancelled by system>, cancel cancelled, release, <dead>"},
		{"CANCEL and 200 cross",
			[]Input{{Kind: InRinging}, end(pbx.CauseAnsweredElsewhere), {Kind: InAnswered, SDP: otherSDP}, {Kind: InGone}},
			"invite+sdp, <ringing early=false>, close, <ended answered_elsewhere by system>, cancel answered_elsewhere, ack, bye answered_elsewhere, release, <dead>"},
		{"answered before the CANCEL could leave",
			[]Input{end(pbx.CauseCancelled), {Kind: InAnswered, SDP: otherSDP}, {Kind: InGone}},
			"invite+sdp, close, <ended cancelled by system>, ack, bye cancelled, release, <dead>"},
		{"an answer we cannot use is acknowledged and ended",
			[]Input{{Kind: InAnswered, SDP: g729SDP}, {Kind: InGone}},
			"invite+sdp, ack, close, <ended incompatible by system>, bye incompatible, release, <dead>"},
		{"an answer without description",
			[]Input{{Kind: InAnswered}, {Kind: InGone}},
			"invite+sdp, ack, close, <ended incompatible by system>, bye incompatible, release, <dead>"},
		{"busy", []Input{{Kind: InRefused, Cause: pbx.Cause{Code: pbx.CauseBusy}}},
			"invite+sdp, close, <ended busy by callee>, release, <dead>"},
		{"crossing BYEs", []Input{{Kind: InAnswered, SDP: otherSDP}, end(pbx.CauseNormal), {Kind: InBye}, {Kind: InGone}},
			"invite+sdp, connect PCMA, ack, <up>, close, <ended normal by system>, bye normal, release, <dead>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, st, _ := newTestLeg(false, "")
				l.Dial(dialer{st: st}, pbx.Binding{}, pbx.PartyInfo{})
				synctest.Wait()
				if got := play(l, st, tt.ins...); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

func TestDialThatCannotBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, st, _ := newTestLeg(false, "")
		l.Dial(dialer{st: st, err: errors.New("no route")}, pbx.Binding{}, pbx.PartyInfo{})
		synctest.Wait()
		if want := "invite+sdp, close, <ended unreachable by system>, <dead>"; st.String() != want {
			t.Errorf("got  %s\nwant %s", st, want)
		}
	})
}

// A peer that never finishes an ending cannot keep a leg alive, nor can one that
// never answers.
func TestTimeEndsEverything(t *testing.T) {
	tests := []struct {
		name string
		in   bool
		ins  []Input
	}{
		{"incoming, nobody answers", true, []Input{{Kind: CmdRing}}},
		{"incoming, ACK never comes", true, []Input{{Kind: CmdAnswer}, end(pbx.CauseNormal)}},
		{"incoming, 200 to BYE never comes", true, []Input{{Kind: CmdAnswer}, {Kind: InAcked}, end(pbx.CauseNormal)}},
		{"a conversation for ever", true, []Input{{Kind: CmdAnswer}, {Kind: InAcked}}},
		{"outgoing, no response at all", false, nil},
		{"outgoing, rings for ever", false, []Input{{Kind: InRinging}}},
		{"outgoing, CANCEL ignored", false, []Input{{Kind: InRinging}, end(pbx.CauseNoAnswer)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, st, _ := newTestLeg(tt.in, phoneSDP)
				if !tt.in {
					l.Dial(dialer{st: st}, pbx.Binding{}, pbx.PartyInfo{})
				}
				play(l, st, tt.ins...)
				time.Sleep(13 * time.Hour)
				if l.State() != Dead {
					t.Errorf("still %v: %s", l.State(), st)
				}
			})
		})
	}
}

// A defect ends its own leg, tells the peer, and nothing else.
func TestPanicEndsTheLegProperly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, st, ev := newTestLeg(true, phoneSDP)
		st.panic = "<key 5>"
		got := play(l, st, Input{Kind: CmdAnswer}, Input{Kind: InAcked}, Input{Kind: InDigit, Digits: "5"}, Input{Kind: InBye})
		want := "connect PCMA, answer+sdp, <up>, <key 5>, bye fault, close, <ended fault by system>, release, <dead>"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if want := "leg.started leg.answered leg.ended"; ev.kinds() != want {
			t.Errorf("events %q, want %q", ev.kinds(), want)
		}
	})
}

// A peer that floods a leg faster than it can act loses the leg, not our memory.
func TestFloodEndsTheLeg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, st, _ := newTestLeg(true, phoneSDP)
		l.box.running = true // nobody takes from the box while the flood comes
		for range 5 * mailboxLimit {
			l.Post(Input{Kind: InDigit, Digits: "1"})
		}
		if n := len(l.box.queue); n > mailboxLimit+1 {
			t.Errorf("%d inputs are queued", n)
		}
		l.drain()
		if l.State() != Dead {
			t.Errorf("the flooded leg is %v: %s", l.State(), st)
		}
	})
}

// What the record of a leg says at its end is what its endpoint measured.
func TestEndCarriesQuality(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, st, ev := newTestLeg(true, phoneSDP)
		play(l, st, Input{Kind: CmdAnswer}, Input{Kind: InBye})
		last := ev.all[len(ev.all)-1].Body.(pbx.LegEnded)
		if last.Quality.Codec != "PCMA" || last.Quality.JitterMS != 1.5 || last.Cause.Code != pbx.CauseNormal {
			t.Errorf("the record says %+v", last)
		}
	})
}

// A phone that lost its power is noticed, one that holds or was never meant to
// send is left alone.
func TestSilence(t *testing.T) {
	talk := []Input{{Kind: CmdAnswer}, {Kind: InAcked}}
	held := []Input{{Kind: CmdAnswer}, {Kind: InAcked}, {Kind: InOffered, SDP: heldSDP}}
	for _, tt := range []struct {
		name  string
		ins   []Input
		heard time.Duration // how long the party is heard
		want  time.Duration // when the leg ends; 0: not within 2 h
	}{
		{"heard, then nothing", talk, 20 * time.Second, 80 * time.Second},
		{"never heard", talk, 0, 3 * time.Minute},
		{"heard all the time", talk, 3 * time.Hour, 0},
		{"on hold", held, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, st, _ := newTestLeg(true, phoneSDP)
				st.heardUntil = time.Now().Add(tt.heard)
				play(l, st, tt.ins...)
				start := time.Now()
				for time.Since(start) < 2*time.Hour && l.State() == Up {
					time.Sleep(time.Second)
					synctest.Wait()
				}
				took := time.Since(start)
				if tt.want == 0 && took < 2*time.Hour || tt.want > 0 && (took < tt.want || took > tt.want+10*time.Second) {
					t.Errorf("ended after %v, want %v: %s", took, tt.want, st)
				}
				if tt.want > 0 && l.cause.Code != pbx.CauseMediaTimeout {
					t.Errorf("ended with %q", l.cause.Code)
				}
				play(l, st, end(pbx.CauseNormal), Input{Kind: InGone})
			})
		})
	}
}

// A party is answered with the codec of whom it reached when it has that, and
// keeps its own choice when it has not; others are told which it became.
func TestAnswerPrefersTheOtherSidesCodec(t *testing.T) {
	for prefer, want := range map[string]string{"": "PCMA", "PCMU": "PCMU", "G722": "PCMA"} {
		synctest.Test(t, func(t *testing.T) {
			l, st, _ := newTestLeg(true, phoneSDP)
			if l.Codec().Name != "" {
				t.Errorf("%q before anything was agreed", l.Codec().Name)
			}
			got := play(l, st, Input{Kind: CmdAnswer, Prefer: prefer})
			if !strings.Contains(got, "connect "+want+",") || l.Codec().Name != want {
				t.Errorf("preferring %q: %s, and the leg says %q", prefer, got, l.Codec().Name)
			}
			play(l, st, Input{Kind: InAcked}, Input{Kind: InBye})
		})
	}
}

// With a policy the leg offers and takes keys (RFC 4568), the same ones for the
// whole dialog.
func TestSecurity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNegotiation(Options{Endpoint: endpoint{&story{}}, Security: sdp.SecurityRequire})
		first := string(n.offer())
		n.last = n.ours
		second := string(n.reoffer())
		key := regexp.MustCompile(`inline:\S+`)
		if !strings.Contains(first, "RTP/SAVP") || key.FindString(first) == "" || key.FindString(first) != key.FindString(second) {
			t.Errorf("offers\n%s\nand then\n%s", first, second)
		}
		plain := newNegotiation(Options{Endpoint: endpoint{&story{}}})
		if strings.Contains(string(plain.offer()), "crypto") {
			t.Error("keys are offered without a policy")
		}
	})
}
