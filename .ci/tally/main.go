// Command tally reads the reports of the test runners, shows what failed, and
// keeps one line of sums per runner.
//
//	go test -json … | tally go SUMS
//	tally vitest REPORT SUMS
//	tally playwright REPORT SUMS
//	tally total SUMS
//
// A skipped test counts as failed: what was not run proves nothing.
package main

import (
	"fmt"
	"io"
	"os"
)

// sums is what one runner found.
type sums struct{ passed, failed int }

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == "go":
		s, err := readGo(in, out)
		return record(args[1], "go", s, err)
	case len(args) == 3 && args[0] == "vitest":
		s, err := readFile(args[1], readVitest, out)
		return record(args[2], "vitest", s, err)
	case len(args) == 3 && args[0] == "playwright":
		s, err := readFile(args[1], readPlaywright, out)
		return record(args[2], "playwright", s, err)
	case len(args) == 2 && args[0] == "total":
		return total(args[1], out)
	}
	return fmt.Errorf("what is %q?", args)
}

// record appends the runner's line. A report that cannot be read is a failure of
// that runner, and so is one without a single test.
func record(file, runner string, s sums, err error) error {
	if err != nil || s.passed+s.failed == 0 {
		s.failed++
	}
	f, openErr := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if openErr != nil {
		return openErr
	}
	if _, werr := fmt.Fprintf(f, "%s\t%d\t%d\n", runner, s.passed, s.failed); werr != nil {
		return werr
	}
	if cerr := f.Close(); cerr != nil {
		return cerr
	}
	return err
}

// total prints every runner's line and fails when anything did.
func total(file string, out io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	failed := 0
	for {
		var runner string
		var s sums
		if _, err := fmt.Fscanf(f, "%s\t%d\t%d\n", &runner, &s.passed, &s.failed); err != nil {
			break
		}
		if _, err := fmt.Fprintf(out, "%-12s %6d passed %6d failed\n", runner, s.passed, s.failed); err != nil {
			return err
		}
		failed += s.failed
	}
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}
