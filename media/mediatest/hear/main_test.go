package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/media/mediatest"
)

// A recording is judged as Go tests would; a short one is no proof.
func TestHear(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tone.wav")
	if err := mediatest.WriteSine(file, 48000, 440, -12, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args  string
		fault string
	}{
		{"-tone 440 -absent 620,770 -to 3s", ""},
		{"-tone 440 -absent 620", ""},
		{"-tone 620", "620"},
		{"-absent 620", "heard"},
		{"-tone 440 -to 4s", "only 3s long"},
		{"-tone 440 -absent x", "invalid"},
	} {
		var out bytes.Buffer
		err := run(append(strings.Fields(tc.args), file), &out)
		if (err != nil) != (tc.fault != "") {
			t.Errorf("%s: %v", tc.args, err)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"-find", file}, &out); err != nil || !strings.Contains(out.String(), "440") {
		t.Errorf("found %q %v", out.String(), err)
	}
	if err := run(nil, &out); err == nil {
		t.Error("no file, no complaint")
	}
}
