// Package e2e proves the shipped program with real phones: baresip, linphone and
// sipp call through it, and what they hear is listened to. It runs when
// KLAPKA_TEST_FULL is 1; a phone that is not installed is a failure then.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"klapka.dev/klapka/pbx/pbxtest"
)

// full reports whether the phones are to be had.
func full() bool { return os.Getenv("KLAPKA_TEST_FULL") == "1" }

// program is the path of the shipped program, for the process's whole life.
var program string

// loopbacks gives each exchange and phone an address of its own.
var loopbacks pbxtest.Loopbacks

func TestMain(m *testing.M) {
	if !full() {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "klapka-e2e-")
	if err == nil {
		program, err = pbxtest.BuildBinary(dir)
	}
	if err == nil {
		// Phones spend their time talking, not computing.
		flag.Parse()
		err = flag.Set("test.parallel", "5")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // a temporary one
		os.Exit(code)
	}))
}
