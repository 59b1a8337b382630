package peer

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

// keysEra marks frames of keys; their numbers are of a stream of their own.
const keysEra = 0

// keys are pressed in the page and told to the exchange by command. They become
// the telephone events a phone would have sent, and go the same way.
type keys struct {
	slot     *Slot
	sender   stream.Sender
	receiver stream.Receiver
}

// Press presses keys [0-9*#A-D] for the user, one after the other, each for the
// given time; 0 is 100 ms. Others are stepped over. It returns at once.
func (k *Slot) Press(digits string, each time.Duration) {
	if !k.open.Load() || k.closed.Load() {
		return
	}
	if k.keys.Load() == nil {
		k.keys.CompareAndSwap(nil, newKeys(k))
	}
	k.keys.Load().sender.Dial(digits, each)
	if k.closed.Load() {
		k.keys.Load().sender.End()
	}
}

func newKeys(k *Slot) *keys {
	p := &keys{slot: k, receiver: stream.NewReceiver()}
	p.sender = stream.NewSender(p, rand.Uint32())
	s := sdp.Session{Receive: Codecs()}
	for _, c := range s.Receive {
		if c.Name == sdp.TelephoneEvent {
			s.Event = c
		}
	}
	p.sender.Connect(stream.Agreement{Codec: Codecs()[0], Event: s.Event, Open: true})
	// It knows our own codecs, so that nothing can be refused.
	_ = p.receiver.Connect(&s, time.Now())
	return p
}

// Send implements stream.Wire: what would leave as packets arrives as such.
func (p *keys) Send(b []byte, _ netip.AddrPort) error {
	now := time.Now()
	var packet stream.Packet
	var a stream.Arrival
	if p.receiver.Parse(b, &packet, now) {
		p.receiver.Accept(&packet, now, &a)
		p.slot.deliver(&a, keysEra)
	}
	return nil
}

var _ media.Sink = (*Slot)(nil)
