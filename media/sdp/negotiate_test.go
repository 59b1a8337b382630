package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// plain is a description of one audio stream with the given lines after m=.
func plain(m string, lines ...string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio " + m + "\r\n" + strings.Join(lines, "\r\n") + "\r\n")
}

func answer(t *testing.T, offer []byte, l Local) ([]byte, Session) {
	t.Helper()
	a, s, err := Answer(offer, l)
	if err != nil {
		t.Fatalf("Answer: %v", err)
	}
	return a, s
}

func TestOfferIsWhatPhonesExpect(t *testing.T) {
	want := strings.ReplaceAll(`v=0
o=- 4711 1 IN IP4 198.51.100.10
s=Klapka
c=IN IP4 198.51.100.10
t=0 0
m=audio 20000 RTP/AVP 8 0 9 111 101 110
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:9 G722/8000
a=rtpmap:111 opus/48000/2
a=fmtp:111 useinbandfec=1
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtpmap:110 telephone-event/48000
a=fmtp:110 0-15
a=ptime:20
a=sendrecv
`, "\n", "\r\n")
	if got := string(Offer(local())); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	l := local()
	l.Addr = netip.MustParseAddrPort("[2001:db8::1]:20000")
	l.Prefer, l.Direction, l.PTime = "pcmu", SendOnly, 30*time.Millisecond
	got := string(Offer(l))
	for _, line := range []string{"o=- 4711 1 IN IP6 2001:db8::1", "c=IN IP6 2001:db8::1", "m=audio 20000 RTP/AVP 0 8 9 111 101 110", "a=ptime:30", "a=sendonly"} {
		if !strings.Contains(got, line+"\r\n") {
			t.Errorf("offer lacks %q:\n%s", line, got)
		}
	}
}

// What we offer and answer must be understood alike at both ends.
func TestOfferAnswerAgree(t *testing.T) {
	a, b := local(), local()
	b.Addr = netip.MustParseAddrPort("198.51.100.20:30000")
	b.Prefer = PCMU
	offer := Offer(a)
	reply, atB := answer(t, offer, b)
	atA, err := Apply(offer, reply, a)
	if err != nil {
		t.Fatal(err)
	}
	if atA.Codec.Name != PCMU || atB.Codec.Name != PCMU || atA.Remote != b.Addr || atB.Remote != a.Addr {
		t.Errorf("A: %+v\nB: %+v", atA, atB)
	}
	if atA.Event.PT != 101 || atB.Event.PT != 101 || atA.Direction != SendRecv || atB.Direction != SendRecv {
		t.Errorf("A: %+v\nB: %+v", atA, atB)
	}
}

// Every direction offered against every direction of ours (RFC 3264 §6.1).
func TestDirections(t *testing.T) {
	want := map[Direction][4]Direction{ // ours: SendRecv, SendOnly, RecvOnly, Inactive
		SendRecv: {SendRecv, SendOnly, RecvOnly, Inactive},
		SendOnly: {RecvOnly, Inactive, RecvOnly, Inactive},
		RecvOnly: {SendOnly, SendOnly, Inactive, Inactive},
		Inactive: {Inactive, Inactive, Inactive, Inactive},
	}
	for theirs, row := range want {
		for i, ours := range []Direction{SendRecv, SendOnly, RecvOnly, Inactive} {
			l := local()
			l.Direction = ours
			a, s := answer(t, plain("4000 RTP/AVP 8", "a="+string(theirs)), l)
			if s.Direction != row[i] || !bytes.Contains(a, []byte("a="+string(row[i])+"\r\n")) {
				t.Errorf("%s offered, %s wanted: %s, want %s", theirs, ours, s.Direction, row[i])
			}
			held := sends(ours) && (theirs == SendOnly || theirs == Inactive)
			if s.Held != held {
				t.Errorf("%s offered, %s wanted: held %v, want %v", theirs, ours, s.Held, held)
			}
			if theirs.Reverse().Reverse() != theirs {
				t.Errorf("%s reversed twice is %s", theirs, theirs.Reverse().Reverse())
			}
		}
	}
}

// Hold as old phones do it: no address to send to, in an offer, at the session,
// in IPv6 and in the answer to ours.
func TestHoldByNullAddress(t *testing.T) {
	for _, host := range []string{"IN IP4 0.0.0.0", "IN IP6 ::", "IN IP6 ::ffff:0.0.0.0"} {
		offer := plain("4000 RTP/AVP 8", "c="+host)
		_, s := answer(t, offer, local())
		if !s.Held || s.Direction != RecvOnly || s.Remote.IsValid() || s.RemoteRTCP.IsValid() {
			t.Errorf("offer with c=%s: %+v", host, s)
		}
		s, err := Apply(Offer(local()), offer, local())
		if err != nil || !s.Held || s.Direction != RecvOnly {
			t.Errorf("answer with c=%s: %+v, %v", host, s, err)
		}
	}
}

// When we hold and the phone consents, it is not the phone that holds.
func TestOurHoldIsNotTheirs(t *testing.T) {
	l := local()
	l.Direction = SendOnly
	s, err := Apply(Offer(l), plain("4000 RTP/AVP 8", "a=recvonly"), l)
	if err != nil || s.Held || s.Direction != SendOnly {
		t.Errorf("%+v, %v", s, err)
	}
	l.Direction = Inactive
	s, err = Apply(Offer(l), plain("4000 RTP/AVP 8", "a=inactive"), l)
	if err != nil || s.Held || s.Direction != Inactive {
		t.Errorf("%+v, %v", s, err)
	}
}

// A caller that can only do A-law makes the callee's A-law the one to use, so
// that nothing is converted.
func TestPreferredCodecComesFirst(t *testing.T) {
	l := local()
	l.Prefer = PCMA
	a, s := answer(t, plain("4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"), l)
	if s.Codec.Name != PCMA || !bytes.Contains(a, []byte("RTP/AVP 8 0 101\r\n")) {
		t.Errorf("%+v\n%s", s, a)
	}
	l.Prefer = G722 // not possible here: the offer's order
	if _, s = answer(t, plain("4000 RTP/AVP 0 8"), l); s.Codec.Name != PCMU {
		t.Errorf("%+v", s)
	}
	s, err := Apply(Offer(l), plain("4000 RTP/AVP 0 8"), Local{Prefer: PCMA})
	if err != nil || s.Codec.Name != PCMA {
		t.Errorf("%+v, %v", s, err)
	}
}

// Phones answer with payload types of their own, and some then send with the
// offered ones and some with theirs.
func TestAnswerWithOtherPayloadTypes(t *testing.T) {
	s, err := Apply(Offer(local()), plain("4000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000"), local())
	if err != nil || s.Event.PT != 96 {
		t.Fatalf("%+v, %v", s, err)
	}
	got := []string{}
	for _, c := range s.Receive {
		got = append(got, name(c))
	}
	want := "PCMA/8000=8 TELEPHONE-EVENT/8000=101 TELEPHONE-EVENT/8000=96 CN/8000=13"
	if strings.Join(got, " ") != want {
		t.Errorf("receive %v, want %s", got, want)
	}
	// 101 without an rtpmap means what we said it means.
	s, err = Apply(Offer(local()), plain("4000 RTP/AVP 0 101"), local())
	if err != nil || s.Event.PT != 101 || s.Codec.Name != PCMU {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name string
		sdp  []byte
		want error
	}{
		{"nothing", nil, ErrNoAudio},
		{"words", []byte("hello there"), ErrNoAudio},
		{"only video", []byte("m=video 4000 RTP/AVP 99\r\n"), ErrNoAudio},
		{"port 0", plain("0 RTP/AVP 8"), ErrNoAudio},
		{"port above 65535", plain("65536 RTP/AVP 8"), ErrNoAudio},
		{"secure only", plain("4000 RTP/SAVP 8"), ErrNoAudio},
		{"feedback profile only", plain("4000 RTP/AVPF 8"), ErrNoAudio},
		{"no codec", plain("4000 RTP/AVP 18"), ErrNoCodec},
		{"digits only", plain("4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), ErrNoCodec},
		{"remapped A-law", plain("4000 RTP/AVP 8", "a=rtpmap:8 L16/16000"), ErrNoCodec},
		{"65 streams", plain("4000 RTP/AVP 8", strings.Repeat("m=audio 4000 RTP/AVP 8\r\n", 64)), ErrTooLarge},
		{"1000 streams", plain("4000 RTP/AVP 8", strings.Repeat("m=audio 4000 RTP/AVP 8\r\n", 999)), ErrTooLarge},
		{"129 formats", plain("4000 RTP/AVP" + strings.Repeat(" 8", 129)), ErrTooLarge},
		{"64 KiB and one", bytes.Repeat([]byte("a"), 64<<10+1), ErrTooLarge},
	}
	for _, c := range cases {
		if _, _, err := Answer(c.sdp, local()); !errors.Is(err, c.want) {
			t.Errorf("%s offered: %v, want %v", c.name, err, c.want)
		}
		if _, err := Apply(Offer(local()), c.sdp, local()); !errors.Is(err, c.want) {
			t.Errorf("%s answered: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Apply(bytes.Repeat([]byte("a"), 1<<17), plain("4000 RTP/AVP 8"), local()); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a huge offer of ours: %v", err)
	}
}

// At the bounds a description is still understood, and quickly.
func TestBoundsAreGenerous(t *testing.T) {
	for name, b := range map[string][]byte{
		"64 streams":      plain("4000 RTP/AVP 8", strings.Repeat("m=video 4000 RTP/AVP 99\r\n", 63)),
		"128 formats":     plain("4000 RTP/AVP" + strings.Repeat(" 8", 128)),
		"5000 attributes": plain("4000 RTP/AVP 8", strings.Repeat("a=rtpmap:8 x/1\n", 4000)+"a=rtpmap:8 PCMA/8000"),
	} {
		start := time.Now()
		if a, _, err := Answer(b, local()); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got, want := bytes.Count(a, []byte("\nm=")), bytes.Count(b, []byte("\nm=")); got != want {
			t.Errorf("%s: %d streams answered, want %d", name, got, want)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

// Nobody gets us to send to many hosts at once, or to a host hidden in a name.
func TestAddressesWeDoNotSendTo(t *testing.T) {
	for _, host := range []string{"224.0.0.1/127", "255.255.255.255", "ff02::1", "phone.example.org", "", "10.0.0.999"} {
		_, s := answer(t, []byte("c=IN IP4 "+host+"\nm=audio 4000 RTP/AVP 8\n"), local())
		if s.Remote.IsValid() || s.Held || s.Direction != SendRecv {
			t.Errorf("c=%s: %+v", host, s)
		}
	}
	_, s := answer(t, []byte("c=IN IP6 [2001:db8::7]\nm=audio 4000 RTP/AVP 8\n"), local())
	if s.Remote != netip.MustParseAddrPort("[2001:db8::7]:4000") {
		t.Errorf("bracketed IPv6: %v", s.Remote)
	}
}

func TestPacketTime(t *testing.T) {
	for lines, want := range map[string]time.Duration{
		"":                          20 * time.Millisecond,
		"a=ptime:30":                30 * time.Millisecond,
		"a=ptime:30.0":              30 * time.Millisecond,
		"a=ptime:0":                 20 * time.Millisecond,
		"a=ptime:-5":                20 * time.Millisecond,
		"a=ptime:99999999999":       20 * time.Millisecond,
		"a=ptime:4000":              20 * time.Millisecond,
		"a=ptime:60\na=maxptime:40": 40 * time.Millisecond,
		"a=maxptime:10":             10 * time.Millisecond,
	} {
		if _, s := answer(t, plain("4000 RTP/AVP 8", lines), local()); s.PTime != want {
			t.Errorf("%q: %v, want %v", lines, s.PTime, want)
		}
	}
}

// The session says what the stream does not: direction, packet time, address.
func TestSessionLevel(t *testing.T) {
	_, s := answer(t, []byte("a=sendonly\na=ptime:30\nc=IN IP4 10.0.0.9\nm=audio 4000 RTP/AVP 8\n"), local())
	if !s.Held || s.PTime != 30*time.Millisecond || s.Remote != netip.MustParseAddrPort("10.0.0.9:4000") {
		t.Errorf("%+v", s)
	}
	_, s = answer(t, []byte("a=sendonly\nc=IN IP4 10.0.0.9\nm=audio 4000 RTP/AVP 8\na=sendrecv\nc=IN IP4 10.0.0.8\n"), local())
	if s.Held || s.Remote != netip.MustParseAddrPort("10.0.0.8:4000") {
		t.Errorf("%+v", s)
	}
}

// Digits share the clock of the speech they go with (RFC 4733 §2.1).
func TestDigitsFollowTheClock(t *testing.T) {
	l := local()
	offer := plain("4000 RTP/AVP 96 0 101 100", "a=rtpmap:96 opus/48000/2", "a=rtpmap:101 telephone-event/8000", "a=rtpmap:100 telephone-event/48000")
	a, s := answer(t, offer, l)
	if s.Codec.Name != Opus || s.Event.PT != 100 || !bytes.Contains(a, []byte("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n")) {
		t.Errorf("%+v\n%s", s, a)
	}
	l.Prefer = PCMU
	if _, s = answer(t, offer, l); s.Codec.Name != PCMU || s.Event.PT != 101 {
		t.Errorf("%+v", s)
	}
}

// Within a dialog a later offer of ours keeps the streams there were and what
// their numbers mean (RFC 3264 §8).
func TestLaterOfferKeepsStreams(t *testing.T) {
	l := local()
	first := []byte("m=video 5000 RTP/AVP 99\nm=audio 4000 RTP/AVP 0 97\na=rtpmap:97 telephone-event/8000\nm=image 5004 udptl t38\n")
	l.Previous, _ = answer(t, first, l)
	l.Version++
	got := string(Offer(l))
	for _, want := range []string{
		"o=- 4711 2 IN", "m=video 0 RTP/AVP 99\r\nm=audio 20000 RTP/AVP 8 0 9 111 97 110\r\n", "a=rtpmap:97 telephone-event/8000\r\n", "m=image 0 udptl t38\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	s, err := Apply([]byte(got), []byte("c=IN IP4 10.0.0.5\nm=video 0 RTP/AVP 99\nm=audio 4000 RTP/AVP 8 97\na=rtpmap:97 telephone-event/8000\nm=image 0 udptl t38\n"), l)
	if err != nil || s.Codec.Name != PCMA || s.Event.PT != 97 {
		t.Errorf("%+v, %v", s, err)
	}
	// A number that meant something else is not used again.
	before := []Codec{{Name: "ILBC", PT: 101, ClockRate: 8000}, {Name: PCMA, PT: 8, ClockRate: 8000}}
	kept := keepNumbers(DefaultCodecs(), before)
	if kept[0].PT != 8 || kept[4].PT == 101 || kept[4].PT < 96 {
		t.Errorf("%+v", kept)
	}
}

// The audio we offered second may be answered second, or alone.
func TestAnswerInItsPlace(t *testing.T) {
	offer := []byte("m=video 0 RTP/AVP 99\nm=audio 20000 RTP/AVP 8\n")
	for _, reply := range []string{
		"c=IN IP4 10.0.0.5\nm=video 0 RTP/AVP 99\nm=audio 4000 RTP/AVP 8\n",
		"c=IN IP4 10.0.0.5\nm=audio 4000 RTP/AVP 8\n",
	} {
		if s, err := Apply(offer, []byte(reply), local()); err != nil || s.Remote.Port() != 4000 {
			t.Errorf("%q: %+v, %v", reply, s, err)
		}
	}
}

// A value that carries a line break must not become a line of ours.
func TestNothingOfTheirsBreaksOurLines(t *testing.T) {
	a, _ := answer(t, []byte("m=audio 4000 RTP/AVP 8\rm=ev\"il\x00 5 x\x01y a\x7fb\r\n"), local())
	for line := range strings.SplitSeq(strings.TrimSuffix(string(a), "\r\n"), "\r\n") {
		if strings.ContainsAny(line, "\r\n\x00\x01\x7f") || len(line) < 2 || line[1] != '=' {
			t.Errorf("line %q", line)
		}
	}
	if !bytes.Contains(a, []byte("m=ev-il- 0 x-y a-b\r\n")) {
		t.Errorf("the odd stream is not answered:\n%s", a)
	}
}

func TestParseKeepsOrigin(t *testing.T) {
	d, err := Parse([]byte("\ufeffv=0\no=a b c 1 2 IN IP4 10.0.0.5\no=second\n"))
	if err != nil || d.Origin != "a b c 1 2 IN IP4 10.0.0.5" || len(d.Media) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
