package sdp

// Names of payload formats, as Codec.Name carries them.
const (
	PCMU           = "PCMU"
	PCMA           = "PCMA"
	G722           = "G722"
	Opus           = "OPUS"
	TelephoneEvent = "TELEPHONE-EVENT" // RFC 4733
	ComfortNoise   = "CN"              // RFC 3389
)

// DefaultCodecs is what our endpoints speak, in order of preference: first what
// every phone has, so that most calls need no conversion; who prefers a wider
// band asks for it. The caller owns the slice.
func DefaultCodecs() []Codec {
	return []Codec{
		{Name: PCMA, PT: 8, ClockRate: 8000, Channels: 1},
		{Name: PCMU, PT: 0, ClockRate: 8000, Channels: 1},
		{Name: G722, PT: 9, ClockRate: 8000, Channels: 1},
		{Name: Opus, PT: 111, ClockRate: 48000, Channels: 2, Fmtp: "useinbandfec=1"},
		{Name: TelephoneEvent, PT: 101, ClockRate: 8000, Channels: 1, Fmtp: "0-15"},
		{Name: TelephoneEvent, PT: 110, ClockRate: 48000, Channels: 1, Fmtp: "0-15"},
	}
}

// IsSpeech reports whether c carries somebody's sound, in contrast to digits,
// comfort noise and redundancy, which only go beside it.
func (c Codec) IsSpeech() bool {
	switch c.Name {
	case "", TelephoneEvent, ComfortNoise, "RED", "ULPFEC", "FLEXFEC-03":
		return false
	}
	return true
}

// static is the payload format that a number below 96 means without rtpmap
// (RFC 3551 §6); ok is false for numbers without such a meaning in audio.
func static(pt uint8) (c Codec, ok bool) {
	c = Codec{PT: pt, ClockRate: 8000, Channels: 1}
	switch pt {
	case 0:
		c.Name = PCMU
	case 3:
		c.Name = "GSM"
	case 4:
		c.Name = "G723"
	case 5:
		c.Name = "DVI4"
	case 6:
		c.Name, c.ClockRate = "DVI4", 16000
	case 7:
		c.Name = "LPC"
	case 8:
		c.Name = PCMA
	case 9:
		c.Name = G722
	case 10:
		c.Name, c.ClockRate, c.Channels = "L16", 44100, 2
	case 11:
		c.Name, c.ClockRate = "L16", 44100
	case 12:
		c.Name = "QCELP"
	case 13:
		c.Name = ComfortNoise
	case 15:
		c.Name = "G728"
	case 18:
		c.Name = "G729"
	}
	return c, c.Name != ""
}
