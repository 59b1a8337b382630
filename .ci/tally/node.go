package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// readFile gives a report to its reader.
func readFile(name string, read func([]byte, io.Writer) (sums, error), out io.Writer) (sums, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return sums{}, err
	}
	return read(data, out)
}

// readVitest reads the reporter "json", which has the form of Jest's. Its runner
// has shown the failures already.
func readVitest(data []byte, out io.Writer) (sums, error) {
	var r struct {
		NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests, NumFailedTestSuites int
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return sums{}, err
	}
	skipped := r.NumPendingTests + r.NumTodoTests
	if skipped > 0 {
		fmt.Fprintf(out, "%d tests of the pages were skipped\n", skipped)
	}
	s := sums{r.NumPassedTests, r.NumFailedTests + skipped}
	if s.failed == 0 { // a file that could not be loaded has no test in it
		s.failed = r.NumFailedTestSuites
	}
	return s, nil
}

// readPlaywright reads the reporter "json". A test that needed a second try is no
// proof either.
func readPlaywright(data []byte, out io.Writer) (sums, error) {
	var r struct {
		Errors []struct{ Message string }
		Stats  struct{ Expected, Unexpected, Flaky, Skipped int }
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return sums{}, err
	}
	if n := r.Stats.Flaky + r.Stats.Skipped; n > 0 {
		fmt.Fprintf(out, "%d browser tests were flaky, %d skipped\n", r.Stats.Flaky, r.Stats.Skipped)
	}
	return sums{r.Stats.Expected, r.Stats.Unexpected + r.Stats.Flaky + r.Stats.Skipped + len(r.Errors)}, nil
}
