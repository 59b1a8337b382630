package trace

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"klapka.dev/klapka/pbx"
)

// column is the width of a lifeline in the ladder, in characters.
const column = 30

// Ladder is a trace as text: the messages as arrows between the exchange and its
// parties with the decisions among them, then every message in full.
func Ladder(t pbx.Trace) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s -> %s  %s\n", t.ID, who(t.From), printable(t.Dialled), t.StartedAt.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	fmt.Fprintf(&b, "verdict: %s", t.Verdict)
	if t.Refused != "" {
		fmt.Fprintf(&b, " (%s, %d attempts, from %s)", t.Refused, t.Attempts, t.Source)
	}
	b.WriteByte('\n')
	for _, o := range t.Outcomes {
		fmt.Fprintf(&b, "  %s %s: %s%s\n", o.Extension, printable(o.Name), o.Verdict, list(o.Params))
	}
	peers := peersOf(t)
	b.WriteString("\n" + pad("", 14) + pad(pbx.TraceSelf, column))
	for _, p := range peers {
		b.WriteString(pad(p, column))
	}
	b.WriteByte('\n')
	for _, e := range t.Entries {
		rung(&b, e, peers)
	}
	if t.Dropped > 0 {
		fmt.Fprintf(&b, "(%d more were not kept)\n", t.Dropped)
	}
	for _, e := range t.Entries {
		if e.Kind == pbx.TraceMessage {
			fmt.Fprintf(&b, "\n---- %s  %s -> %s\n%s\n", e.At.Format("15:04:05.000000"), e.From, e.To, e.Raw)
		}
	}
	return b.String()
}

func who(p pbx.PartyInfo) string { return strings.TrimSpace(printable(p.Number + " " + p.Name)) }

// peersOf lists the parties in the order in which they appear.
func peersOf(t pbx.Trace) []string {
	var peers []string
	for _, e := range t.Entries {
		if p := peerOf(e); p != "" && !slices.Contains(peers, p) {
			peers = append(peers, p)
		}
	}
	return peers
}

func peerOf(e pbx.TraceEntry) string {
	switch {
	case e.Kind != pbx.TraceMessage:
		return ""
	case e.From == pbx.TraceSelf:
		return e.To
	}
	return e.From
}

// rung draws one line: an arrow to or from the column of its party.
func rung(b *strings.Builder, e pbx.TraceEntry, peers []string) {
	b.WriteString(pad(e.At.Format("15:04:05.000"), 14))
	if e.Kind != pbx.TraceMessage {
		b.WriteString("* " + e.Title + list(e.Params) + "\n")
		return
	}
	width := column*(slices.Index(peers, peerOf(e))+1) - 2
	text := " " + e.Title + " "
	line := text + strings.Repeat("-", max(width-utf8.RuneCountInString(text)-2, 1))
	if e.To == pbx.TraceSelf {
		b.WriteString("|<" + line + "|\n")
		return
	}
	b.WriteString("|" + line + ">|\n")
}

// list is parameters in a fixed order.
func list(params map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(params)) {
		fmt.Fprintf(&b, " %s=%s", k, printable(params[k]))
	}
	return b.String()
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1))
}
