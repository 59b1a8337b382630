package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// apply does one write without caring for the cursor.
func apply(t *testing.T, s *store.Store, write func(pbx.LedgerTx) error) {
	t.Helper()
	at, err := s.Cursor(t.Context(), "test")
	must(t, err)
	must(t, s.Apply(t.Context(), "test", at, at+1, write))
}

func saveCalls(t *testing.T, s *store.Store, calls ...pbx.CallRecord) {
	t.Helper()
	apply(t, s, func(tx pbx.LedgerTx) error {
		for _, c := range calls {
			if err := tx.SaveCall(c); err != nil {
				return err
			}
		}
		return nil
	})
}

func bindings(t *testing.T, s *store.Store) (all []pbx.Binding) {
	t.Helper()
	apply(t, s, func(tx pbx.LedgerTx) (err error) {
		all, err = tx.Bindings()
		return err
	})
	return all
}

func testBindings(t *testing.T, s *store.Store) {
	_, _, d := person(t, s, "101")
	b := pbx.Binding{
		Device: d.ID, Username: "101", Extension: "101", Contact: "sip:101@192.0.2.1:5060;ob",
		InstanceID: "<urn:uuid:1>", RegID: 1, Path: []string{"<sip:a;lr>", "<sip:b;lr>"}, UserAgent: "Phone/1",
		CallID: "abc", CSeq: math.MaxUint32, Q: 0.5, Edge: "udp", Remote: netip.MustParseAddrPort("[2001:db8::1]:5060"),
		ConnID: math.MaxUint64, Registered: noon, Expires: noon.Add(time.Hour),
	}
	plain := pbx.Binding{
		Device: d.ID, Contact: "sip:101@192.0.2.2?" + strings.Repeat("x", 9000), CallID: "def",
		Registered: noon.Add(time.Second), Expires: noon.Add(time.Hour),
	}
	save := func(v pbx.Binding) { apply(t, s, func(tx pbx.LedgerTx) error { return tx.SaveBinding(v) }) }
	save(b)
	save(plain)
	b.Contact, b.CSeq, b.Expires = "sip:101@192.0.2.9", 7, noon.Add(2*time.Hour)
	save(b) // the same instance from elsewhere: replaced
	if got := bindings(t, s); !reflect.DeepEqual(got, []pbx.Binding{b, plain}) {
		t.Errorf("got %+v", got)
	}
	remove := func(key string) {
		apply(t, s, func(tx pbx.LedgerTx) error { return tx.DeleteBinding(d.ID, key) })
	}
	remove(plain.Key())
	remove("missing")
	if got := bindings(t, s); !reflect.DeepEqual(got, []pbx.Binding{b}) {
		t.Errorf("after removal: %+v", got)
	}
	must(t, s.DeleteDevice(t.Context(), d.ID))
	if got := bindings(t, s); len(got) != 0 {
		t.Errorf("a deleted device left %+v", got)
	}
	save(b) // its history may be written later
}

// fullCall is a record with every field set.
func fullCall(id pbx.CallID, at time.Time) pbx.CallRecord {
	anna := pbx.PartyInfo{Number: "101", Name: "Anna Huber", Extension: "101", User: "u1", Device: "d1", Language: pbx.German}
	ludek := pbx.PartyInfo{Number: "102", Name: "Luděk Šťastný", Extension: "102", User: "u2", Device: "d2", Language: pbx.Czech}
	cause := pbx.Cause{Code: pbx.CauseNormal, By: pbx.ByCaller, Text: "BYE"}
	quality := pbx.Quality{
		Codec: "PCMA", PacketsSent: 500, PacketsReceived: 498, PacketsLost: 2, JitterMS: 1.25, RemoteLost: 1,
		RemoteJitterMS: 2.5, RoundTripMS: 20.75, Ignored: 3, Impairment: "none",
	}.Rated()
	leg := pbx.LegRecord{
		ID: "leg1" + pbx.LegID(id), Call: id, Incoming: true, Party: anna, Edge: "udp", Remote: "192.0.2.1:5060", SIPCall: "x@y",
		UserAgent: "Phone/1", StartedAt: at, RangAt: at.Add(time.Second), AnsweredAt: at.Add(2 * time.Second),
		EndedAt: at.Add(time.Minute), Cause: cause, Quality: quality,
	}
	other := leg
	other.ID, other.Parent, other.Incoming, other.Party = "leg2"+pbx.LegID(id), leg.ID, false, ludek
	return pbx.CallRecord{
		ID: id, From: anna, Dialled: "102", To: pbx.Target{Kind: pbx.TargetExtension, ID: "102"}, AnsweredBy: ludek,
		StartedAt: at, RangAt: at.Add(time.Second), AnsweredAt: at.Add(2 * time.Second),
		EndedAt: at.Add(time.Minute), Cause: cause, Legs: []pbx.LegRecord{leg, other},
	}
}

func testCallRecord(t *testing.T, s *store.Store) {
	ctx := t.Context()
	full := fullCall("full", noon.Add(123456*time.Microsecond))
	running := pbx.CallRecord{
		ID: "open", From: full.From, Dialled: "103", StartedAt: noon,
		Legs: []pbx.LegRecord{{ID: "l", Call: "open", StartedAt: noon}},
	}
	bare := pbx.CallRecord{ID: "bare", StartedAt: noon.Add(-time.Hour)}
	saveCalls(t, s, full, running, bare)
	for _, want := range []pbx.CallRecord{full, running, bare} {
		got, err := s.CallRecord(ctx, want.ID)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	var open []pbx.CallRecord
	apply(t, s, func(tx pbx.LedgerTx) (err error) {
		open, err = tx.OpenCalls()
		return err
	})
	if !reflect.DeepEqual(open, []pbx.CallRecord{bare, running}) {
		t.Errorf("open calls: %+v", open)
	}
	full.Legs = full.Legs[1:] // replaced, not added to
	full.AnsweredBy = pbx.PartyInfo{}
	saveCalls(t, s, full)
	got, err := s.CallRecord(ctx, "full")
	must(t, err)
	if !reflect.DeepEqual(got, full) {
		t.Errorf("replaced: %+v", got)
	}
	calls, err := s.CallRecords(ctx, pbx.CallFilter{Extension: "101"})
	must(t, err)
	if !slices.Equal(ids(calls), []pbx.CallID{"full", "open"}) {
		t.Errorf("calls of 101: %v", ids(calls))
	}
	_, err = s.CallRecord(ctx, "none")
	wantCode(t, err, pbx.NotFound, "")
}

func ids(calls []pbx.CallRecord) []pbx.CallID {
	var out []pbx.CallID
	for _, c := range calls {
		out = append(out, c.ID)
	}
	return out
}

func testCallFilters(t *testing.T, s *store.Store) {
	party := func(ext, name string) pbx.PartyInfo { return pbx.PartyInfo{Number: ext, Extension: ext, Name: name} }
	call := func(id pbx.CallID, minute int, cause pbx.CauseCode, from, by pbx.PartyInfo, rung ...pbx.PartyInfo) pbx.CallRecord {
		c := pbx.CallRecord{
			ID: id, StartedAt: noon.Add(time.Duration(minute) * time.Minute), From: from, AnsweredBy: by,
			Dialled: "100", Cause: pbx.Cause{Code: cause},
		}
		if cause != "" {
			c.EndedAt = c.StartedAt.Add(time.Second)
		}
		for i, p := range rung {
			c.Legs = append(c.Legs, pbx.LegRecord{ID: pbx.LegID(fmt.Sprint(id, i)), Call: id, Party: p})
		}
		return c
	}
	a, b, c := party("101", "Anna Huber"), party("102", "Luděk ŠŤASTNÝ"), party("103", "100% _real_ \\name")
	saveCalls(t, s,
		call("c1", 1, pbx.CauseNormal, a, b, b, c), // 103 was rung, 102 answered
		call("c2", 2, pbx.CauseNoAnswer, b, pbx.PartyInfo{}, c),
		call("c3", 3, pbx.CauseBusy, c, pbx.PartyInfo{}, a),
		call("c4", 4, "", a, pbx.PartyInfo{}))
	yes, no := true, false
	for _, test := range []struct {
		name   string
		filter pbx.CallFilter
		want   []pbx.CallID
	}{
		{"everything, newest first", pbx.CallFilter{}, []pbx.CallID{"c4", "c3", "c2", "c1"}},
		{"as caller or rung", pbx.CallFilter{Extension: "101"}, []pbx.CallID{"c4", "c3", "c1"}},
		{"as answering party", pbx.CallFilter{Extension: "102"}, []pbx.CallID{"c2", "c1"}},
		{"rung only", pbx.CallFilter{Extension: "103"}, []pbx.CallID{"c3", "c2", "c1"}},
		{"nobody", pbx.CallFilter{Extension: "10"}, nil},
		{"since is included", pbx.CallFilter{Since: noon.Add(3 * time.Minute)}, []pbx.CallID{"c4", "c3"}},
		{"until is not", pbx.CallFilter{Until: noon.Add(3 * time.Minute)}, []pbx.CallID{"c2", "c1"}},
		{"a time elsewhere on earth", pbx.CallFilter{Since: noon.Add(3 * time.Minute).In(time.FixedZone("", 7200))},
			[]pbx.CallID{"c4", "c3"}},
		{"cause", pbx.CallFilter{Cause: pbx.CauseBusy}, []pbx.CallID{"c3"}},
		{"running", pbx.CallFilter{Open: &yes}, []pbx.CallID{"c4"}},
		{"ended", pbx.CallFilter{Open: &no}, []pbx.CallID{"c3", "c2", "c1"}},
		{"name, whatever the case", pbx.CallFilter{Search: "šťast"}, []pbx.CallID{"c2", "c1"}},
		{"number", pbx.CallFilter{Search: "103"}, []pbx.CallID{"c3", "c2", "c1"}},
		{"percent is a character", pbx.CallFilter{Search: "0%"}, []pbx.CallID{"c3", "c2", "c1"}},
		{"underscore is a character", pbx.CallFilter{Search: "_real"}, []pbx.CallID{"c3", "c2", "c1"}},
		{"backslash is a character", pbx.CallFilter{Search: `\NAME`}, []pbx.CallID{"c3", "c2", "c1"}},
		{"no injection", pbx.CallFilter{Search: "' OR 1=1 --"}, nil},
		{"all together", pbx.CallFilter{Extension: "103", Since: noon, Until: noon.Add(150 * time.Second), Open: &no,
			Cause: pbx.CauseNoAnswer, Search: "LUD"}, []pbx.CallID{"c2"}},
		{"after a call", pbx.CallFilter{Extension: "101", Before: "c3"}, []pbx.CallID{"c1"}},
		{"a few", pbx.CallFilter{Limit: 2}, []pbx.CallID{"c4", "c3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls, err := s.CallRecords(t.Context(), test.filter)
			must(t, err)
			if !slices.Equal(ids(calls), test.want) {
				t.Errorf("got %v, want %v", ids(calls), test.want)
			}
		})
	}
	_, err := s.CallRecords(t.Context(), pbx.CallFilter{Before: "ghost"})
	wantCode(t, err, pbx.NotFound, "")
}

// testCallPages walks 120 calls, many begun at the same moment: each is met
// once.
func testCallPages(t *testing.T, s *store.Store) {
	var calls []pbx.CallRecord
	for i := range 120 {
		calls = append(calls, fullCall(pbx.CallID(fmt.Sprintf("call%03d", i)), noon.Add(time.Duration(i/10)*100*time.Millisecond)))
	}
	saveCalls(t, s, calls...)
	for _, f := range []pbx.CallFilter{{Limit: 7}, {Limit: 7, Extension: "102"}, {}, {Limit: 5000}} {
		seen := map[pbx.CallID]bool{}
		var last time.Time
		for {
			page, err := s.CallRecords(t.Context(), f)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				if seen[c.ID] || !last.IsZero() && c.StartedAt.After(last) {
					t.Fatalf("%s came again or too late", c.ID)
				}
				seen[c.ID], last = true, c.StartedAt
			}
			f.Before = page[len(page)-1].ID
		}
		if len(seen) != 120 {
			t.Errorf("%+v: %d of 120 calls", f, len(seen))
		}
	}
}

// testHostileText: what phones send is stored or softened, never refused; a
// refused record would stop the history behind it.
func testHostileText(t *testing.T, s *store.Store) {
	evil := "a\x00b\xff'; DROP TABLE calls; --\r\n\u202e<img onerror=x>" + strings.Repeat("ř", 5000)
	c := fullCall("evil", noon)
	c.From = pbx.PartyInfo{Number: evil, Name: evil, Extension: "101", Language: pbx.Language(evil)}
	c.Dialled, c.To.ID = evil, evil
	c.Legs[0].UserAgent, c.Legs[0].SIPCall, c.Legs[0].Party.Name, c.Legs[0].Cause.Text = evil, evil, evil, evil
	c.Legs[0].Quality = pbx.Quality{PacketsLost: math.MaxUint64, JitterMS: math.NaN(), RoundTripMS: math.Inf(1)}
	c.Legs[1].ID = c.Legs[0].ID // a fault of ours must not stop the history either
	saveCalls(t, s, c)
	got, err := s.CallRecord(t.Context(), "evil")
	must(t, err)
	if !strings.HasPrefix(got.From.Name, "ab\uFFFD'; DROP") || got.Legs[0].Quality.JitterMS != 0 || len(got.Legs) != 2 {
		t.Errorf("got %.60q, %+v, %d legs", got.From.Name, got.Legs[0].Quality, len(got.Legs))
	}
	b := pbx.Binding{Device: "d", Username: evil, Contact: evil, UserAgent: evil, CallID: evil, Path: []string{evil}, Q: float32(math.NaN())}
	apply(t, s, func(tx pbx.LedgerTx) error { return tx.SaveBinding(b) })
	if got := bindings(t, s); len(got) != 1 || !strings.HasPrefix(got[0].Contact, "ab") {
		t.Errorf("bindings: %.100v", got)
	}
}

func testApply(t *testing.T, s *store.Store) {
	ctx := t.Context()
	save := func(id pbx.CallID) func(pbx.LedgerTx) error {
		return func(tx pbx.LedgerTx) error { return tx.SaveCall(pbx.CallRecord{ID: id, StartedAt: noon}) }
	}
	at, err := s.Cursor(ctx, "calls")
	if err != nil || at != 0 {
		t.Fatalf("a new cursor is at %d, %v", at, err)
	}
	must(t, s.Apply(ctx, "calls", 0, 5, save("a")))
	wantCode(t, s.Apply(ctx, "calls", 0, 5, save("again")), pbx.Conflict, "")
	wantCode(t, s.Apply(ctx, "calls", 4, 6, save("gap")), pbx.Conflict, "")
	wantCode(t, s.Apply(ctx, "calls", 5, 4, save("back")), pbx.Invalid, "to")
	must(t, s.Apply(ctx, "other", 0, 9, func(pbx.LedgerTx) error { return nil })) // independent
	mine := errors.New("mine")
	err = s.Apply(ctx, "calls", 5, 7, func(tx pbx.LedgerTx) error {
		must(t, save("half")(tx))
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	// An overlooked failure of a write does not let the rest through.
	cut, stop := context.WithCancel(ctx)
	err = s.Apply(cut, "calls", 5, 7, func(tx pbx.LedgerTx) error {
		must(t, save("half")(tx))
		stop()
		_ = save("lost")(tx)
		return nil
	})
	wantCode(t, err, pbx.Unavailable, "")
	must(t, s.Apply(ctx, "calls", 5, 6, save("b")))
	calls, err := s.CallRecords(ctx, pbx.CallFilter{})
	must(t, err)
	if got := ids(calls); !slices.Equal(got, []pbx.CallID{"b", "a"}) {
		t.Errorf("stored: %v", got)
	}
	if at, err := s.Cursor(ctx, "calls"); err != nil || at != 6 {
		t.Errorf("cursor at %d, %v", at, err)
	}
}

func testApplyRace(t *testing.T, s *store.Store) {
	var wg sync.WaitGroup
	results := make([]error, 12)
	for i := range results {
		wg.Go(func() {
			results[i] = s.Apply(t.Context(), "calls", 0, 1, func(tx pbx.LedgerTx) error {
				return tx.SaveCall(pbx.CallRecord{ID: pbx.CallID(fmt.Sprint(i)), StartedAt: noon})
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if pbx.CodeOf(err) != pbx.Conflict {
			t.Errorf("loser: %v", err)
		}
	}
	calls, err := s.CallRecords(t.Context(), pbx.CallFilter{})
	must(t, err)
	if won != 1 || len(calls) != 1 {
		t.Errorf("%d winners, %d records", won, len(calls))
	}
}

// testWriters: reads followed by writes, from many sides at once, all succeed.
func testWriters(t *testing.T, s *store.Store) {
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			u := pbx.User{FirstName: fmt.Sprint(i), Role: pbx.RoleUser, Language: pbx.Czech}
			if err := s.CreateUser(t.Context(), &u); err != nil {
				t.Error(err)
				return
			}
			for j := range 10 {
				u.LastName = fmt.Sprint(j)
				if err := s.UpdateUser(t.Context(), &u); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
