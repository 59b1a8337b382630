package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

// testBulk: what is written in one transaction is the same as in many, however
// much it is and however often a row is written: the last write counts, and what
// was written is seen by whoever reads later in the transaction.
func testBulk(t *testing.T, s *store.Store) {
	binding := func(i, cseq int) pbx.Binding {
		return pbx.Binding{
			Device: fmt.Sprint("d", i), Contact: "sip:x@192.0.2.1", CSeq: uint32(cseq),
			Registered: noon.Add(time.Duration(i) * time.Second), Expires: noon.Add(time.Hour),
		}
	}
	const many = 215 // parts of every size
	apply(t, s, func(tx pbx.LedgerTx) error {
		for i := range many {
			must(t, tx.SaveCall(fullCall(pbx.CallID(fmt.Sprint(i)), noon)))
			must(t, tx.SaveBinding(binding(i, 1)))
		}
		again := fullCall("7", noon)
		again.Dialled, again.Legs = "again", again.Legs[:1]
		must(t, tx.SaveCall(again))
		must(t, tx.SaveBinding(binding(1, 2)))
		must(t, tx.DeleteBinding("d2", "sip:x@192.0.2.1"))
		must(t, tx.DeleteBinding("d3", "sip:x@192.0.2.1"))
		must(t, tx.SaveBinding(binding(3, 3)))
		seen, err := tx.Bindings()
		must(t, err)
		if len(seen) != many-1 {
			t.Errorf("%d bindings within the transaction", len(seen))
		}
		return tx.SaveBinding(binding(4, 4))
	})
	got := map[string]uint32{}
	for _, b := range bindings(t, s) {
		got[b.Device] = b.CSeq
	}
	want := map[string]uint32{}
	for i := range many {
		want[fmt.Sprint("d", i)] = 1
	}
	delete(want, "d2")
	want["d1"], want["d3"], want["d4"] = 2, 3, 4
	if !reflect.DeepEqual(got, want) {
		t.Errorf("bindings by number: %v", got)
	}
	calls, err := s.CallRecords(t.Context(), pbx.CallFilter{Limit: 500, Extension: "101"})
	must(t, err)
	if len(calls) != many {
		t.Errorf("%d calls of %d", len(calls), many)
	}
	for _, c := range calls {
		full := fullCall(c.ID, noon)
		if c.ID == "7" {
			full.Dialled, full.Legs = "again", full.Legs[:1]
		}
		if !reflect.DeepEqual(c, full) {
			t.Errorf("got  %+v\nwant %+v", c, full)
		}
	}
}
