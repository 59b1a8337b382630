package peer

import (
	"errors"
	"fmt"

	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media/sdp"
)

// ErrDescription is wrapped by errors about descriptions that cannot be used.
var ErrDescription = errors.New("peer: session description cannot be used")

// Codecs are what browsers are answered with, in order of preference; every
// browser has them (RFC 7874 §3), save G.722, with which those that do are spared
// a conversion of what a phone says. Numbers are those used where nobody has chosen
// others. Comfort noise and redundancy are never accepted, so that sound can be
// passed to phones as it is.
func Codecs() []sdp.Codec {
	return []sdp.Codec{
		{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1},
		{Name: sdp.PCMU, PT: 0, ClockRate: 8000, Channels: 1},
		{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1},
		{Name: sdp.TelephoneEvent, PT: 126, ClockRate: 8000, Channels: 1, Fmtp: "0-15"},
	}
}

// parameters are the codecs as the WebRTC library has them.
func parameters() []webrtc.RTPCodecParameters {
	mime := map[string]string{
		sdp.PCMA: webrtc.MimeTypePCMA, sdp.PCMU: webrtc.MimeTypePCMU, sdp.G722: webrtc.MimeTypeG722, sdp.TelephoneEvent: "audio/telephone-event",
	}
	var out []webrtc.RTPCodecParameters
	for _, c := range Codecs() {
		out = append(out, webrtc.RTPCodecParameters{
			PayloadType: webrtc.PayloadType(c.PT),
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: mime[c.Name], ClockRate: uint32(c.ClockRate), SDPFmtpLine: c.Fmtp,
			},
		})
	}
	return out
}

// preferred are the codecs in our order, with the numbers the other side uses.
func preferred() []webrtc.RTPCodecParameters {
	out := parameters()
	for i := range out {
		out[i].PayloadType = 0 // as negotiated
	}
	return out
}

// agreed is what an answer of ours says, with its numbers.
func agreed(answer string) (sdp.Session, error) {
	d, err := sdp.Parse([]byte(answer))
	if err != nil {
		return sdp.Session{}, fmt.Errorf("%w: %w", ErrDescription, err)
	}
	s := sdp.Session{Direction: sdp.SendRecv}
	for _, m := range d.Media {
		if m.Type == "audio" && m.Port != 0 {
			s.Receive = m.Codecs
		}
	}
	for _, c := range s.Receive {
		switch {
		case c.Name == sdp.TelephoneEvent:
			s.Event = c
		case c.IsSpeech() && s.Codec.Name == "":
			s.Codec = c
		}
	}
	if s.Codec.Name == "" {
		return sdp.Session{}, fmt.Errorf("%w: no common codec", ErrDescription)
	}
	return s, nil
}

// speech are the codecs of s that carry sound.
func speech(s sdp.Session) []sdp.Codec {
	var out []sdp.Codec
	for _, c := range s.Receive {
		if c.IsSpeech() {
			out = append(out, c)
		}
	}
	return out
}
