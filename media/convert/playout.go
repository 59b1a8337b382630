package convert

import (
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// How far the playing may be off before a period of the voice is left out or
// repeated, and from where on it is done whether it is heard or not.
const (
	driftTolerated = 10 * time.Millisecond
	driftForced    = 60 * time.Millisecond
)

// Stretching is not heard where a period is this like the next, or where there is
// hardly any sound.
const (
	likeEnough  = 0.6
	quietEnough = 100 // mean of the samples' size
)

// longestPacket bounds the sound of one packet.
const longestPacket = 120 * time.Millisecond

// Playout makes one steady stream of samples out of packets that come when they
// like: for mixing, and whatever else has a clock of its own. It is made for one
// codec; who hears another one makes another Playout.
type Playout struct {
	jitter  *Jitter
	decoder codec.Codec
	own     codec.Concealer // of the decoder; nil: it has none
	clock   int
	stream  uint32
	begun   bool
	hidden  *concealer
	noise   comfort
	dtx     bool // the decoder makes the noise of silence itself
	frame   []int16
	queue   []int16 // made and not read yet
}

// NewPlayout plays what the decoder decodes. The decoder is its own from now on.
func NewPlayout(decoder codec.Codec, now time.Time) *Playout {
	rate := decoder.Rate()
	p := &Playout{
		jitter: NewJitter(decoder.Format().ClockRate, now), decoder: decoder, clock: decoder.Format().ClockRate,
		hidden: newConcealer(rate), frame: make([]int16, samples(rate, longestPacket+longestPitch)),
	}
	p.own, _ = decoder.(codec.Concealer)
	p.queue = make([]int16, 0, 4*len(p.frame))
	return p
}

// Put takes a packet of the source, in whatever order. What is neither of the
// decoder's codec nor comfort noise is disregarded.
func (p *Playout) Put(f *media.Frame, now time.Time) {
	noise := f.Codec.Name == sdp.ComfortNoise
	if !noise && !f.Codec.Same(p.decoder.Format()) {
		return
	}
	if p.begun && f.Stream != p.stream {
		p.jitter.Reset()
	}
	p.begun, p.stream = true, f.Stream
	p.jitter.Put(f.Seq, f.Timestamp, f.Samples, f.Payload, noise, now)
}

// Read fills dst with what is to be heard from now on, at the decoder's rate.
// There is always sound to be had, be it silence.
func (p *Playout) Read(dst []int16, now time.Time) {
	for len(dst) > 0 {
		if len(p.queue) == 0 {
			p.step(now)
		}
		n := copy(dst, p.queue)
		p.queue = p.queue[:copy(p.queue, p.queue[n:])]
		dst = dst[n:]
		now = now.Add(time.Duration(n) * time.Second / time.Duration(p.decoder.Rate()))
	}
}

// step makes the sound of one packet.
func (p *Playout) step(now time.Time) {
	n := p.jitter.Get(now)
	length := min(int(n.Samples)*p.decoder.Rate()/p.clock, samples(p.decoder.Rate(), longestPacket))
	length = max(length, p.decoder.Rate()/1000)
	pcm := p.frame[:length]
	switch {
	case n.Kind == Lost:
		p.conceal(pcm, n.After)
	case n.Kind == Quiet:
		p.silence(pcm)
	case n.Comfort:
		p.noise.told(n.Payload)
		p.dtx = false
		p.silence(p.frame[:p.decoder.Rate()/1000]) // it has no length of its own
		pcm = p.frame[:p.decoder.Rate()/1000]
	default:
		pcm = p.decode(pcm, n)
		pcm = p.pace(pcm, now)
	}
	p.queue = append(p.queue, pcm...)
}

// decode is the sound of a packet; one that cannot be decoded is as good as lost.
func (p *Playout) decode(pcm []int16, n Next) []int16 {
	got, err := p.decoder.Decode(p.frame[:cap(p.frame)-samples(p.decoder.Rate(), longestPitch)], n.Payload)
	if err != nil {
		p.conceal(pcm, nil)
		return pcm
	}
	p.dtx = p.own != nil && len(n.Payload) <= 2
	pcm = p.frame[:got]
	if p.own == nil {
		p.hidden.good(pcm)
	} else {
		p.hidden.remember(pcm)
	}
	return pcm
}

// conceal makes up for a lost packet, with the help of the one after it.
func (p *Playout) conceal(pcm []int16, after []byte) {
	if p.own == nil {
		p.hidden.conceal(pcm)
		return
	}
	var err error
	if after != nil {
		err = p.own.Recover(pcm, after)
	} else {
		err = p.own.Conceal(pcm)
	}
	if err != nil {
		clear(pcm)
	}
	p.hidden.remember(pcm)
}

// silence is what is heard while nobody speaks.
func (p *Playout) silence(pcm []int16) {
	if !p.dtx || p.own.Conceal(pcm) != nil {
		p.noise.fill(pcm)
	}
	p.hidden.remember(pcm)
	p.hidden.lost = 0
}

// pace makes the sound of a packet a period longer or shorter when the playing is
// ahead or behind. Its end stays, so that what follows fits on.
func (p *Playout) pace(pcm []int16, now time.Time) []int16 {
	off := time.Duration(p.jitter.Drift(now)) * time.Second / time.Duration(p.clock)
	if off.Abs() < driftTolerated {
		return pcm
	}
	rate := p.decoder.Rate()
	lag, likeness := pitch(p.hidden.history, samples(rate, shortestPitch), samples(rate, longestPitch))
	if blend := samples(rate, time.Millisecond); len(pcm) < lag+blend {
		return pcm
	}
	if likeness < likeEnough && loudness(pcm) > quietEnough && off.Abs() < driftForced {
		return pcm
	}
	if off < 0 {
		return shorten(pcm, lag)
	}
	return lengthen(pcm, lag)
}

// shorten leaves the last period out: what came before it flows into its end.
func shorten(pcm []int16, lag int) []int16 {
	n := len(pcm) - lag
	blend := min(n, lag)
	for i := range blend {
		at := n - blend + i
		pcm[at] = int16((int(pcm[at])*(blend-i) + int(pcm[at+lag])*i) / blend)
	}
	return pcm[:n]
}

// lengthen says the last period twice: its end flows into what came before it.
// pcm has room for it.
func lengthen(pcm []int16, lag int) []int16 {
	n := len(pcm)
	out := pcm[:n+lag]
	copy(out[n:], pcm[n-lag:])
	blend := min(n-lag, lag)
	for i := range blend {
		at := n - blend + i
		out[at] = int16((int(out[at])*(blend-i) + int(out[at-lag])*i) / blend)
	}
	return out
}

func loudness(pcm []int16) int {
	sum := 0
	for _, v := range pcm {
		sum += max(int(v), -int(v))
	}
	return sum / max(len(pcm), 1)
}

// Delay is how long packets are held at present.
func (p *Playout) Delay() time.Duration { return p.jitter.Delay() }

// Counts is what became of packets so far.
func (p *Playout) Counts() JitterCounts { return p.jitter.Counts() }
