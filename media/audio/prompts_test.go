package audio_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
	"klapka.dev/klapka/media/sdp"
)

func silentLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// texts is the table the prompts are made from: name, then a text per language.
func texts(t *testing.T) (languages []string, rows map[string][]string) {
	t.Helper()
	f, err := os.Open("gen/prompts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma = '\t'
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = map[string][]string{}
	for _, row := range all[1:] {
		rows[row[0]] = row[1:]
	}
	return all[0][1:], rows
}

// Every text has its sound in every language, as loud as a person on the phone,
// without clipping and without long silence at the ends; and no file is left of
// a text that is gone.
func TestBuiltInPrompts(t *testing.T) {
	languages, rows := texts(t)
	if got := strings.Join(languages, " "); got != "en de cs" {
		t.Fatalf("languages %s", got)
	}
	p := audio.NewPrompts(nil, silentLog())
	for _, name := range []string{audio.PromptNotInService, audio.PromptNotAvailable, audio.PromptBusy, audio.PromptFault, audio.PromptGoodbye} {
		if rows[name] == nil {
			t.Errorf("%s has no text", name)
		}
	}
	for _, lang := range languages {
		files, err := filepath.Glob("prompts/" + lang + "/*.wav")
		if err != nil || len(files) != len(rows) {
			t.Errorf("%s: %d files for %d texts, %v", lang, len(files), len(rows), err)
		}
		for name := range rows {
			clip, err := p.Clip(lang, name)
			if err != nil {
				t.Errorf("%s in %s: %v", name, lang, err)
				continue
			}
			checkPrompt(t, filepath.Join("prompts", lang, name+".wav"), clip)
		}
	}
}

func checkPrompt(t *testing.T, file string, clip *audio.Clip) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return
	}
	pcm, err := audio.ReadWAV(bytes.NewReader(b))
	if err != nil || pcm.Rate != 8000 || pcm.Channels != 1 {
		t.Errorf("%s: %d Hz, %d channels, %v", file, pcm.Rate, pcm.Channels, err)
		return
	}
	level, top, first := measure(pcm)
	if math.Abs(level+20) > 0.5 || top > -2.9 {
		t.Errorf("%s: level %.1f dBFS, peak %.1f", file, level, top)
	}
	if first > 200*time.Millisecond {
		t.Errorf("%s: begins after %v", file, first)
	}
	if d := clip.Duration(); d < 400*time.Millisecond || d > 8*time.Second {
		t.Errorf("%s lasts %v", file, d)
	}
}

// measure is the mean and highest level against the largest sample, and when the
// first sound is heard.
func measure(p audio.PCM) (level, top float64, first time.Duration) {
	var energy, most float64
	first = -1
	for i, s := range p.Samples {
		v := math.Abs(float64(s)) / math.MaxInt16
		energy += v * v
		most = math.Max(most, v)
		if first < 0 && v > 0.01 {
			first = time.Duration(i) * time.Second / time.Duration(p.Rate)
		}
	}
	return 10 * math.Log10(energy/float64(len(p.Samples))), 20 * math.Log10(most), first
}

func TestPromptLanguages(t *testing.T) {
	p := audio.NewPrompts(nil, silentLog())
	get := func(lang string) *audio.Clip {
		t.Helper()
		c, err := p.Clip(lang, audio.PromptBusy)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	en, de, cs := get("en"), get("de"), get("cs")
	if en == de || de == cs || en == cs {
		t.Error("languages sound alike")
	}
	for _, lang := range []string{"fr", "", "../de", "DE"} {
		if get(lang) != en {
			t.Errorf("%q is not answered in English", lang)
		}
	}
	for _, name := range []string{"", "missing", "../en/busy", "busy.wav", strings.Repeat("a", 65)} {
		if _, err := p.Clip("en", name); !errors.Is(err, audio.ErrNoPrompt) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A company's own recordings win, language before origin; a changed file is
// heard with the next call, a broken one is not heard at all.
func TestPromptReplacements(t *testing.T) {
	file := func(hz float64, at time.Time) *fstest.MapFile {
		return &fstest.MapFile{Data: written(t, mediatest.Sine(16000, hz, -20, time.Second)), ModTime: at}
	}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	own := fstest.MapFS{
		"de/busy.wav":    file(500, day),
		"en/welcome.wav": file(700, day),
		"cs/busy.wav":    {Data: []byte("no sound"), ModTime: day},
	}
	var log bytes.Buffer
	p := audio.NewPrompts(own, slog.New(slog.NewTextHandler(&log, nil)))
	pitch := func(lang, name string) float64 {
		t.Helper()
		c, err := p.Clip(lang, name)
		if err != nil {
			t.Fatal(err)
		}
		return math.Round(mediatest.FindTone(decoded(t, c)).Hz)
	}
	if got := pitch("de", "busy"); got != 500 {
		t.Errorf("German replacement: %v Hz", got)
	}
	if got := pitch("cs", "welcome"); got != 700 {
		t.Errorf("an own prompt in English only: %v Hz", got)
	}
	builtIn := audio.NewPrompts(nil, silentLog())
	want, _ := builtIn.Clip("cs", "busy")
	for range 3 {
		if got, err := p.Clip("cs", "busy"); err != nil || got.Duration() != want.Duration() {
			t.Errorf("a broken replacement: %v, %v", got, err)
		}
	}
	if n := strings.Count(log.String(), "cs/busy.wav"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	before, _ := p.Clip("de", "busy")
	if again, _ := p.Clip("de", "busy"); again != before {
		t.Error("read again without need")
	}
	own["de/busy.wav"] = file(900, day.Add(time.Hour))
	if got := pitch("de", "busy"); got != 900 {
		t.Errorf("after the change: %v Hz", got)
	}
	delete(own, "de/busy.wav")
	if got := pitch("de", "busy"); got == 900 {
		t.Error("heard although it is gone")
	}
}

// decoded is what a listener hears of a clip.
func decoded(t *testing.T, c *audio.Clip) audio.PCM {
	t.Helper()
	ear := mediatest.NewEar()
	payloads, ok := c.Frames(ear.WantCodec())
	if !ok {
		t.Fatal("no frames")
	}
	file := wav(6, 1, 8, 8000, nil, 0, bytes.Join(payloads, nil))
	p, err := audio.ReadWAV(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func BenchmarkEncodePrompt(b *testing.B) {
	pcm := mediatest.Sine(16000, 440, -20, 5*time.Second)
	for b.Loop() {
		audio.NewClip(pcm).Frames(sdp.Codec{Name: sdp.PCMA, ClockRate: 8000})
	}
}
