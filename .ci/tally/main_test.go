package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goReport = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"run","Package":"a","Test":"TestTable"}
{"Action":"run","Package":"a","Test":"TestTable/x"}
{"Action":"pass","Package":"a","Test":"TestTable/x"}
{"Action":"run","Package":"a","Test":"TestTable/y"}
{"Action":"output","Package":"a","Test":"TestTable/y","Output":"y is wrong\n"}
{"Action":"fail","Package":"a","Test":"TestTable/y"}
{"Action":"fail","Package":"a","Test":"TestTable"}
{"Action":"run","Package":"a","Test":"TestSelf"}
{"Action":"run","Package":"a","Test":"TestSelf/z"}
{"Action":"pass","Package":"a","Test":"TestSelf/z"}
{"Action":"fail","Package":"a","Test":"TestSelf"}
{"Action":"run","Package":"a","Test":"TestSkipped"}
{"Action":"skip","Package":"a","Test":"TestSkipped"}
{"Action":"fail","Package":"a","Elapsed":0.1}
{"Action":"skip","Package":"nothing-to-test"}
{"ImportPath":"b [b.test]","Action":"build-output","Output":"b.go:1: broken\n"}
{"ImportPath":"b [b.test]","Action":"build-fail"}
{"Action":"fail","Package":"b","FailedBuild":"b [b.test]"}
{"Action":"run","Package":"c","Test":"TestFine"}
{"Action":"pass","Package":"c","Test":"TestFine"}
{"Action":"output","Package":"c","Output":"goleak: found unexpected goroutines\n"}
{"Action":"fail","Package":"c"}
{"Action":"run","Package":"killed","Test":"TestHangs"}
`

// Leaves count; a parent counts when it failed by itself, a skip, a package that
// did not build, leaked or never ended counts as failed.
func TestGo(t *testing.T) {
	var out bytes.Buffer
	s, err := readGo(strings.NewReader(goReport), &out)
	if err != nil {
		t.Fatal(err)
	}
	if want := (sums{passed: 4, failed: 6}); s != want {
		t.Errorf("got %+v, want %+v\n%s", s, want, out.String())
	}
	for _, want := range []string{"y is wrong", "SKIP  a TestSkipped", "b.go:1: broken", "goleak: found", "killed did not finish"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not told:\n%s", want, out.String())
		}
	}
}

func TestNodeRunners(t *testing.T) {
	var out bytes.Buffer
	for _, tc := range []struct {
		name string
		got  func() (sums, error)
		want sums
	}{
		{"vitest", func() (sums, error) {
			return readVitest([]byte(`{"numPassedTests":5,"numFailedTests":1,"numPendingTests":2,"numTodoTests":0,"numFailedTestSuites":1}`), &out)
		}, sums{5, 3}},
		{"vitest, a file does not load", func() (sums, error) {
			return readVitest([]byte(`{"numPassedTests":5,"numFailedTestSuites":1}`), &out)
		}, sums{5, 1}},
		{"playwright", func() (sums, error) {
			return readPlaywright([]byte(`{"errors":[],"stats":{"expected":7,"unexpected":1,"flaky":1,"skipped":1}}`), &out)
		}, sums{7, 3}},
	} {
		if got, err := tc.got(); err != nil || got != tc.want {
			t.Errorf("%s: %+v %v, want %+v", tc.name, got, err, tc.want)
		}
	}
}

// A runner that leaves no report, or an empty one, has failed; the total says so.
func TestMissingReportIsAFailure(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sums.tsv")
	var out bytes.Buffer
	if err := run([]string{"vitest", filepath.Join(dir, "none.json"), file}, nil, &out); err == nil {
		t.Error("a missing report was accepted")
	}
	if err := run([]string{"go", file}, strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"total", file}, nil, &out); err == nil {
		t.Error("the total hides failures")
	}
	data, err := os.ReadFile(file)
	if err != nil || string(data) != "vitest\t0\t1\ngo\t0\t1\n" {
		t.Errorf("%q %v", data, err)
	}
}
