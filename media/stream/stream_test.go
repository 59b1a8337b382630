package stream_test

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/codec"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/media/stream"
)

var (
	pcma  = sdp.Codec{Name: sdp.PCMA, PT: 8, ClockRate: 8000, Channels: 1}
	pcmu  = sdp.Codec{Name: sdp.PCMU, PT: 0, ClockRate: 8000, Channels: 1}
	g722  = sdp.Codec{Name: sdp.G722, PT: 9, ClockRate: 8000, Channels: 1}
	event = sdp.Codec{Name: sdp.TelephoneEvent, PT: 101, ClockRate: 8000, Channels: 1}
)

// wire keeps what is sent, or refuses it.
type wire struct {
	got  []stream.Packet
	fail error
}

func (w *wire) Send(b []byte, _ netip.AddrPort) error {
	var p stream.Packet
	if w.fail != nil {
		return w.fail
	}
	p.Parse(append([]byte(nil), b...))
	w.got = append(w.got, p)
	return nil
}

func frame(c sdp.Codec, seq uint16) *media.Frame {
	return &media.Frame{Codec: c, Payload: []byte{codec.SilenceALaw}, Samples: 1, Seq: seq, Timestamp: uint32(seq), Stream: 1}
}

// What the party takes beside its first codec is sent as it is, the rest is
// converted, and what cannot be is left out without a gap in the numbers.
func TestPayloadTypePerPacket(t *testing.T) {
	w := &wire{}
	s := stream.NewSender(w, 7)
	seq := uint16(0)
	send := func(a stream.Agreement) {
		s.Connect(a)
		for _, c := range []sdp.Codec{pcma, pcmu, g722, pcmu} {
			seq++
			s.Write(frame(c, seq), time.Now())
		}
	}
	send(stream.Agreement{Codec: pcma, Also: []sdp.Codec{pcma, pcmu}, Open: true})
	send(stream.Agreement{Codec: pcma, Open: true})
	types := ""
	for i, p := range w.got {
		types += string('0' + rune(p.PayloadType))
		if i > 0 && p.Seq != w.got[i-1].Seq+1 || p.SSRC != 7 {
			t.Errorf("packet %d: %d after %d, SSRC %d", i, p.Seq, w.got[i-1].Seq, p.SSRC)
		}
	}
	if types != "800"+"888" {
		t.Fatalf("payload types %s", types)
	}
	if got := w.got[1].Payload[0]; got != codec.SilenceALaw {
		t.Errorf("µ-law that the party takes was changed to %#x", got)
	}
	if got := w.got[4].Payload[0]; got != codec.MuLawToALaw[codec.SilenceALaw] {
		t.Errorf("µ-law that the party does not take was sent as %#x", got)
	}
}

// What the wire did not take is not counted as sent.
func TestFailedWire(t *testing.T) {
	w := &wire{fail: errors.New("no route")}
	s := stream.NewSender(w, 7)
	s.Connect(stream.Agreement{Codec: pcma, Open: true})
	s.Write(frame(pcma, 1), time.Now())
	var m media.Stats
	if s.Stats(&m); m.PacketsSent != 0 {
		t.Errorf("%d packets sent", m.PacketsSent)
	}
	if _, ok := s.Report(nil, time.Now()).(*rtcp.ReceiverReport); !ok {
		t.Error("a sender report without anything sent")
	}
}

// Digits keep the sender busy until the last one is over, and sound waits.
func TestBusyWithDigits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := stream.NewSender(w, 7)
		s.Connect(stream.Agreement{Codec: pcma, Event: event, Open: true})
		s.Dial("12", 100*time.Millisecond)
		if !s.Busy() {
			t.Error("not busy with two digits")
		}
		s.Write(frame(pcma, 1), time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		if s.Busy() {
			t.Error("busy after the digits")
		}
		stamps := map[uint32]bool{}
		for _, p := range w.got {
			if p.PayloadType != event.PT {
				t.Errorf("payload type %d while digits are sent", p.PayloadType)
			}
			stamps[p.Timestamp] = true
		}
		if len(stamps) != 2 {
			t.Errorf("%d digits", len(stamps))
		}
	})
}

// Reports come every 2.5 to 7.5 s (RFC 3550 §6.2), and none after the end.
func TestReporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r stream.Reporter
		var mu sync.Mutex
		var at []time.Time
		start := time.Now()
		report := func() {
			if r.Again() {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Now())
			}
		}
		r.Start(report)
		r.Start(report)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !r.Close() || r.Close() {
			t.Error("the end of the reports is told once")
		}
		mu.Lock()
		defer mu.Unlock()
		count := len(at)
		if count < 8 || at[0].Sub(start) > 3750*time.Millisecond {
			t.Errorf("%d reports in a minute, the first after %v", count, at[0].Sub(start))
		}
		for i := 1; i < count; i++ {
			if d := at[i].Sub(at[i-1]); d < 2500*time.Millisecond || d > 7500*time.Millisecond {
				t.Errorf("%v between two reports", d)
			}
		}
		time.Sleep(time.Minute)
		if len(at) != count {
			t.Error("a report after the end")
		}
	})
	if a, b := stream.NewName(), stream.NewName(); a == b || len(a) < 16 {
		t.Errorf("names %q and %q", a, b)
	}
}
