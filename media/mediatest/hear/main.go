// Command hear listens to a recording by the rules of mediatest, for tests that
// are not written in Go: a tone must be found in every second, without a gap and
// without the tones that do not belong there.
//
//	hear -tone 440 -absent 620,770 -from 500ms -to 4s FILE
//
// It prints what is not as expected and exits with 1. Without -tone nothing may
// be heard at all; with -find it only prints the loudest tone.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"klapka.dev/klapka/media/audio"
	"klapka.dev/klapka/media/mediatest"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hear:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	var e mediatest.Expect
	var absent string
	var find bool
	f := flag.NewFlagSet("hear", flag.ContinueOnError)
	f.Float64Var(&e.Tone, "tone", 0, "frequency that is found in every second; 0: silence")
	f.StringVar(&absent, "absent", "", "frequencies that are found in none, with commas")
	f.DurationVar(&e.From, "from", 0, "where listening begins")
	f.DurationVar(&e.To, "to", 0, "where it ends; 0: at the end")
	f.Float64Var(&e.Above, "above", 0, "dB the tone stands above everything else; 0: the default")
	f.DurationVar(&e.Gap, "gap", 0, "longest silence allowed; 0: the default")
	f.BoolVar(&find, "find", false, "print the loudest tone, expect nothing")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return errors.New("want one file")
	}
	for text := range strings.SplitSeq(absent, ",") {
		if text == "" {
			continue
		}
		hz, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		e.Absent = append(e.Absent, hz)
	}
	return listen(f.Arg(0), e, find, out)
}

func listen(path string, e mediatest.Expect, find bool, out io.Writer) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sound, err := audio.ReadWAV(file)
	if err != nil {
		return err
	}
	if find {
		_, err = fmt.Fprintln(out, mediatest.FindTone(sound))
		return err
	}
	// A recording that is shorter than what is to be listened to proves nothing.
	if e.To > 0 && sound.Duration() < e.To {
		return fmt.Errorf("%s is only %v long", path, sound.Duration().Round(time.Millisecond))
	}
	return e.Check(sound)
}
