//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx/pbxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct{ args, fault string }{
		{"-only register,relay -time 2s", ""},
		{"-only sleep", "-only"},
		{"-at 192.0.2.1", "-at"},
		{"-time 1m", "out of bounds"},
		{"-devices 7", "out of bounds"},
		{"-call-rates 100,50", "-call-rates"},
		{"-register-rates 0", "-register-rates"},
		{"-relays many", "-relays"},
	} {
		_, err := parse(strings.Fields(tc.args), io.Discard)
		if (err != nil) != (tc.fault != "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.fault)
		}
	}
}

func TestCompareTakesTheHighestCommonCleanRate(t *testing.T) {
	ours := steps{{rate: 100, each: 3000, clean: true}, {rate: 200, each: 2000, clean: true}, {rate: 400, each: 9000}}
	theirs := steps{{rate: 100, each: 1000, clean: true}, {rate: 200, each: 4000, clean: true}, {rate: 400, each: 1, clean: true}}
	var b bench
	b.compare("cost", "calls/s", "peer", ours, theirs, micros)
	if got := b.facts.String(); !strings.Contains(got, "| cost at 200 calls/s | 2 µs | peer 4 µs | **0.50** |") || !strings.Contains(got, "| 200 | peer 400 |") {
		t.Error(got)
	}
	b = bench{}
	b.compare("cost", "calls/s", "peer", ours, nil, micros)
	if got := b.facts.String(); !strings.Contains(got, "| cost at 200 calls/s | 2 µs | – | – |") {
		t.Error(got)
	}
}

// A short run against the shipped program fills every table: it registers, calls
// and relays, and nothing that was begun failed.
func TestMeasures(t *testing.T) {
	program, err := pbxtest.BuildBinary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	var out, progress strings.Builder
	err = run(context.Background(), []string{
		"-program", program, "-at", "127.78.0.0", "-pin=false", "-peers=false", "-devices", "100", "-time", "1s", "-calm", "0s",
		"-register-rates", "20", "-call-rates", "10", "-relays", "5",
	}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := out.String()
	for _, want := range []string{
		"| start to first SIP answer, store: 100 devices |", "| memory of 10,000 registrations, Klapka |",
		"| CPU of a registration at 20 registrations/s |", "| CPU of a call without sound at 10 calls/s |",
		"| CPU of 100 relayed calls, of a core at 5 calls at a time |", "| memory of a relayed call",
		"| 20 | 20 of 20 | 0 |", "| 10 | 10 of 10 | 0 |",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if t.Failed() {
		t.Log(report)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
