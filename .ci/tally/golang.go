package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// goEvent is a line of go test -json (go doc cmd/test2json).
type goEvent struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// goPackage is what is known of a package while its tests run.
type goPackage struct {
	output map[string]*strings.Builder // by test; "" is the package's own
	result map[string]string           // pass, fail or skip; "run" while it runs
	parent map[string]bool             // tests with subtests: their leaves count
}

// readGo counts leaves: a test with subtests counts through them, and once more
// only when it failed by itself.
func readGo(in io.Reader, out io.Writer) (sums, error) {
	var s sums
	packages := map[string]*goPackage{}
	builds := map[string]*strings.Builder{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e goEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // not of test2json; let people see it
			continue
		}
		if e.Action == "build-output" {
			text(builds, e.ImportPath).WriteString(e.Output)
			continue
		}
		if e.Package == "" {
			continue
		}
		p := packages[e.Package]
		if p == nil {
			p = &goPackage{map[string]*strings.Builder{}, map[string]string{}, map[string]bool{}}
			packages[e.Package] = p
		}
		p.note(e)
		if e.Test == "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			if b := builds[e.FailedBuild]; b != nil {
				text(p.output, "").WriteString(b.String())
			}
			one := p.close(e, out)
			s.passed, s.failed = s.passed+one.passed, s.failed+one.failed
			delete(packages, e.Package)
		}
	}
	for name := range packages {
		s.failed++
		fmt.Fprintf(out, "FAIL  %s did not finish\n", name)
	}
	return s, lines.Err()
}

func text(m map[string]*strings.Builder, key string) *strings.Builder {
	if m[key] == nil {
		m[key] = new(strings.Builder)
	}
	return m[key]
}

func (p *goPackage) note(e goEvent) {
	switch e.Action {
	case "output":
		text(p.output, e.Test).WriteString(e.Output)
	case "run", "pass", "fail", "skip":
		if e.Test == "" {
			return
		}
		p.result[e.Test] = e.Action
		for name := e.Test; strings.Contains(name, "/"); {
			name = name[:strings.LastIndex(name, "/")]
			p.parent[name] = true
		}
	}
}

// close judges a finished package and prints its line and what failed.
func (p *goPackage) close(e goEvent, out io.Writer) sums {
	var s sums
	for name, result := range p.result {
		switch {
		case p.parent[name] && (result != "fail" || p.failedBelow(name)):
		case result == "pass":
			s.passed++
		default:
			s.failed++
			fmt.Fprintf(out, "%-5s %s %s\n%s", strings.ToUpper(result), e.Package, name, text(p.output, name))
		}
	}
	if e.Action == "fail" && s.failed == 0 { // it did not build, leaked, or died
		s.failed++
		fmt.Fprintf(out, "FAIL  %s\n%s", e.Package, text(p.output, ""))
	}
	if len(p.result) > 0 {
		fmt.Fprintf(out, "%-5s %s %d passed, %d failed, %.1f s\n", e.Action, e.Package, s.passed, s.failed, e.Elapsed)
	}
	return s
}

func (p *goPackage) failedBelow(name string) bool {
	for other, result := range p.result {
		if result != "pass" && strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}
