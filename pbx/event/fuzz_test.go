package event_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"klapka.dev/klapka/pbx/event"
)

// FuzzJournal opens a journal of any content: it never fails nor panics, gives the
// undamaged events in order, and goes on behind them.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	b := open(f, dir)
	for n := range 3 {
		call(b, n)
	}
	data, err := os.ReadFile(segments(f, dir)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-5])
	f.Add(data[100:])
	f.Add([]byte("00000000 {}\n\n\n00000000 \n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		name := filepath.Join(dir, "00000000000000000005.jsonl")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := event.OpenOn(event.Options{Dir: dir}, &event.FaultyDisk{})
		if err != nil {
			t.Fatal(err)
		}
		before := replay(t, b, 0)
		e := call(b, 1)
		after := replay(t, b, 0)
		if len(after) != len(before)+1 || !reflect.DeepEqual(after[len(before)], e) {
			t.Errorf("%d events, then %d", len(before), len(after))
		}
		for i, e := range after[1:] {
			if e.Seq <= after[i].Seq {
				t.Errorf("number %d after %d", e.Seq, after[i].Seq)
			}
		}
		closeBus(t, b)
	})
}
