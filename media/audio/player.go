package audio

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
)

// maxBurst is how many frames a late player sends at once. What is missing
// beyond that becomes a pause: listeners buffer a few packets, but a flood of
// them would be thrown away and words with it.
const maxBurst = 3

// Player is a media.Source that plays clips. It starts from the beginning when
// the first sink is attached, whatever the number of sinks it has later on. It
// keeps one goroutine from then until it is done; who lets a player loop must
// close it.
type Player struct {
	clips []*Clip
	loop  bool

	done     chan struct{}
	finished sync.Once

	mu      sync.Mutex // held while frames are delivered, so that Detach is final
	sinks   []*listener
	started bool
	closed  bool
	clip    int // being played
	frame   int // next one of it
	out     media.Frame
	base    uint32 // timestamp of slot 0
	slot    uint32 // of 20 ms, since the start
}

// listener is a sink with the frames it is being fed from.
type listener struct {
	sink     media.Sink
	wants    media.CodecWanter // nil: takes PCMA
	fresh    bool              // nothing delivered since it came, or since a pause
	clip     *Clip             // payloads belong to this clip
	asked    sdp.Codec         // and this wish
	format   sdp.Codec         // of payloads
	payloads [][]byte
}

// Play is a player of clips one after the other. Without clips it is done at once.
func Play(clips ...*Clip) *Player { return newPlayer(clips, false) }

// Loop is a player of clips one after the other, over and over until it is closed.
func Loop(clips ...*Clip) *Player { return newPlayer(clips, true) }

func newPlayer(clips []*Clip, loop bool) *Player {
	p := &Player{loop: loop, done: make(chan struct{}), base: rand.Uint32()}
	p.out.Stream = rand.Uint32()
	p.out.Seq = uint16(rand.Uint32())
	for _, c := range clips {
		if c.frames > 0 {
			p.clips = append(p.clips, c)
		}
	}
	if len(p.clips) == 0 {
		p.Close()
	}
	return p
}

// Done is closed when the last frame has had its time, or by Close.
func (p *Player) Done() <-chan struct{} { return p.done }

// Attach implements media.Source.
func (p *Player) Attach(k media.Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.find(k) >= 0 {
		return
	}
	l := &listener{sink: k, fresh: true}
	l.wants, _ = k.(media.CodecWanter)
	p.sinks = append(p.sinks, l)
	if !p.started {
		p.started = true
		go p.run(time.Now())
	}
}

// Detach implements media.Source.
func (p *Player) Detach(k media.Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.find(k); i >= 0 {
		p.sinks = slices.Delete(p.sinks, i, i+1)
	}
}

func (p *Player) find(k media.Sink) int {
	return slices.IndexFunc(p.sinks, func(l *listener) bool { return l.sink == k })
}

// Close ends the playing; after it returns no further frame is delivered. It is
// idempotent.
func (p *Player) Close() {
	p.mu.Lock()
	p.closed = true
	p.sinks = nil
	p.mu.Unlock()
	p.finished.Do(func() { close(p.done) })
}

// run paces the frames by deadlines counted from the start, so that late
// wake-ups do not add up.
func (p *Player) run(start time.Time) {
	defer p.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := start; ; next = next.Add(codec.FrameTime) {
		timer.Reset(time.Until(next))
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
		if late := int(time.Since(next) / codec.FrameTime); late > maxBurst {
			next = next.Add(time.Duration(late) * codec.FrameTime)
			p.pause(late)
		}
		if !p.step() {
			return
		}
	}
}

// pause lets time pass without sound: the words go on where they stopped.
func (p *Player) pause(slots int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slot += uint32(slots)
	for _, l := range p.sinks {
		l.fresh = true
	}
}

// step delivers the next frame to every sink; false: there was none left.
func (p *Player) step() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.clip == len(p.clips) {
		return false
	}
	clip := p.clips[p.clip]
	for _, l := range p.sinks {
		p.deliver(l, clip)
	}
	p.slot++
	p.out.Seq++
	p.advance(clip)
	return true
}

func (p *Player) advance(clip *Clip) {
	if p.frame++; p.frame < clip.frames {
		return
	}
	p.frame = 0
	if p.clip++; p.clip == len(p.clips) && p.loop {
		p.clip = 0
	}
}

func (p *Player) deliver(l *listener, clip *Clip) {
	l.prepare(clip)
	p.out.Codec = l.format
	p.out.Payload = l.payloads[p.frame]
	p.out.Samples = uint32(codec.Samples(l.format.ClockRate, codec.FrameTime))
	p.out.Timestamp = p.base + p.slot*p.out.Samples
	p.out.Marker = l.fresh
	l.fresh = false
	l.sink.WriteFrame(&p.out)
}

// prepare looks the frames up when the clip or the wish has changed.
func (l *listener) prepare(clip *Clip) {
	var wish sdp.Codec
	if l.wants != nil {
		wish = l.wants.WantCodec()
	}
	if l.clip == clip && l.asked == wish {
		return
	}
	l.clip, l.asked, l.format = clip, wish, wish
	var ok bool
	if l.payloads, ok = clip.Frames(wish); !ok {
		l.format = sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1}
		l.payloads, _ = clip.Frames(l.format)
	}
}
