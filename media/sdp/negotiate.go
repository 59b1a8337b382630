package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Answer answers an offer: the first stream of audio that has a codec in common,
// encrypted ones before others where the policy prefers them, in the offer's
// order and with its payload types; every other stream is rejected in its place
// (RFC 3264 §6). The error wraps ErrTooLarge, ErrNoAudio, ErrInsecure or
// ErrNoCodec.
func Answer(offer []byte, l Local) (answer []byte, s Session, err error) {
	d, err := Parse(offer)
	if err != nil {
		return nil, Session{}, err
	}
	at, codecs, err := pick(d, l)
	if err != nil {
		return nil, Session{}, err
	}
	theirs := d.Media[at]
	s = session(theirs, l)
	s.Encrypt, s.Decrypt, _ = l.keys(theirs)
	said := announced(codecs, l)
	s.Receive = withNoise(said, theirs.Codecs)
	s.choose(codecs)
	out := audio{proto: "RTP/AVP", direction: s.Direction}
	if theirs.secure() {
		out.proto = "RTP/SAVP"
	}
	if s.Encrypt.Suite != "" {
		out.crypto = []Crypto{s.Encrypt}
	}
	return l.write(d.Media, at, said, out), s, nil
}

// Apply is what our offer and its answer agreed on. The error wraps ErrTooLarge,
// ErrNoAudio, ErrInsecure or ErrNoCodec; then the offer came to nothing.
func Apply(offer, answer []byte, l Local) (Session, error) {
	ours, err := Parse(offer)
	if err != nil {
		return Session{}, fmt.Errorf("our offer: %w", err)
	}
	theirs, err := Parse(answer)
	if err != nil {
		return Session{}, err
	}
	at := answeredAt(ours, theirs, l.Security)
	if at < 0 {
		return Session{}, fmt.Errorf("%w in the answer", ErrNoAudio)
	}
	stream := theirs.Media[at]
	offered := offeredStream(ours, at).Codecs
	codecs := l.ordered(common(resolve(stream, offered), offered))
	if !hasSpeech(codecs) {
		return Session{}, fmt.Errorf("%w in the answer", ErrNoCodec)
	}
	s := session(stream, l)
	var secure bool
	if s.Encrypt, s.Decrypt, secure = l.chosen(offeredStream(ours, at).Crypto, stream); !secure {
		return Session{}, fmt.Errorf("%w in the answer", ErrInsecure)
	}
	s.Receive = withNoise(received(codecs, offered), stream.Codecs)
	s.choose(codecs)
	return s, nil
}

// pick finds the stream to answer and the offered codecs we can do.
func pick(d *Description, l Local) (at int, codecs []Codec, err error) {
	err = ErrNoAudio
	plain, found := 0, []Codec(nil)
	for i, m := range d.Media {
		if !m.usable(l.Security) {
			continue
		}
		ours, _, possible := l.keys(m)
		if !possible {
			if errors.Is(err, ErrNoAudio) {
				err = ErrInsecure
			}
			continue
		}
		err = ErrNoCodec
		switch codecs = l.ordered(common(m.Codecs, l.Codecs)); {
		case !hasSpeech(codecs):
		case ours.Suite != "" || l.Security == SecurityOff:
			return i, codecs, nil
		case found == nil:
			plain, found = i, codecs
		}
	}
	if found != nil {
		return plain, found, nil
	}
	return 0, nil, err
}

// usable reports whether a stream is audio we can exchange: RTP, and SRTP where
// it is wanted; RTP/AVPF and its like need more than an answer of ours promises.
func (m Stream) usable(s Security) bool {
	return m.Type == "audio" && m.Port != 0 && (strings.EqualFold(m.Proto, "RTP/AVP") || s != SecurityOff && m.secure())
}

// answeredAt finds the answer to our audio: in its place, or, as some phones
// leave out what they reject, the first that is usable; -1 when rejected.
func answeredAt(ours, theirs *Description, s Security) int {
	for i, m := range ours.Media {
		if m.usable(SecurityPrefer) && i < len(theirs.Media) && theirs.Media[i].usable(s) {
			return i
		}
	}
	for i, m := range theirs.Media {
		if m.usable(s) {
			return i
		}
	}
	return -1
}

// offeredStream is what we offered that was answered at this place.
func offeredStream(ours *Description, at int) Stream {
	if at < len(ours.Media) && ours.Media[at].usable(SecurityPrefer) {
		return ours.Media[at]
	}
	for _, m := range ours.Media {
		if m.usable(SecurityPrefer) {
			return m
		}
	}
	return Stream{}
}

// withNoise adds comfort noise (RFC 3389), which is taken from everybody and
// offered to nobody, under the number they gave it or the usual one.
func withNoise(receive, theirs []Codec) []Codec {
	noise, _ := static(13)
	if i := indexOf(theirs, noise); i >= 0 {
		noise.PT = theirs[i].PT
	}
	if hasNumber(receive, noise.PT) {
		return receive
	}
	return append(receive[:len(receive):len(receive)], noise)
}

// resolve is the codecs of an answer; a number it gives without an rtpmap means
// what the offer said it means.
func resolve(answer Stream, offered []Codec) []Codec {
	out := answer.Codecs
	for _, f := range answer.Formats {
		pt, ok := digits(f, 127)
		if !ok || hasNumber(out, uint8(pt)) {
			continue
		}
		for _, c := range offered {
			if c.PT == uint8(pt) {
				out = append(out, c)
			}
		}
	}
	return out
}

func hasNumber(codecs []Codec, pt uint8) bool {
	for _, c := range codecs {
		if c.PT == pt {
			return true
		}
	}
	return false
}

// common is those of theirs that are also in ours, each format once.
func common(theirs, ours []Codec) []Codec {
	var out []Codec
	for _, c := range theirs {
		if indexOf(ours, c) >= 0 && indexOf(out, c) < 0 {
			out = append(out, c)
		}
	}
	return out
}

func hasSpeech(codecs []Codec) bool {
	for _, c := range codecs {
		if c.IsSpeech() {
			return true
		}
	}
	return false
}

// announced is what our answer says: their payload types, our parameters.
func announced(codecs []Codec, l Local) []Codec {
	out := append([]Codec(nil), codecs...)
	for i := range out {
		out[i].Fmtp = l.Codecs[indexOf(l.Codecs, out[i])].Fmtp
	}
	return out
}

// received is what an answerer may send: the payload types of our offer, and its
// own where they differ and are free, because phones mix them up.
func received(codecs, offered []Codec) []Codec {
	var out []Codec
	for _, c := range codecs {
		out = append(out, offered[indexOf(offered, c)])
	}
	for _, c := range codecs {
		if !hasNumber(out, c.PT) && !hasNumber(offered, c.PT) {
			out = append(out, c)
		}
	}
	return out
}

// choose takes what we send: the first speech, and digits on the same clock if
// there are any, since both share one stream (RFC 4733 §2.1).
func (s *Session) choose(codecs []Codec) {
	for _, c := range codecs {
		if c.IsSpeech() {
			s.Codec = c
			break
		}
	}
	for _, c := range codecs {
		if c.Name != TelephoneEvent {
			continue
		}
		if s.Event.Name == "" || (c.ClockRate == s.Codec.ClockRate && s.Event.ClockRate != c.ClockRate) {
			s.Event = c
		}
	}
}

// session is what follows from their stream and our wishes, codecs apart.
func session(theirs Stream, l Local) Session {
	remote := unicast(theirs.Host, theirs.Port)
	ours := l.direction()
	wanted := receives(theirs.Direction)
	if addr, err := netip.ParseAddr(theirs.Host); err == nil && addr.Unmap().IsUnspecified() {
		wanted = false // hold as of RFC 2543, still in use (RFC 3264 §8.4)
	}
	return Session{
		Remote:     remote,
		RemoteRTCP: theirs.remoteRTCP(remote),
		PTime:      theirs.packetTime(),
		Direction:  direction(sends(ours) && wanted, receives(ours) && sends(theirs.Direction)),
		Held:       sends(ours) && !wanted,
	}
}

func sends(d Direction) bool { return d == SendRecv || d == SendOnly }

func receives(d Direction) bool { return d == SendRecv || d == RecvOnly }

func direction(send, receive bool) Direction {
	switch {
	case send && receive:
		return SendRecv
	case send:
		return SendOnly
	case receive:
		return RecvOnly
	}
	return Inactive
}

// remoteRTCP is where they receive RTCP if that is not one port above RTP.
func (m Stream) remoteRTCP(rtp netip.AddrPort) netip.AddrPort {
	if m.RTCPPort == 0 || !rtp.IsValid() {
		return netip.AddrPort{}
	}
	if m.RTCPHost == "" {
		return netip.AddrPortFrom(rtp.Addr(), uint16(m.RTCPPort))
	}
	return unicast(m.RTCPHost, m.RTCPPort)
}

// unicast is an address to send to: invalid when a host name hides it, when they
// hold the old way, or when more than one host would hear it.
func unicast(host string, port int) netip.AddrPort {
	addr, err := netip.ParseAddr(host)
	addr = addr.Unmap().WithZone("")
	broadcast := addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	if err != nil || addr.IsUnspecified() || addr.IsMulticast() || broadcast {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// packetTime is what they want to receive, kept within what makes sense.
func (m Stream) packetTime() time.Duration {
	t := firstOf(m.PTime, defaultPTime)
	if m.MaxPTime > 0 && t > m.MaxPTime {
		t = m.MaxPTime
	}
	if t < 10*time.Millisecond || t > 120*time.Millisecond {
		return defaultPTime
	}
	return t
}
