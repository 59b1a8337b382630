// Command gen makes the built-in prompts from prompts.tsv: eSpeak NG speaks,
// SoX brings them to 8 kHz mono, trims the silence, fades the ends and sets the
// loudness. The results are committed, so only who changes a text needs either.
//
//	go run ./media/audio/gen [-texts FILE] [-out DIR]
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"klapka.dev/klapka/media/audio"
)

// loudness is the mean level of a prompt over its length in dBFS, and peak what
// no sample exceeds: as loud as a person on the phone.
const (
	loudness = -20
	peak     = -3
)

// voice is how eSpeak NG speaks a language: a little slower than its default
// (175 words a minute), because a telephone takes the upper half of the sound.
type voice struct{ name, speed string }

// voices are keyed by the column of the text table.
func voices() map[string]voice {
	return map[string]voice{
		"en": {"en-gb", "150"},
		"de": {"de", "145"},
		"cs": {"cs", "150"},
	}
}

func main() {
	texts := flag.String("texts", "media/audio/gen/prompts.tsv", "table of texts: name and one column per language")
	out := flag.String("out", "media/audio/prompts", "directory to write <language>/<name>.wav to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *texts, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, texts, out string) error {
	rows, err := readTable(texts)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "klapka-prompts-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	languages := rows[0][1:]
	for _, row := range rows[1:] {
		for i, lang := range languages {
			target := filepath.Join(out, lang, row[0]+".wav")
			if err := speak(ctx, scratch, lang, row[1+i], target); err != nil {
				return fmt.Errorf("%s in %s: %w", row[0], lang, err)
			}
		}
	}
	fmt.Printf("%d prompts in %d languages in %s\n", len(rows)-1, len(languages), out)
	return nil
}

// readTable is the rows of a table separated by tabs, the heading first; every
// cell must have a text.
func readTable(file string) ([][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || len(rows[0]) < 2 {
		return nil, fmt.Errorf("%s: no texts", file)
	}
	for _, row := range rows {
		for i, cell := range row {
			if cell == "" {
				return nil, fmt.Errorf("%s: %s has no text in column %d", file, row[0], i+1)
			}
		}
	}
	return rows, nil
}

// speak makes one prompt.
func speak(ctx context.Context, scratch, lang, text, target string) error {
	v, ok := voices()[lang]
	if !ok {
		return fmt.Errorf("no voice for %q", lang)
	}
	spoken, shaped := filepath.Join(scratch, "spoken.wav"), filepath.Join(scratch, "shaped.wav")
	if err := command(ctx, "espeak-ng", "-v", v.name, "-s", v.speed, "-w", spoken, "--", text); err != nil {
		return err
	}
	// -R: the same dither each time, so that unchanged texts give unchanged files.
	err := command(ctx, "sox", "-R", spoken, "-r", "8000", "-c", "1", "-b", "16", shaped,
		"highpass", "120",
		"silence", "1", "0.01", "0.3%", "fade", "q", "0.01", "reverse",
		"silence", "1", "0.01", "0.3%", "fade", "q", "0.03", "reverse",
		"pad", "0.1", "0.15")
	if err != nil {
		return err
	}
	return level(shaped, target)
}

func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// level rewrites a file with the wanted loudness.
func level(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	pcm, err := audio.ReadWAV(in)
	if err != nil {
		return err
	}
	scale(pcm.Samples)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := audio.WriteWAV(out, pcm); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

// scale sets the mean level. Speech has peaks 20 dB above it, so the few that
// would go too far are bent; the bending costs loudness, hence the rounds.
func scale(samples []int16) {
	gain := 1.0
	for range 8 {
		var energy float64
		for _, s := range samples {
			v := bend(gain * float64(s))
			energy += v * v
		}
		if energy == 0 {
			return
		}
		gain *= amplitude(loudness) / math.Sqrt(energy/float64(len(samples)))
	}
	for i, s := range samples {
		samples[i] = int16(math.Round(bend(gain * float64(s))))
	}
}

// bend leaves what is below half of the peak alone and brings the rest smoothly
// under it.
func bend(v float64) float64 {
	knee, room := amplitude(peak)/2, amplitude(peak)/2
	if math.Abs(v) <= knee {
		return v
	}
	return math.Copysign(knee+room*math.Tanh((math.Abs(v)-knee)/room), v)
}

func amplitude(dbfs float64) float64 { return math.MaxInt16 * math.Pow(10, dbfs/20) }
