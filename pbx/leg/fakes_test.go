package leg

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// story records, in order, what a leg did to its surroundings.
type story struct {
	mu    sync.Mutex
	lines []string
	panic string // the line at which to panic

	heardUntil time.Time // the party sends until then
}

func (s *story) add(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.mu.Lock()
	s.lines = append(s.lines, line)
	s.mu.Unlock()
	if line == s.panic {
		panic("defect at " + line)
	}
}

func (s *story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, ", ")
}

// signaler writes what leaves on the wire.
type signaler struct{ *story }

func described(sdp []byte) string {
	if len(sdp) == 0 {
		return ""
	}
	return "+sdp"
}

func (s signaler) Ring(d []byte)         { s.add("ring%s", described(d)) }
func (s signaler) Answer(d []byte)       { s.add("answer%s", described(d)) }
func (s signaler) Reject(c pbx.Cause)    { s.add("reject %s", c.Code) }
func (s signaler) Ack(d []byte)          { s.add("ack%s", described(d)) }
func (s signaler) Cancel(c pbx.Cause)    { s.add("cancel %s", c.Code) }
func (s signaler) Bye(c pbx.Cause)       { s.add("bye %s", c.Code) }
func (s signaler) AnswerOffer(d []byte)  { s.add("accept%s", described(d)) }
func (s signaler) RefuseOffer(r Refusal) { s.add("refuse %d", r) }
func (s signaler) Release()              { s.add("release") }
func (s signaler) LegChanged(_ *Leg, n Notice) {
	switch n.Kind {
	case NoteRinging:
		s.add("<ringing early=%v>", n.Early)
	case NoteUp:
		s.add("<up>")
	case NoteHeld:
		s.add("<held %v>", n.Held)
	case NoteDigit:
		s.add("<key %c>", n.Key)
	case NoteEnded:
		s.add("<ended %s by %s>", n.Cause.Code, n.Cause.By)
	case NoteDead:
		s.add("<dead>")
	}
}

// endpoint is a media endpoint without sound.
type endpoint struct{ *story }

func (e endpoint) Attach(media.Sink)                    {}
func (e endpoint) Detach(media.Sink)                    {}
func (e endpoint) Local() netip.AddrPort                { return netip.MustParseAddrPort("10.0.0.1:4000") }
func (e endpoint) Connect(s sdp.Session) error          { e.add("connect %s", s.Codec.Name); return nil }
func (e endpoint) Hear(media.Source)                    { e.add("hear") }
func (e endpoint) SendDigits(d string, _ time.Duration) { e.add("digits %s", d) }
func (e endpoint) Stats() media.Stats {
	s := media.Stats{Codec: "PCMA", Jitter: 1500 * time.Microsecond}
	if !e.heardUntil.IsZero() {
		s.LastPacket = e.heardUntil
		if now := time.Now(); now.Before(s.LastPacket) {
			s.LastPacket = now
		}
	}
	return s
}
func (e endpoint) Close() { e.add("close") }

// events records what the world is told.
type events struct {
	mu  sync.Mutex
	all []pbx.Event
}

func (e *events) Publish(ev pbx.Event) pbx.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
	return ev
}

func (e *events) kinds() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var k []string
	for _, ev := range e.all {
		k = append(k, ev.Body.Kind())
	}
	return strings.Join(k, " ")
}

const phoneSDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

var (
	heldSDP  = []byte(phoneSDP + "a=sendonly\r\n")
	g729SDP  = []byte("v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 18\r\n")
	otherSDP = []byte(phoneSDP)
)

func newTestLeg(incoming bool, offer string) (*Leg, *story, *events) {
	st, ev := &story{}, &events{}
	o := Options{
		ID: "leg", Call: "call", Incoming: incoming, Endpoint: endpoint{st}, Events: ev, Watcher: signaler{st},
		Offer: []byte(offer), Log: slog.New(slog.DiscardHandler),
	}
	if incoming {
		o.Signaler = signaler{st}
	}
	return New(o), st, ev
}

type dialer struct {
	st  *story
	err error
}

func (d dialer) Dial(g Dialing) (Signaler, error) {
	d.st.add("invite%s", described(g.Offer))
	return signaler{d.st}, d.err
}
