package event_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBuffer collects what was logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// count says how many lines contain s.
func (l *logBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.buf.Bytes(), []byte(s))
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// open opens a bus on dir that the test closes at its end if it did not itself.
func open(t testing.TB, dir string, options ...func(*event.Options)) *event.Bus {
	t.Helper()
	o := event.Options{Dir: dir}
	for _, f := range options {
		f(&o)
	}
	b, err := event.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

func closeBus(t testing.TB, b *event.Bus) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// call publishes the start of the call numbered n.
func call(b *event.Bus, n int) pbx.Event {
	return b.Publish(pbx.Event{
		Call: pbx.CallID(fmt.Sprintf("call-%04d", n)),
		Body: pbx.CallStarted{
			From:    pbx.PartyInfo{Number: "101", Name: "Anna Nováková", Extension: "101"},
			Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"},
		},
	})
}

// lossy publishes an event that is no history.
func lossy(b *event.Bus) pbx.Event {
	return b.Publish(pbx.Event{Body: pbx.AuthFailed{Source: "127.0.0.1:5060", Username: "101", Method: "REGISTER"}})
}

// replay returns all the journal holds above after.
func replay(t testing.TB, b *event.Bus, after uint64) []pbx.Event {
	t.Helper()
	var events []pbx.Event
	err := b.Replay(after, func(e pbx.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// segments lists the journal files in dir, oldest first.
func segments(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// copyDir copies a journal as it is on disk: what a process finds that starts
// after the writer was killed at this moment.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
