// Package header reads and writes the parts of SIP messages that the stack below
// leaves as text or gets wrong: compact names, lists, quoted parameters, display
// names, and user parts with escapes.
package header

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// compact are the short forms (RFC 3261 §7.3.3 and the registry of header
// fields). The stack maps only those of headers it parses itself (P14).
func compact(name string) string {
	switch strings.ToLower(name) {
	case "supported":
		return "k"
	case "event":
		return "o"
	case "allow-events":
		return "u"
	case "refer-to":
		return "r"
	case "referred-by":
		return "b"
	case "subject":
		return "s"
	case "session-expires":
		return "x"
	case "contact":
		return "m"
	case "content-type":
		return "c"
	case "content-encoding":
		return "e"
	case "content-length":
		return "l"
	case "call-id":
		return "i"
	case "from":
		return "f"
	case "to":
		return "t"
	case "via":
		return "v"
	}
	return ""
}

// Lines returns the values of all header lines of this name, in its long or
// compact form, in any case, as they stand.
func Lines(msg sip.Message, name string) []string {
	var hs []sip.Header
	switch m := msg.(type) {
	case *sip.Request:
		hs = m.Headers()
	case *sip.Response:
		hs = m.Headers()
	}
	short := compact(name)
	var out []string
	for _, h := range hs {
		if n := h.Name(); strings.EqualFold(n, name) || short != "" && strings.EqualFold(n, short) {
			out = append(out, h.Value())
		}
	}
	return out
}

// Get returns the value of the first line of this name; ok is false when there
// is none.
func Get(msg sip.Message, name string) (value string, ok bool) {
	l := Lines(msg, name)
	if len(l) == 0 {
		return "", false
	}
	return l[0], true
}

// List returns the elements of a comma-separated header over all of its lines
// (RFC 3261 §7.3.1), trimmed, without empty ones. Commas within quotes or angle
// brackets do not separate.
func List(msg sip.Message, name string) []string {
	var out []string
	for _, line := range Lines(msg, name) {
		out = append(out, Split(line, ',')...)
	}
	return out
}

// Has reports whether a list header contains a token, in any case. Parameters of
// the elements are ignored.
func Has(msg sip.Message, name, token string) bool {
	for _, el := range List(msg, name) {
		el, _, _ = strings.Cut(el, ";")
		if strings.EqualFold(strings.TrimSpace(el), token) {
			return true
		}
	}
	return false
}

// Split cuts s at each sep that stands outside quotes and angle brackets, trims
// the pieces and leaves out empty ones.
func Split(s string, sep byte) []string {
	var out []string
	add := func(piece string) {
		if piece = strings.TrimSpace(piece); piece != "" {
			out = append(out, piece)
		}
	}
	start, quoted, angle := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == sep && !angle:
			add(s[start:i])
			start = i + 1
		}
	}
	add(s[start:])
	return out
}
