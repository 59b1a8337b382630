package rtp_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
)

// Everybody changes everything at once while packets flow: whoever hears whom,
// renegotiations, digits, statistics and ends. Nothing waits for ever, nothing
// races, nothing leaks.
func TestEverythingAtOnce(t *testing.T) {
	for seed := range uint64(4) {
		run(t, func(t *testing.T, w *world) {
			var ends []media.Endpoint
			var phones []*phone
			for i := range 4 {
				e, p := w.party("10.0.1." + string(rune('1'+i)) + ":4000")
				ends, phones = append(ends, e), append(phones, p)
			}
			var all sync.WaitGroup
			for i, p := range phones {
				all.Go(func() {
					for range 200 {
						p.say(ends[i].Local(), byte(i))
						time.Sleep(time.Millisecond)
					}
				})
			}
			for i := range uint64(8) {
				all.Go(func() { meddle(rand.New(rand.NewPCG(seed, i)), ends, phones) })
			}
			all.Wait()
			for _, e := range ends {
				all.Go(e.Close)
				all.Go(e.Close)
			}
			all.Wait()
			for _, p := range phones {
				before := len(p.packets())
				time.Sleep(time.Second)
				if n := len(p.packets()); n != before {
					t.Errorf("%d packets after the end", n-before)
				}
			}
		})
	}
}

// meddle does 200 things at random.
func meddle(dice *rand.Rand, ends []media.Endpoint, phones []*phone) {
	for range 200 {
		i := dice.IntN(len(ends))
		switch dice.IntN(8) {
		case 0:
			s := phones[i].session()
			s.Codec = []sdp.Codec{pcma, pcmu}[dice.IntN(2)]
			_ = ends[i].Connect(s)
		case 1:
			ends[i].SendDigits("1", 0)
		case 2:
			ends[i].Stats()
		case 3:
			ends[i].Hear(nil)
		case 4:
			if dice.IntN(100) == 0 {
				ends[i].Close()
			}
		default:
			ends[i].Hear(ends[dice.IntN(len(ends))])
		}
		time.Sleep(time.Duration(dice.IntN(3)) * time.Millisecond)
	}
}

// ear counts frames, and those that came after it was detached.
type ear struct {
	frames, late atomic.Int64
	gone         atomic.Bool
}

func (k *ear) WriteFrame(*media.Frame) {
	k.frames.Add(1)
	if k.gone.Load() {
		k.late.Add(1)
	}
}

// After Detach returned, nothing is delivered any more.
func TestNothingFollowsDetach(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		alice.talk(a, 1)
		var all sync.WaitGroup
		all.Go(func() {
			for range 1000 {
				alice.say(a.Local(), 1)
				time.Sleep(2 * time.Millisecond)
			}
		})
		var frames int64
		for range 400 {
			k := &ear{}
			a.Attach(k)
			a.Attach(k) // twice is once
			time.Sleep(3 * time.Millisecond)
			a.Detach(k)
			k.gone.Store(true)
			synctest.Wait()
			if k.late.Load() != 0 {
				t.Fatal("a frame came after Detach")
			}
			frames += k.frames.Load()
		}
		all.Wait()
		if frames < 400 || frames > 1000 {
			t.Errorf("%d frames delivered to 400 sinks that stayed for one or two", frames)
		}
	})
}

// An endpoint that is closed is neither heard nor hears; those who heard it hear
// others.
func TestCloseDetachesEverybody(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		a, alice := w.party("10.0.1.1:4000")
		b, bob := w.party("10.0.1.2:4000")
		c, carol := w.party("10.0.1.3:4000")
		a.Hear(b)
		b.Hear(a)
		alice.talk(a, 5)
		bob.talk(b, 5)
		a.Close()
		a.Hear(c)
		alice.talk(a, 5)
		bob.talk(b, 5)
		carol.talk(c, 5)
		if x, y := len(alice.packets()), len(bob.packets()); x != 5 || y != 5 {
			t.Errorf("alice heard %d, bob %d, want the 5 before the end", x, y)
		}
		b.Hear(c)
		carol.talk(c, 5)
		if n := len(bob.packets()); n != 10 {
			t.Errorf("bob hears %d of carol's 5", n-5)
		}
	})
}
