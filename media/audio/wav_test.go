package audio_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
)

// wav is a file of the given format with an odd chunk before the sound.
func wav(tag, channels, bits uint16, rate uint32, extra []byte, size uint32, data []byte) []byte {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, uint32(16+len(extra)))
	b = le.AppendUint16(b, tag)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, bits)
	b = append(b, extra...)
	b = append(b, "LIST\x03\x00\x00\x00abc\x00data"...)
	return append(le.AppendUint32(b, size), data...)
}

func written(t testing.TB, p audio.PCM) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := audio.WriteWAV(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWAVRoundTrip(t *testing.T) {
	for _, p := range []audio.PCM{
		{Rate: 8000, Channels: 1, Samples: []int16{0, 1, -1, 32767, -32768}},
		{Rate: 16000, Channels: 1, Samples: []int16{5}},
		{Rate: 48000, Channels: 2, Samples: []int16{1, -1, 2, -2}},
	} {
		got, err := audio.ReadWAV(bytes.NewReader(written(t, p)))
		if err != nil || got.Rate != p.Rate || got.Channels != p.Channels || !slices.Equal(got.Samples, p.Samples) {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	}
}

func TestReadWAVFormats(t *testing.T) {
	extensible := make([]byte, 24)
	extensible[8] = 1
	loud := []byte{0xAA, 0x2A} // A-law's extremes
	cases := []struct {
		name string
		file []byte
		want []int16
	}{
		{"A-law", wav(6, 1, 8, 8000, nil, 2, loud), []int16{32256, -32256}},
		{"µ-law", wav(7, 1, 8, 8000, []byte{0, 0}, 2, []byte{0x80, 0x00}), []int16{32124, -32124}},
		{"extensible", wav(0xFFFE, 1, 16, 16000, extensible, 2, []byte{1, 2}), []int16{0x0201}},
		{"killed writer, length 0", wav(1, 1, 16, 8000, nil, 0, []byte{1, 0, 2, 0}), []int16{1, 2}},
		{"killed writer, length unknown", wav(1, 1, 16, 8000, nil, 0xFFFFFFFF, []byte{1, 0, 2, 0, 3}), []int16{1, 2}},
		{"half a stereo sample", wav(1, 2, 16, 8000, nil, 6, []byte{1, 0, 2, 0, 3, 0}), []int16{1, 2}},
	}
	for _, c := range cases {
		got, err := audio.ReadWAV(bytes.NewReader(c.file))
		if err != nil || !slices.Equal(got.Samples, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got.Samples, err, c.want)
		}
	}
}

func TestReadWAVRefusals(t *testing.T) {
	good := wav(1, 1, 16, 8000, nil, 2, []byte{1, 0})
	for name, file := range map[string][]byte{
		"empty":        nil,
		"text":         []byte("not a sound file at all"),
		"no format":    append([]byte("RIFF\x00\x00\x00\x00WAVEdata"), 2, 0, 0, 0, 1, 0),
		"no sound":     good[:40],
		"cut format":   good[:30],
		"short format": []byte("RIFF\x00\x00\x00\x00WAVEfmt \x04\x00\x00\x00\x01\x00\x01\x00"),
		"3 channels":   wav(1, 3, 16, 8000, nil, 2, []byte{1, 0}),
		"no channel":   wav(1, 0, 16, 8000, nil, 2, []byte{1, 0}),
		"96 kHz":       wav(1, 1, 16, 96000, nil, 2, []byte{1, 0}),
		"24 bits":      wav(1, 1, 24, 8000, nil, 3, []byte{1, 0, 0}),
		"MP3":          wav(0x55, 1, 0, 8000, nil, 2, []byte{1, 0}),
	} {
		if p, err := audio.ReadWAV(bytes.NewReader(file)); !errors.Is(err, audio.ErrWAV) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := audio.ReadWAV(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := audio.ReadWAV(io.MultiReader(bytes.NewReader(good), endless{})); !errors.Is(err, audio.ErrWAV) {
		t.Errorf("an endless file: %v", err)
	}
}

// endless is a file without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestChannels(t *testing.T) {
	p := audio.PCM{Rate: 8000, Channels: 2, Samples: []int16{10, 20, -30, 31, 32767, 32767}}
	if got := p.Mono().Samples; !slices.Equal(got, []int16{15, 0, 32767}) {
		t.Errorf("mono %v", got)
	}
	if got := p.Channel(1).Samples; !slices.Equal(got, []int16{20, 31, 32767}) {
		t.Errorf("right %v", got)
	}
	if got := p.Channel(2); len(got.Samples) != 0 || len(p.Channel(-1).Samples) != 0 {
		t.Errorf("a channel that is not there: %v", got)
	}
	if d := mediatest.Sine(48000, 440, 0, 1500*time.Millisecond).Duration(); d != 1500*time.Millisecond || (audio.PCM{}).Duration() != 0 {
		t.Errorf("lasts %v", d)
	}
}

// A tone keeps pitch, level and purity through every pair of rates.
func TestResampleKeepsTones(t *testing.T) {
	rates := []int{8000, 11025, 16000, 44100, 48000}
	for _, from := range rates {
		for _, to := range rates {
			p := mediatest.Sine(from, 1000, -12, 500*time.Millisecond).Resample(to)
			got := mediatest.FindTone(p)
			if p.Rate != to || p.Duration().Round(time.Millisecond) != 500*time.Millisecond {
				t.Errorf("%d to %d Hz: %d Hz, %v", from, to, p.Rate, p.Duration())
			}
			if got.Hz < 999 || got.Hz > 1001 || got.Level < -12.6 || got.Level > -11.6 || got.Clearance < 45 {
				t.Errorf("%d to %d Hz: %v", from, to, got)
			}
		}
	}
}

// What a lower rate cannot carry must vanish, not fold back into the voice.
func TestResampleDoesNotFold(t *testing.T) {
	for _, hz := range []float64{4400, 5000, 7000, 7900} {
		p := mediatest.Sine(16000, hz, -6, time.Second).Resample(8000)
		p.Samples = p.Samples[200 : len(p.Samples)-200]
		if got := mediatest.FindTone(p); got.Level > -55 {
			t.Errorf("%v Hz is left over as %v", hz, got)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(written(f, audio.PCM{Rate: 8000, Channels: 1, Samples: []int16{1, 2, 3}}))
	f.Add(wav(6, 2, 8, 8000, nil, 2, []byte{1, 2}))
	f.Add(wav(0xFFFE, 1, 16, 16000, make([]byte, 24), 0, []byte{1, 2}))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := audio.ReadWAV(bytes.NewReader(file))
		if err != nil {
			return
		}
		if len(p.Samples)%p.Channels != 0 || len(p.Samples) > len(file) {
			t.Fatalf("%d samples of %d bytes in %d channels", len(p.Samples), len(file), p.Channels)
		}
		again, err := audio.ReadWAV(bytes.NewReader(written(t, p)))
		if len(p.Samples) > 0 && (err != nil || !slices.Equal(again.Samples, p.Samples)) {
			t.Fatalf("written and read again: %v", err)
		}
	})
}
