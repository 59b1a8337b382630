package cdr_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/cdr"
	"klapka.dev/klapka/pbx/event"
	"klapka.dev/klapka/pbx/pbxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	anna = pbx.PartyInfo{Number: "101", Name: "Anna", Extension: "101", User: "u1", Device: "d1"}
	jan  = pbx.PartyInfo{Number: "102", Name: "Jan", Extension: "102", User: "u2", Device: "d2"}

	heard = pbx.Quality{Codec: "PCMA", PacketsSent: 500, PacketsReceived: 498, PacketsLost: 2, JitterMS: 1.5}
)

// exchange is one run of an exchange: its bus, the recorder on it, and where it
// writes.
type exchange struct {
	*event.Bus
	dir    string
	ledger *pbxtest.Ledger
}

// start opens a bus on dir, announces the start, and records into ledger. Journal
// files that were stored are removed when the followers are named.
func start(t testing.TB, dir string, ledger *pbxtest.Ledger, followers ...string) *exchange {
	t.Helper()
	b, err := event.Open(event.Options{Dir: dir, Followers: followers})
	if err != nil {
		t.Fatal(err)
	}
	x := &exchange{Bus: b, dir: dir, ledger: ledger}
	t.Cleanup(func() { x.close(t) })
	x.Publish(pbx.Event{Body: pbx.ExchangeStarted{Version: "test"}})
	go func() {
		if err := b.Follow(context.Background(), cdr.NewRecorder(nil).Follower(ledger)); err != nil {
			t.Errorf("follow: %v", err)
		}
	}()
	return x
}

func (x *exchange) close(t testing.TB) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// frozen copies the journal as it is on disk: what is left of a killed process.
func (x *exchange) frozen(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(x.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newest returns the path of the journal file that is being written.
func newest(t testing.TB, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no journal in %s: %v", dir, err)
	}
	return slices.Max(files)
}

// step is one event of a scripted call, without its ids.
type step struct {
	leg  string // "" concerns the call
	body pbx.EventBody
}

// script publishes the steps as the call with the given id.
func (x *exchange) script(id string, steps ...step) []pbx.Event {
	var events []pbx.Event
	for _, s := range steps {
		e := pbx.Event{Call: pbx.CallID(id), Body: s.body}
		if s.leg != "" {
			e.Leg = pbx.LegID(id + "-" + s.leg)
		}
		events = append(events, x.Publish(e))
	}
	return events
}

// conversation is 101 calling 102, who answers on one of two phones; 102 hangs up.
func conversation() []step {
	lost := pbx.Cause{Code: pbx.CauseAnsweredElsewhere, By: pbx.BySystem}
	over := pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByCallee}
	return []step{
		{"", pbx.CallStarted{From: anna, Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"}}},
		{"a", pbx.LegStarted{Incoming: true, Party: anna, Edge: "udp", Remote: "127.0.0.2:5060", SIPCall: "x@y", UA: "phone"}},
		{"b", pbx.LegStarted{Party: jan, Edge: "udp", Remote: "127.0.0.3:5060"}},
		{"c", pbx.LegStarted{Party: jan, Edge: "tcp", Remote: "127.0.0.4:5060"}},
		{"b", pbx.LegRinging{}},
		{"a", pbx.LegRinging{}},
		{"c", pbx.LegRinging{Early: true}},
		{"b", pbx.LegAnswered{Codec: "PCMA"}},
		{"c", pbx.LegEnded{Cause: lost}},
		{"a", pbx.LegAnswered{Codec: "PCMU"}},
		{"", pbx.CallAnswered{By: jan}},
		{"a", pbx.BridgeJoined{Role: "talk"}},
		{"b", pbx.LegHeld{Held: true}},
		{"b", pbx.LegEnded{Cause: over, Quality: heard}},
		{"a", pbx.LegEnded{Cause: over}},
		{"", pbx.CallEnded{Cause: over}},
	}
}

// oracle says what the rows must be from the events alone, in a manner that shares
// nothing with the recorder: for each call it searches the list.
func oracle(events []pbx.Event) map[pbx.CallID]pbx.CallRecord {
	rows := make(map[pbx.CallID]pbx.CallRecord)
	for i, e := range events {
		if c, ok := e.Body.(pbx.CallStarted); ok {
			rows[e.Call] = oracleCall(e, c, events[i:])
		}
	}
	return rows
}

func oracleCall(start pbx.Event, c pbx.CallStarted, rest []pbx.Event) pbx.CallRecord {
	r := pbx.CallRecord{ID: start.Call, From: c.From, Dialled: c.Dialled, To: c.To, StartedAt: start.At}
	for i, e := range rest {
		if s, ok := e.Body.(pbx.ExchangeStarted); ok && r.EndedAt.IsZero() {
			r.EndedAt, r.Cause = s.LastAt, pbx.Cause{Code: pbx.CauseRestart, By: pbx.BySystem}
		}
		if e.Call != r.ID {
			continue
		}
		switch body := e.Body.(type) {
		case pbx.CallAnswered:
			r.AnsweredAt, r.AnsweredBy = e.At, body.By
		case pbx.CallEnded:
			r.EndedAt, r.Cause = e.At, body.Cause
		case pbx.LegStarted:
			l := oracleLeg(e, body, rest[i:])
			if !l.Incoming && !l.RangAt.IsZero() && (r.RangAt.IsZero() || l.RangAt.Before(r.RangAt)) {
				r.RangAt = l.RangAt
			}
			r.Legs = append(r.Legs, l)
		}
	}
	return r
}

func oracleLeg(start pbx.Event, s pbx.LegStarted, rest []pbx.Event) pbx.LegRecord {
	l := pbx.LegRecord{
		ID: start.Leg, Call: start.Call, Parent: s.Parent, Incoming: s.Incoming, Party: s.Party, Edge: s.Edge,
		Remote: s.Remote, SIPCall: s.SIPCall, UserAgent: s.UA, StartedAt: start.At,
	}
	for _, e := range rest {
		if s, ok := e.Body.(pbx.ExchangeStarted); ok && l.EndedAt.IsZero() {
			l.EndedAt, l.Cause = s.LastAt, pbx.Cause{Code: pbx.CauseRestart, By: pbx.BySystem}
		}
		if e.Leg != l.ID {
			continue
		}
		switch body := e.Body.(type) {
		case pbx.LegRinging:
			l.RangAt = e.At
		case pbx.LegAnswered:
			l.AnsweredAt, l.Quality.Codec = e.At, body.Codec
		case pbx.LegEnded:
			codec := l.Quality.Codec
			if l.Quality = body.Quality; l.Quality.Codec == "" {
				l.Quality.Codec = codec
			}
			l.EndedAt, l.Cause = e.At, body.Cause
		}
	}
	return l
}

// agree compares the rows with what the events in the journal say.
func agree(t testing.TB, ledger *pbxtest.Ledger, events []pbx.Event) {
	t.Helper()
	want, got := oracle(events), ledger.Calls()
	if len(got) != len(want) {
		t.Errorf("%d records of %d calls", len(got), len(want))
	}
	for _, r := range got {
		if g, w := fmt.Sprintf("%+v", r), fmt.Sprintf("%+v", want[r.ID]); g != w {
			t.Errorf("record\n%s\nbut the events say\n%s", g, w)
		}
	}
}
