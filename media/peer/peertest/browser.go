package peertest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/sdp"
)

// The length of a packet.
const (
	frameTime    = 20 * time.Millisecond
	frameSamples = 160
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// The numbers that Chromium offers.
const (
	PCMU  = 0
	PCMA  = 8
	Event = 126
)

// Heard is the header of a packet that reached the browser.
type Heard struct {
	PayloadType uint8
	Seq         uint16
	Timestamp   uint32
	SSRC        uint32
	Marker      bool
	Size        int
}

// Browser is one page with one peer connection.
type Browser struct {
	pc  *webrtc.PeerConnection
	mic *mic
	ear atomic.Pointer[mediatest.Ear]

	mu       sync.Mutex
	heard    []Heard
	next     rtp.Header
	pressing bool
	changed  chan struct{} // closed when the connection's state changes
	once     sync.Once
	stop     chan struct{}
	work     sync.WaitGroup
}

// New makes a browser that is not connected. Close it.
func New() (*Browser, error) { return newBrowser(webrtc.SettingEngine{}) }

// NewWithoutUDP makes one whose network lets no UDP through.
func NewWithoutUDP() (*Browser, error) {
	settings := webrtc.SettingEngine{}
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	return newBrowser(settings)
}

func newBrowser(settings webrtc.SettingEngine) (*Browser, error) {
	engine := &webrtc.MediaEngine{}
	for _, c := range offered() {
		if err := engine.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	settings.SetIncludeLoopbackCandidate(true)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	b := &Browser{
		pc: pc, mic: &mic{}, changed: make(chan struct{}), stop: make(chan struct{}),
		next: rtp.Header{Version: 2, SequenceNumber: 65000, Timestamp: 4e9},
	}
	b.ear.Store(mediatest.NewEar())
	if _, err := pc.AddTransceiverFromTrack(b.mic); err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { b.listen(t) })
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		b.mu.Lock()
		defer b.mu.Unlock()
		close(b.changed)
		b.changed = make(chan struct{})
	})
	return b, nil
}

func offered() []webrtc.RTPCodecParameters {
	codec := func(pt webrtc.PayloadType, mime string, rate uint32, channels uint16, fmtp string) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{PayloadType: pt, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mime, ClockRate: rate, Channels: channels, SDPFmtpLine: fmtp,
		}}
	}
	return []webrtc.RTPCodecParameters{
		codec(111, webrtc.MimeTypeOpus, 48000, 2, "minptime=10;useinbandfec=1"),
		codec(9, webrtc.MimeTypeG722, 8000, 0, ""),
		codec(PCMU, webrtc.MimeTypePCMU, 8000, 0, ""),
		codec(PCMA, webrtc.MimeTypePCMA, 8000, 0, ""),
		codec(110, "audio/telephone-event", 48000, 0, ""),
		codec(Event, "audio/telephone-event", 8000, 0, ""),
	}
}

// Offer makes an offer; restart has it move to another way (ICE restart).
func (b *Browser) Offer(restart bool) (string, error) {
	offer, err := b.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(b.pc)
	if err := b.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-gathered
	return b.pc.LocalDescription().SDP, nil
}

// Take takes the answer.
func (b *Browser) Take(answer string) error {
	return b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// Connect offers, takes the answer and waits until the connection stands.
func (b *Browser) Connect(negotiate func(offer string) (answer string, err error)) error {
	offer, err := b.Offer(false)
	if err != nil {
		return err
	}
	answer, err := negotiate(offer)
	if err != nil {
		return err
	}
	if err := b.Take(answer); err != nil {
		return err
	}
	return b.Await(webrtc.PeerConnectionStateConnected.String())
}

// Await waits until the connection's state has this name.
func (b *Browser) Await(state string) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		now := b.pc.ConnectionState().String()
		if now == state {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return fmt.Errorf("browser is %s, want %s", now, state)
		}
	}
}

// Say sends a tone of hz from now on until Close, at the pace of the clock even
// on a machine that is late.
func (b *Browser) Say(hz float64) {
	// The law is one that codec has.
	c, _ := codec.New(sdp.Codec{Name: sdp.PCMA, ClockRate: 8000})
	tone := mediatest.Sine(8000, hz, -10, time.Second).Samples
	b.work.Go(func() {
		start := time.Now()
		payload := make([]byte, frameSamples)
		for i := 0; ; i++ {
			at := i * frameSamples % len(tone)
			_, _ = c.Encode(payload, tone[at:at+frameSamples])
			b.speak(payload)
			select {
			case <-time.After(time.Until(start.Add(time.Duration(i+1) * frameTime))):
			case <-b.stop:
				return
			}
		}
	})
}

// speak sends a packet of sound, unless a key is held.
func (b *Browser) speak(payload []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.pressing {
		b.send(PCMA, false, payload)
	}
	b.next.Timestamp += frameSamples
}

// send sends one packet. Callers hold b.mu.
func (b *Browser) send(payloadType uint8, marker bool, payload []byte) {
	b.next.SequenceNumber++
	h := b.next
	h.PayloadType, h.Marker = payloadType, marker
	b.mic.write(h, payload)
}

// Press sends a key, 0–15, as a browser's RTCDTMFSender does (RFC 4733): instead
// of sound, with one timestamp, the end three times.
func (b *Browser) Press(code byte) {
	b.mu.Lock()
	b.pressing = true
	stamp := b.next.Timestamp
	b.mu.Unlock()
	for i := range 5 {
		duration, flags := uint16(frameSamples*min(i+1, 3)), byte(10)
		if i > 1 {
			flags |= 0x80
		}
		b.mu.Lock()
		now := b.next.Timestamp
		b.next.Timestamp = stamp
		b.send(Event, i == 0, []byte{code, flags, byte(duration >> 8), byte(duration)})
		b.next.Timestamp = now
		b.mu.Unlock()
		time.Sleep(frameTime)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pressing = false
}

// Ear is what the loudspeaker plays, from the last Listen on.
func (b *Browser) Ear() *mediatest.Ear { return b.ear.Load() }

// Listen begins to listen anew.
func (b *Browser) Listen() *mediatest.Ear {
	e := mediatest.NewEar()
	b.ear.Store(e)
	return e
}

// Heard are the packets that arrived so far.
func (b *Browser) Heard() []Heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Heard(nil), b.heard...)
}

func (b *Browser) listen(t *webrtc.TrackRemote) {
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.heard = append(b.heard, Heard{
			PayloadType: p.PayloadType, Seq: p.SequenceNumber, Timestamp: p.Timestamp, SSRC: p.SSRC, Marker: p.Marker, Size: len(p.Payload),
		})
		b.mu.Unlock()
		c := sdp.Codec{ClockRate: 8000, PT: p.PayloadType}
		switch p.PayloadType {
		case PCMA:
			c.Name = sdp.PCMA
		case PCMU:
			c.Name = sdp.PCMU
		default:
			c.Name = sdp.TelephoneEvent
		}
		b.ear.Load().WriteFrame(&media.Frame{
			Codec: c, Payload: p.Payload, Timestamp: p.Timestamp, Samples: uint32(len(p.Payload)), Stream: p.SSRC, Seq: p.SequenceNumber,
		})
	}
}

// Close closes the page.
func (b *Browser) Close() error {
	b.once.Do(func() { close(b.stop) })
	b.work.Wait()
	return b.pc.GracefulClose()
}
