package configs

import (
	"fmt"
	"strings"
)

// Fault is one thing wrong with the configuration.
type Fault struct {
	Origin Origin
	Path   string // the setting, empty when the fault is not about one
	Text   string
}

// String is the fault as one line: where, which, what.
func (f Fault) String() string {
	var b strings.Builder
	if f.Origin.Name != "" {
		b.WriteString(f.Origin.Name)
		if f.Origin.Line > 0 {
			fmt.Fprintf(&b, ":%d", f.Origin.Line)
		}
		b.WriteString(": ")
	}
	if f.Path != "" && f.Origin.Kind <= FromFile {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Text)
	return b.String()
}

// Faults is the error of Load: everything that is wrong, at once.
type Faults []Fault

// Error lists the faults, one to a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// didYouMean suggests the nearest of known, as the end of a sentence.
func didYouMean(s string, known []string) string {
	best, distance := "", len(s)/3+2
	for _, k := range known {
		if d := editDistance(s, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's: insertions, deletions and substitutions.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
