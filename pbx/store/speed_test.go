package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/store"
)

// TestCallQueryPlans: what the call list asks is answered along an index, in
// order, so that it does not grow slower with the history.
func TestCallQueryPlans(t *testing.T) {
	s := sqliteBackend().open(t)
	saveCalls(t, s, fullCall("page", noon))
	yes := true
	for _, f := range []pbx.CallFilter{
		{},
		{Extension: "101"},
		{Extension: "101", Since: noon, Until: noon.Add(time.Hour), Before: "page"},
		{Cause: pbx.CauseBusy},
		{Open: &yes},
		{Since: noon, Before: "page"},
	} {
		plan := planOf(t, s, f)
		if strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "INDEX") {
			t.Errorf("%+v:\n%s", f, plan)
		}
	}
}

func planOf(t *testing.T, s *store.Store, f pbx.CallFilter) string {
	t.Helper()
	text, args := s.CallQuery(t.Context(), f)
	rows, err := s.DB().Raw("EXPLAIN QUERY PLAN "+text, args...).Rows()
	must(t, err)
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		fmt.Fprintln(&plan, detail)
	}
	must(t, rows.Err())
	return plan.String()
}

func benchmarkStore(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(context.Background(), store.Options{Dir: b.TempDir()})
	if err == nil {
		err = s.Migrate(context.Background())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkDeviceByUsername is what a REGISTER of an unknown device costs.
func BenchmarkDeviceByUsername(b *testing.B) {
	s, ctx := benchmarkStore(b), context.Background()
	for i := range 1000 {
		number := fmt.Sprint(1000 + i)
		err := s.CreateExtension(ctx, &pbx.Extension{Number: number})
		if err == nil {
			err = s.CreateDevice(ctx, &pbx.Device{Extension: number, Username: number, HA1: ha1})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := s.DeviceByUsername(ctx, "1500"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSaveCall is what a finished call of two legs costs, a transaction
// each and 100 in one.
func BenchmarkSaveCall(b *testing.B) {
	for _, batch := range []int{1, 100} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s, at := benchmarkStore(b), uint64(0)
			for b.Loop() {
				err := s.Apply(context.Background(), "calls", at, at+1, func(tx pbx.LedgerTx) error {
					for i := range batch {
						if err := tx.SaveCall(fullCall(pbx.CallID(fmt.Sprint(at, "-", i)), noon)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				at++
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batch), "µs/call")
		})
	}
}
