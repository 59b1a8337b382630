package sdp

import (
	"errors"
	"testing"
)

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrTooLarge) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		for _, m := range d.Media {
			if m.Port < 0 || m.Port > 65535 || len(m.Codecs) > len(m.Formats) {
				t.Fatalf("%+v", m)
			}
		}
	})
}

// Whatever is offered: our answer can be read, answers stream for stream, and
// both ends come to the same result.
func FuzzAnswer(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, offer []byte) {
		l := local()
		if len(offer)%2 == 0 {
			l.Security, l.Crypto = SecurityPrefer, NewCrypto()
		}
		a, s, err := Answer(offer, l)
		if err != nil {
			return
		}
		if s.Encrypt.Suite != s.Decrypt.Suite {
			t.Fatalf("%s one way, %s the other", s.Encrypt.Suite, s.Decrypt.Suite)
		}
		theirs, _ := Parse(offer)
		ours, err := Parse(a)
		if err != nil || len(ours.Media) != len(theirs.Media) {
			t.Fatalf("%d streams answered with %d, %v:\n%s", len(theirs.Media), len(ours.Media), err, a)
		}
		if !s.Codec.IsSpeech() || len(s.Receive) == 0 || s.PTime <= 0 {
			t.Fatalf("%+v", s)
		}
		if back, err := Apply(offer, a, Local{Codecs: l.Codecs, Security: l.Security}); err != nil || back.Remote != l.Addr || !back.Codec.Same(s.Codec) {
			t.Fatalf("%v, %+v\n%s", err, back, a)
		}
		l.Previous = a
		if again, _ := Parse(Offer(l)); len(again.Media) != len(ours.Media) {
			t.Fatalf("a later offer has %d streams, want %d", len(again.Media), len(ours.Media))
		}
	})
}

func FuzzApply(f *testing.F) {
	seed(f)
	offer := Offer(local())
	f.Fuzz(func(t *testing.T, reply []byte) {
		if s, err := Apply(offer, reply, local()); err == nil && !s.Codec.IsSpeech() {
			t.Fatalf("%+v", s)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	offer := readOffers(b)["yealink_t46"]
	l := local()
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = Answer(offer, l)
	}
}
