package sdp

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// defaultPTime is what RFC 3551 §4.2 gives when nothing is said.
const defaultPTime = 20 * time.Millisecond

// Local is our side of a negotiation.
type Local struct {
	Addr      netip.AddrPort // where we receive RTP; RTCP is one port above
	SessionID uint64         // of o=, one per dialog
	Version   uint64         // of o=; the caller raises it when the description differs from its last
	Codecs    []Codec        // in order of preference, with the payload types we would announce
	Direction Direction      // what we want; empty: SendRecv
	PTime     time.Duration  // what we want to receive; 0: 20 ms
	// Prefer names the codec to be put first whenever the other side can do it,
	// so that a call is relayed as it is. Empty: their order in an answer, ours in
	// an offer.
	Prefer string
	// Security is the policy; Crypto our keys, which stay the same for the whole
	// dialog (NewCrypto).
	Security Security
	Crypto   []Crypto
	// Previous is the last description we sent in this dialog, nil if none. A
	// later offer keeps its streams and payload types (RFC 3264 §8).
	Previous []byte
}

// Offer is our description when nothing was offered to us.
func Offer(l Local) []byte {
	codecs := l.ordered(l.Codecs)
	previous, err := Parse(l.Previous)
	if err != nil || len(previous.Media) == 0 {
		proto, keys := l.offered(nil)
		return l.write([]Stream{{Type: "audio"}}, 0, codecs, audio{proto, keys, l.direction()})
	}
	at := 0
	for i, m := range previous.Media {
		if m.Type == "audio" && m.Port != 0 {
			at = i
			break
		}
	}
	proto, keys := l.offered(&previous.Media[at])
	return l.write(previous.Media, at, keepNumbers(codecs, previous.Media[at].Codecs), audio{proto, keys, l.direction()})
}

// keepNumbers gives codecs the payload types they had before, and new ones a
// number that nothing else had (RFC 3264 §8.3.2).
func keepNumbers(codecs, before []Codec) []Codec {
	out := append([]Codec(nil), codecs...)
	var taken [128]bool
	for _, c := range before {
		taken[c.PT&127] = true
	}
	for i := range out {
		if j := indexOf(before, out[i]); j >= 0 {
			out[i].PT = before[j].PT
			continue
		}
		for pt := uint8(96); taken[out[i].PT&127] && pt < 128; pt++ {
			out[i].PT = pt
		}
		taken[out[i].PT&127] = true
	}
	return out
}

// audio is what is said of our stream beside codecs.
type audio struct {
	proto     string
	crypto    []Crypto
	direction Direction
}

// write puts down a description with one line for each of streams: at is our
// audio, all others are rejected.
func (l Local) write(streams []Stream, at int, codecs []Codec, a audio) []byte {
	addr := l.Addr.Addr().Unmap().WithZone("")
	family := "IP4"
	if addr.Is6() {
		family = "IP6"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN %s %s\r\ns=Klapka\r\nc=IN %s %s\r\nt=0 0\r\n",
		l.SessionID, l.Version, family, addr, family, addr)
	for i, s := range streams {
		if i == at {
			l.writeAudio(&b, codecs, a)
			continue
		}
		writeRejected(&b, s)
	}
	return b.Bytes()
}

func (l Local) writeAudio(b *bytes.Buffer, codecs []Codec, a audio) {
	fmt.Fprintf(b, "m=audio %d %s", l.Addr.Port(), a.proto)
	for _, c := range codecs {
		fmt.Fprintf(b, " %d", c.PT)
	}
	b.WriteString("\r\n")
	for _, c := range codecs {
		fmt.Fprintf(b, "a=rtpmap:%d %s/%d", c.PT, wireName(c.Name), c.ClockRate)
		if c.Channels > 1 {
			fmt.Fprintf(b, "/%d", c.Channels)
		}
		b.WriteString("\r\n")
		if c.Fmtp != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", c.PT, c.Fmtp)
		}
	}
	for _, c := range a.crypto {
		c.write(b)
	}
	fmt.Fprintf(b, "a=ptime:%d\r\na=%s\r\n", l.ptime().Milliseconds(), a.direction)
}

// wireName is how the registry of payload formats spells the names that are not
// upper case there; some phones compare literally.
func wireName(name string) string {
	switch name {
	case TelephoneEvent:
		return "telephone-event"
	case Opus:
		return "opus"
	}
	return name
}

// writeRejected answers a stream we do not take with port 0; RFC 3264 §6 wants
// at least one format, and some phones want theirs back.
func writeRejected(b *bytes.Buffer, s Stream) {
	fmt.Fprintf(b, "m=%s 0 %s", token(s.Type), token(s.Proto))
	for _, f := range s.Formats {
		b.WriteString(" " + token(f))
	}
	if len(s.Formats) == 0 {
		b.WriteString(" 0")
	}
	b.WriteString("\r\n")
}

// token makes a word of the other side fit to be sent (RFC 8866 §9 token, and
// the slash of protocols).
func token(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`"(),:;<=>?@[\]`, r) {
			return '-'
		}
		return r
	}, s)
}

func (l Local) direction() Direction { return firstOf(l.Direction, SendRecv) }

func (l Local) ptime() time.Duration { return firstOf(l.PTime, defaultPTime) }

// ordered is codecs with the preferred one first.
func (l Local) ordered(codecs []Codec) []Codec {
	out := make([]Codec, 0, len(codecs))
	for _, first := range []bool{true, false} {
		for _, c := range codecs {
			if first == (l.Prefer != "" && strings.EqualFold(c.Name, l.Prefer)) {
				out = append(out, c)
			}
		}
	}
	return out
}

// indexOf is where codecs has c, payload type apart, or -1.
func indexOf(codecs []Codec, c Codec) int {
	for i, o := range codecs {
		if o.Same(c) {
			return i
		}
	}
	return -1
}
