package mediatest

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"klapka.dev/klapka/media/audio"
)

// Expect is what must be heard. The zero value of a field below From is its
// default.
type Expect struct {
	Tone     float64       // Hz, found in every second; 0: nothing may be heard at all
	Absent   []float64     // Hz, found in none; at least 80 Hz from Tone
	From, To time.Duration // the stretch looked at; To 0: until the end
	Above    float64       // dB that Tone stands above everything else; 15
	Gap      time.Duration // longest silence allowed; 60 ms
	Floor    float64       // dBFS below which sound is silence; -50
}

// absentBelow is how far under all the sound a foreign tone goes unnoticed: what
// G.711 adds by itself stays 35 dB below.
const absentBelow = -25

// leastStretch is what is left at the end and still looked at by itself.
const leastStretch = 200 * time.Millisecond

// Check listens to p and returns everything that is not as expected, with the
// places; nil when all is well.
func (e Expect) Check(p audio.PCM) error {
	e = e.withDefaults(p)
	p = p.Mono()
	if e.To <= e.From {
		return fmt.Errorf("nothing to listen to between %v and %v", e.From, e.To)
	}
	if d := p.Duration(); d < e.To {
		return fmt.Errorf("only %v of sound, want %v", round(d), round(e.To))
	}
	if e.Tone == 0 {
		return e.silence(p)
	}
	var errs []error
	for from := e.From; from < e.To; {
		to := from + time.Second
		if e.To-to < leastStretch {
			to = e.To
		}
		if err := e.second(cut(p, from, to)); err != nil {
			errs = append(errs, fmt.Errorf("%v to %v: %w", round(from), round(to), err))
		}
		from = to
	}
	return errors.Join(append(errs, e.gaps(p)...)...)
}

// CheckFile is Check of a WAV file.
func (e Expect) CheckFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	p, err := audio.ReadWAV(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := e.Check(p); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (e Expect) withDefaults(p audio.PCM) Expect {
	if e.To == 0 {
		e.To = p.Duration()
	}
	if e.Above == 0 {
		e.Above = 15
	}
	if e.Gap == 0 {
		e.Gap = 60 * time.Millisecond
	}
	if e.Floor == 0 {
		e.Floor = -50
	}
	return e
}

// second checks one stretch of about a second.
func (e Expect) second(p audio.PCM) error {
	s := newSpectrum(p)
	if l := s.level(); l < e.Floor {
		return fmt.Errorf("silence (%.0f dBFS), want %.0f Hz", l, e.Tone)
	}
	var errs []error
	if c := s.clearance(e.Tone); c < e.Above {
		errs = append(errs, fmt.Errorf("%.0f Hz is %.1f dB above everything else, want %.1f (%s)", e.Tone, c, e.Above, FindTone(p)))
	}
	for _, hz := range e.Absent {
		if l := decibel(s.at(hz), s.total); l > absentBelow {
			errs = append(errs, fmt.Errorf("%.0f Hz is heard (%.1f dB of all sound), but must not be", hz, l))
		}
	}
	return errors.Join(errs...)
}

// silence finds the first moment at which anything is heard.
func (e Expect) silence(p audio.PCM) error {
	const step = 5 * time.Millisecond
	for at := e.From; at+step <= e.To; at += step {
		if l := rms(cut(p, at, at+step).Samples); l >= e.Floor {
			return fmt.Errorf("sound at %v (%.0f dBFS), want silence (%s)", round(at), l, FindTone(cut(p, at, e.To)))
		}
	}
	return nil
}

// String is the tone in words.
func (t Tone) String() string {
	return fmt.Sprintf("strongest: %.0f Hz, %.1f dB above the rest, level %.0f dBFS", t.Hz, t.Clearance, t.Level)
}

// gaps are the stretches of silence that are too long, found with a window of
// 5 ms moved by 1 ms.
func (e Expect) gaps(p audio.PCM) (errs []error) {
	const window, hop = 5, 1 // ms
	perMS := p.Rate / 1000
	start := -1 // first millisecond of the silence we are in
	first, last := int(e.From.Milliseconds()), int(e.To.Milliseconds())-window
	for ms := first; ms <= last+hop; ms += hop {
		quiet := ms <= last && rms(p.Samples[ms*perMS:(ms+window)*perMS]) < e.Floor
		switch {
		case quiet && start < 0:
			start = ms
		case !quiet && start >= 0:
			gap := time.Duration(ms-hop-start+window) * time.Millisecond
			if gap > e.Gap {
				errs = append(errs, fmt.Errorf("gap of %v at %v, at most %v allowed", gap, time.Duration(start)*time.Millisecond, e.Gap))
			}
			start = -1
		}
	}
	return errs
}

// rms is the level of samples in dBFS, where a full-scale sine is 0.
func rms(samples []int16) float64 {
	sum := 0.0
	for _, s := range samples {
		v := float64(s) / math.MaxInt16
		sum += v * v
	}
	return decibel(sum, float64(len(samples))/2)
}

func cut(p audio.PCM, from, to time.Duration) audio.PCM {
	at := func(d time.Duration) int {
		return min(len(p.Samples), int(int64(d)*int64(p.Rate)/int64(time.Second)))
	}
	p.Samples = p.Samples[at(from):at(to)]
	return p
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
