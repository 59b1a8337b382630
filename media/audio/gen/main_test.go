package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadTable(t *testing.T) {
	rows, err := readTable("prompts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range rows[0][1:] {
		if _, ok := voices()[lang]; !ok {
			t.Errorf("nobody speaks %s", lang)
		}
	}
	for text, want := range map[string]string{
		"name\ten\n":                    "no texts",
		"name\nbusy\n":                  "no texts",
		"name\ten\tde\nbusy\tBusy.\t\n": "busy has no text in column 3",
		"name\ten\nbusy\ta\tb\n":        "wrong number of fields",
	} {
		file := filepath.Join(t.TempDir(), "t.tsv")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readTable(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := readTable("missing.tsv"); err == nil {
		t.Error("a missing table is read")
	}
}

// Whatever came from the voice, quiet or loud, with a few high peaks, ends at
// the same loudness and below the peak.
func TestScale(t *testing.T) {
	for _, volume := range []float64{300, 3000, 30000} {
		s := make([]int16, 8000)
		for i := range s {
			s[i] = int16(volume * math.Sin(float64(i)/5) * math.Exp(-float64(i%800)/150))
		}
		scale(s)
		var energy, top float64
		for _, v := range s {
			energy += float64(v) * float64(v)
			top = math.Max(top, math.Abs(float64(v)))
		}
		level := 20 * math.Log10(math.Sqrt(energy/float64(len(s)))/math.MaxInt16)
		if math.Abs(level-loudness) > 0.2 || top > amplitude(peak) {
			t.Errorf("volume %v: level %.2f dBFS, peak %.2f", volume, level, 20*math.Log10(top/math.MaxInt16))
		}
	}
	silent := make([]int16, 10)
	scale(silent)
	if silent[0] != 0 {
		t.Error("silence became sound")
	}
}
