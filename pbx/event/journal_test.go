package event_test

import (
	"bytes"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

// Every body that is history comes back from the journal as it was published,
// whatever its fields hold.
func TestJournalKeepsEveryBody(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	var want []pbx.Event
	for _, body := range pbx.EventBodies() {
		v := reflect.New(reflect.TypeOf(body)).Elem()
		fill(v)
		full := v.Interface().(pbx.EventBody)
		for _, body := range []pbx.EventBody{full, body} {
			e := b.Publish(pbx.Event{Call: "c", Leg: "l", Bridge: "b", Body: body})
			if e.Body.History() {
				want = append(want, e)
			}
		}
	}
	closeBus(t, b)
	if got := replay(t, open(t, dir), 0); !reflect.DeepEqual(got, want) {
		t.Errorf("the journal returned\n%+v\nwanted\n%+v", got, want)
	}
}

// fill sets every field below v to something that is not its zero value.
func fill(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
		return
	case *netip.AddrPort:
		*p = netip.MustParseAddrPort("127.0.0.2:5062")
		return
	case *pbx.Target:
		*p = pbx.Target{Kind: pbx.TargetExtension, ID: "1:02"}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.String:
		v.SetString("Žofie <\"&\\\n\u2028>")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(9)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	}
}

// The epoch grows by one with each start and no number is ever given twice, not
// even that of an event which was never written (screens resume by both).
func TestNumbersAcrossStarts(t *testing.T) {
	dir := t.TempDir()
	var last uint64
	for epoch := uint64(1); epoch <= 5; epoch++ {
		b := open(t, dir)
		for i := range 4 {
			var e pbx.Event
			if epoch != 3 && i == 1 { // the third start sees no history at all
				e = call(b, i)
			} else {
				e = lossy(b)
			}
			if e.Epoch != epoch || e.Seq <= last || i > 0 && e.Seq != last+1 {
				t.Fatalf("start %d, event %d: epoch %d, number %d after %d", epoch, i, e.Epoch, e.Seq, last)
			}
			last = e.Seq
		}
		closeBus(t, b)
	}
	b := open(t, dir)
	if n := len(replay(t, b, 0)); n != 4 {
		t.Errorf("%d events in the journal, want 4", n)
	}
	if epoch, seq := b.Position(); epoch != 6 || seq != last+event.SeqLeap && seq < last {
		t.Errorf("at epoch %d, number %d", epoch, seq)
	}
}

// A start that came to nothing leaves no file behind, however often it happens.
func TestRestartLoopKeepsTheDirectorySmall(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	e := call(b, 1)
	closeBus(t, b)
	for range 20 {
		closeBus(t, open(t, dir))
	}
	if n := len(segments(t, dir)); n != 2 {
		t.Errorf("%d files after 20 empty starts, want 2", n)
	}
	b = open(t, dir)
	if got := replay(t, b, 0); len(got) != 1 || got[0].Seq != e.Seq {
		t.Errorf("the journal holds %+v", got)
	}
	started := b.Publish(pbx.Event{Body: pbx.ExchangeStarted{Version: "1"}})
	if started.Epoch != 22 || !started.Body.(pbx.ExchangeStarted).LastAt.Equal(e.At) {
		t.Errorf("after 20 empty starts: %+v, last event was at %v", started, e.At)
	}
}

// The start event says when the exchange was last heard of, and not at all at the
// very first start.
func TestStartedTellsTheLastEvent(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if e := b.Publish(pbx.Event{Body: pbx.ExchangeStarted{}}); !e.Body.(pbx.ExchangeStarted).LastAt.IsZero() {
		t.Errorf("the first start knows of an earlier event: %+v", e)
	}
	last := call(b, 1)
	lossy(b)
	crashed := open(t, copyDir(t, dir))
	if e := crashed.Publish(pbx.Event{Body: pbx.ExchangeStarted{}}); !e.Body.(pbx.ExchangeStarted).LastAt.Equal(last.At) {
		t.Errorf("last event at %v, the start says %+v", last.At, e)
	}
}

// A process killed while it was writing the last line loses at most that line,
// whichever byte was the last to get there, and goes on behind it.
func TestKilledAtEveryByteOfALine(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	call(b, 1)
	call(b, 2)
	path := segments(t, dir)[0]
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	call(b, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := int(before.Size()); size <= len(whole); size++ {
		want := 2
		if size == len(whole) {
			want = 3
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		var log logBuffer
		b := open(t, dir, func(o *event.Options) { o.Log = log.logger() })
		torn := size != len(whole) && size != int(before.Size())
		left, err := os.Stat(segments(t, dir)[0])
		if err != nil || torn != (left.Size() < int64(size)) || torn != (log.count("cutting it off") == 1) {
			t.Fatalf("cut at %d of %d: %v, %v; log: %s", size, len(whole), left.Size(), err, log.buf.String())
		}
		if got := len(replay(t, b, 0)); got != want {
			t.Fatalf("cut at %d of %d: %d events, want %d", size, len(whole), got, want)
		}
		next := call(b, 4)
		closeBus(t, b)
		all := replay(t, open(t, dir), 0)
		if len(all) != want+1 || all[want].Seq != next.Seq {
			t.Fatalf("cut at %d: after one more event the journal holds %+v", size, all)
		}
	}
}

// Damage in the middle costs the damaged lines and no others, and is logged.
func TestDamageIsPassedOver(t *testing.T) {
	line := func(data []byte, n int) []byte { return bytes.SplitAfter(data, []byte("\n"))[n] }
	for name, damage := range map[string]struct {
		do   func([]byte) []byte
		lost int
	}{
		"a flipped bit":    {func(d []byte) []byte { line(d, 3)[40] ^= 1; return d }, 1},
		"a lost line feed": {func(d []byte) []byte { l := line(d, 3); l[len(l)-1] = ' '; return d }, 2},
		"zeroes over two lines": {func(d []byte) []byte {
			third, fourth := line(d, 3), line(d, 4)
			clear(third)
			clear(fourth)
			return d
		}, 3},
		"a line twice": {func(d []byte) []byte {
			return bytes.Replace(d, line(d, 3), append(bytes.Clone(line(d, 3)), line(d, 3)...), 1)
		}, 0},
		"three megabytes of noise": {func(d []byte) []byte {
			return bytes.Replace(d, line(d, 3), append(bytes.Repeat([]byte("x"), 3<<20), '\n'), 1)
		}, 1},
		"no header":       {func(d []byte) []byte { return d[len(line(d, 0)):] }, 0},
		"a broken header": {func(d []byte) []byte { d[0] ^= 1; return d }, 0},
		"zeroes at the end": {func(d []byte) []byte {
			return append(d, make([]byte, 100_000)...)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := open(t, dir)
			for n := range 10 {
				call(b, n)
			}
			closeBus(t, b)
			path := segments(t, dir)[0]
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage.do(data), 0o600); err != nil {
				t.Fatal(err)
			}
			var log logBuffer
			b = open(t, dir, func(o *event.Options) { o.Log = log.logger() })
			if got := len(replay(t, b, 0)); got != 10-damage.lost {
				t.Errorf("%d events, want %d", got, 10-damage.lost)
			}
			if e := call(b, 11); e.Epoch != 2 {
				t.Errorf("the next epoch is %d", e.Epoch)
			}
			if damage.lost > 0 && (log.count("passing over") == 0 || b.Stats().Corrupt == 0) {
				t.Error("nothing was logged or counted")
			}
		})
	}
}

// What JSON cannot say is not written, said so, and stops nothing.
func TestUnwritableEvent(t *testing.T) {
	var log logBuffer
	b := open(t, t.TempDir(), func(o *event.Options) { o.Log = log.logger() })
	s := b.Subscribe(4, nil)
	defer s.Close()
	b.Publish(pbx.Event{Leg: "l", Body: pbx.LegEnded{Quality: pbx.Quality{JitterMS: math.NaN()}}})
	b.Publish(pbx.Event{})
	want := call(b, 1)
	if got := replay(t, b, 0); len(got) != 1 || got[0].Seq != want.Seq {
		t.Errorf("the journal holds %+v", got)
	}
	if len(s.C()) != 2 || log.count("cannot be written") != 1 || log.count("without a body") != 1 {
		t.Errorf("%d events reached the screen; log: %s", len(s.C()), log.buf.String())
	}
}

// Two programs started on one data directory do not write into one journal.
func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if b, err := event.Open(event.Options{Dir: dir}); pbx.CodeOf(err) != pbx.Conflict {
		t.Errorf("opened twice: %v, %v", b, err)
	}
}

// A directory that cannot be used is an error at the start.
func TestUnusableDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := event.Open(event.Options{Dir: path}); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// Nobody but the exchange's own user reads who called whom.
func TestJournalIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	call(open(t, dir), 1)
	for path, want := range map[string]os.FileMode{dir: 0o700, segments(t, dir)[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}
