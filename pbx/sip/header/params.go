package header

import (
	"strings"
)

// Param is one header parameter; Value is without quotes and escapes.
type Param struct {
	Name  string // as it was written
	Value string
	Has   bool // there was an equals sign
}

// Params are header parameters in their order.
type Params []Param

// ParseParams reads ";a=b;c=\"d;e\";f" (the leading semicolon may be missing).
// Whitespace around names and values is dropped.
func ParseParams(s string) Params {
	var ps Params
	for _, piece := range Split(s, ';') {
		name, val, has := strings.Cut(piece, "=")
		name, val = strings.TrimSpace(name), strings.TrimSpace(val)
		if name == "" {
			continue
		}
		if unq, ok := Unquote(val); ok {
			val = unq
		}
		ps = append(ps, Param{Name: name, Value: val, Has: has})
	}
	return ps
}

// Get returns the value of the first parameter of this name, in any case.
func (ps Params) Get(name string) (value string, ok bool) {
	for _, p := range ps {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// Unquote takes the quotes off a quoted string and undoes its escapes
// (RFC 3261 §25.1). ok is false when s is not one.
func Unquote(s string) (text string, ok bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s, false
	}
	var b strings.Builder
	body := s[1 : len(s)-1]
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && i+1 < len(body):
			i++
			b.WriteByte(body[i])
		case c == '"' || c == '\\':
			return s, false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// Quote makes a quoted string of any text: control characters become spaces,
// quotes and backslashes are escaped.
func Quote(text string) string { return `"` + Display(text) + `"` }

// Display makes a person's name fit for the DisplayName of the stack's headers,
// which write it between quotes as it is: control characters become spaces,
// quotes and backslashes are escaped. Use it for names that are plain text.
func Display(name string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(name, "") {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// EscapeDisplay makes a DisplayName safe that may or may not be escaped already:
// what is escaped stays, a bare quote or a backslash at the end is escaped,
// control characters become spaces. Applying it twice changes nothing.
func EscapeDisplay(name string) string {
	safe := true
	for i := 0; i < len(name) && safe; i++ {
		c := name[i]
		safe = c >= ' ' && c != 0x7f && c != '"' && c != '\\'
	}
	if safe {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c < ' ' || c == 0x7f:
			b.WriteByte(' ')
		case c == '\\' && i+1 < len(name) && name[i+1] >= ' ' && name[i+1] != 0x7f:
			i++
			b.WriteByte('\\')
			b.WriteByte(name[i])
		case c == '\\' || c == '"':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
