package peer_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/peer/peertest"
	"klapka.dev/klapka/media/sdp"
)

// A browser hears and is heard, in every second and without a gap.
func TestSoundBothWays(t *testing.T) {
	s, b := connected(t, newGateway(t))
	w := &watcher{}
	k := talking(t, s, w)
	s.Activate(k)
	ear := mediatest.NewEar()
	k.Attach(ear)
	k.Hear(tone(t, 1000))
	b.Say(440)
	b.Listen()
	expectTone(t, ear, 440, 500*time.Millisecond, 2500*time.Millisecond)
	expectTone(t, b.Ear(), 1000, 500*time.Millisecond, 2500*time.Millisecond)
	stats := k.Stats()
	if stats.Codec != sdp.PCMA || stats.PacketsLost != 0 || stats.PacketsReceived < 100 || stats.PacketsSent < 100 {
		t.Errorf("stats %+v", stats)
	}
	if len(w.first) != 1 || !w.first[0].IsValid() {
		t.Errorf("first sound told from %v", w.first)
	}
}

// Two browsers talk through the relay of their slots.
func TestBrowserToBrowser(t *testing.T) {
	g := newGateway(t)
	sa, a := connected(t, g)
	sb, b := connected(t, g)
	ka, kb := talking(t, sa, nil), talking(t, sb, nil)
	sa.Activate(ka)
	sb.Activate(kb)
	ka.Hear(kb)
	kb.Hear(ka)
	a.Say(440)
	b.Say(1000)
	a.Listen()
	b.Listen()
	expectTone(t, a.Ear(), 1000, 500*time.Millisecond, 1500*time.Millisecond)
	expectTone(t, b.Ear(), 440, 500*time.Millisecond, 1500*time.Millisecond)
}

// law is a source of one codec.
type law struct {
	sink media.Sink
	f    media.Frame
}

func (l *law) Attach(k media.Sink) { l.sink = k }
func (l *law) Detach(media.Sink)   { l.sink = nil }
func (l *law) say(codec string, packets int) {
	l.f.Codec = sdp.Codec{Name: codec, ClockRate: 8000, Channels: 1}
	for range packets {
		l.f.Payload, l.f.Samples = make([]byte, 160), 160
		l.sink.WriteFrame(&l.f)
		l.f.Seq++
		l.f.Timestamp += 160
	}
}

// The browser is sent the far party's codec as it is, with one SSRC and numbers
// that go on, so that nothing is converted.
func TestDownlinkInTheFarPartysCodec(t *testing.T) {
	s, b := connected(t, newGateway(t))
	k := talking(t, s, nil)
	s.Activate(k)
	far, other := &law{}, &law{f: media.Frame{Seq: 9000, Timestamp: 77, Stream: 5}}
	k.Hear(far)
	far.say(sdp.PCMU, 3)
	far.say(sdp.PCMA, 3)
	k.Hear(other)
	other.say(sdp.PCMU, 3)
	eventually(t, "nine packets", func() bool { return len(b.Heard()) == 9 })
	heard := b.Heard()
	for i, h := range heard {
		want := uint8(peertest.PCMU)
		if i/3 == 1 {
			want = peertest.PCMA
		}
		if h.PayloadType != want || h.Size != 160 {
			t.Errorf("packet %d: payload type %d, want %d", i, h.PayloadType, want)
		}
		if i > 0 && (h.Seq != heard[i-1].Seq+1 || h.SSRC != heard[i-1].SSRC || int32(h.Timestamp-heard[i-1].Timestamp) < 160) {
			t.Errorf("packet %d does not go on: %+v after %+v", i, h, heard[i-1])
		}
	}
	if !heard[6].Marker {
		t.Error("no marker on the first packet of another source")
	}
}

// The active slot has microphone and loudspeaker; the others hear nothing and
// say nothing, and who hears them is told that numbers start anew.
func TestSwitchBetweenSlots(t *testing.T) {
	s, b := connected(t, newGateway(t))
	ka, kb := talking(t, s, nil), talking(t, s, nil)
	fa, fb := &frames{}, &frames{}
	ka.Attach(fa)
	kb.Attach(fb)
	ka.Hear(tone(t, 1000))
	kb.Hear(tone(t, 2000))
	b.Say(440)
	s.Activate(ka)
	b.Listen()
	expectTone(t, b.Ear(), 1000, 300*time.Millisecond, 700*time.Millisecond)
	s.Activate(kb)
	fa.got()
	before := len(fa.got())
	b.Listen()
	expectTone(t, b.Ear(), 2000, 300*time.Millisecond, 700*time.Millisecond)
	if n := len(fa.got()); n > before+1 {
		t.Errorf("a slot that waits said %d packets", n-before)
	}
	s.Activate(ka)
	eventually(t, "the microphone is back", func() bool { return len(fa.got()) > before+5 })
	all := fa.got()
	if all[0].Stream == all[len(all)-1].Stream {
		t.Error("numbers leapt over the time of waiting, and the stream is said to be the same")
	}
	s.Activate(nil)
	b.Listen()
	time.Sleep(300 * time.Millisecond)
	expectSilence(t, b.Ear(), 100*time.Millisecond)
	if a, c := ka.Stats(), kb.Stats(); a.PacketsReceived == 0 || c.PacketsReceived == 0 || a.PacketsReceived+c.PacketsReceived > 200 {
		t.Errorf("packets counted for %d and %d", a.PacketsReceived, c.PacketsReceived)
	}
}

// A slot goes from one page to another in mid-call.
func TestSlotMovesToAnotherSession(t *testing.T) {
	g := newGateway(t)
	sa, a := connected(t, g)
	sb, b := connected(t, g)
	k := talking(t, sa, nil)
	sa.Activate(k)
	k.Hear(tone(t, 1000))
	ear := mediatest.NewEar()
	k.Attach(ear)
	b.Say(440)
	sb.Add(k)
	sb.Activate(k)
	a.Listen()
	b.Listen()
	expectTone(t, b.Ear(), 1000, 500*time.Millisecond, 1200*time.Millisecond)
	expectTone(t, ear, 440, 500*time.Millisecond, 1200*time.Millisecond)
	expectSilence(t, a.Ear(), 100*time.Millisecond)
}

// Digits of the browser's own sender (RFC 4733) are told once each and passed on;
// so are those that the page tells by command.
func TestDigitsFromTheBrowser(t *testing.T) {
	s, b := connected(t, newGateway(t))
	w, far := &watcher{}, &frames{}
	k := talking(t, s, w)
	s.Activate(k)
	k.Attach(far)
	b.Say(440)
	b.Press(5)
	b.Press(5)
	b.Press(11)
	eventually(t, "55#", func() bool { return w.keys() == "55#" })
	k.Press("1*", 60*time.Millisecond)
	eventually(t, "1*", func() bool { return w.keys() == "55#1*" })
	events, stamps := 0, map[uint32]bool{}
	for _, f := range far.got() {
		if f.Codec.Name == sdp.TelephoneEvent {
			events++
			stamps[f.Timestamp] = true
		}
	}
	if len(stamps) != 5 || events < 5*4 {
		t.Errorf("%d event packets of %d keys were passed on, want five keys", events, len(stamps))
	}
}

// Digits to the browser go as events.
func TestDigitsToTheBrowser(t *testing.T) {
	s, b := connected(t, newGateway(t))
	k := talking(t, s, nil)
	k.SendDigits("9", 60*time.Millisecond) // waits: none
	s.Activate(k)
	k.SendDigits("42", 60*time.Millisecond)
	eventually(t, "two digits", func() bool {
		stamps := map[uint32]bool{}
		for _, h := range b.Heard() {
			if h.PayloadType == peertest.Event {
				stamps[h.Timestamp] = true
			}
		}
		return len(stamps) == 2
	})
}

// A phone that speaks a codec which the browser was not answered with is heard
// all the same.
func TestSoundIsConverted(t *testing.T) {
	s, b := connected(t, newGateway(t))
	k := talking(t, s, nil)
	s.Activate(k)
	k.Hear(toneIn(t, sdp.Codec{Name: sdp.Opus, PT: 111, ClockRate: 48000, Channels: 2}, 1000))
	b.Listen()
	expectTone(t, b.Ear(), 1000, 500*time.Millisecond, 1500*time.Millisecond)
}

// A slot of a leg on hold lets nothing through in either direction.
func TestInactiveSlot(t *testing.T) {
	s, b := connected(t, newGateway(t))
	k := talking(t, s, nil)
	s.Activate(k)
	if err := k.Connect(sdp.Session{Direction: sdp.Inactive}); err != nil {
		t.Fatal(err)
	}
	far := &frames{}
	k.Attach(far)
	k.Hear(tone(t, 1000))
	b.Say(440)
	b.Listen()
	time.Sleep(300 * time.Millisecond)
	expectSilence(t, b.Ear(), 0)
	if n := len(far.got()); n > 0 {
		t.Errorf("%d packets of somebody on hold", n)
	}
}

// PCMA comes first in the answer, whatever the browser's order, and what cannot
// be passed on as it is (comfort noise, Opus) is not in it.
func TestAnswer(t *testing.T) {
	s, b := newSession(t, newGateway(t), nil), newBrowser(t)
	offer, err := b.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Negotiate(context.Background(), offer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "UDP/TLS/RTP/SAVPF 8 0 9 126\r\n") {
		t.Errorf("codecs of the answer:\n%s", answer)
	}
	for _, want := range []string{"a=ice-lite\r\n", "a=setup:passive\r\n", "a=candidate:", "a=sendrecv\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("answer has no %q:\n%s", want, answer)
		}
	}
	if strings.Contains(answer, ".local") {
		t.Errorf("mDNS in the answer:\n%s", answer)
	}
}
