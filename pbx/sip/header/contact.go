package header

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// NameAddr is an address as From, To, Contact and the like carry it
// (RFC 3261 §20.10).
type NameAddr struct {
	Display string // plain text, without quotes and escapes
	Text    string // the URI as it was written
	URI     sip.Uri
	Params  Params // header parameters, not those of the URI
}

// Contact is one element of a Contact header; Star is the "*" of RFC 3261
// §10.2.2 and has nothing else.
type Contact struct {
	NameAddr
	Star bool
}

// Contacts returns every contact of a message, over all lines (P15: the stack
// returns the last one, with quoted parameters torn apart). It fails on the
// first one that cannot be read.
func Contacts(msg sip.Message) ([]Contact, error) {
	var out []Contact
	for _, el := range List(msg, "Contact") {
		if el == "*" {
			out = append(out, Contact{Star: true})
			continue
		}
		a, err := ParseNameAddr(el)
		if err != nil {
			return nil, fmt.Errorf("contact: %w", err)
		}
		out = append(out, Contact{NameAddr: a})
	}
	return out, nil
}

// ParseNameAddr reads one name-addr or addr-spec with its header parameters.
// Without angle brackets, everything after the first semicolon belongs to the
// header (RFC 3261 §20.10).
func ParseNameAddr(s string) (NameAddr, error) {
	var a NameAddr
	s = strings.TrimSpace(s)
	open := indexOutsideQuotes(s, '<')
	if open < 0 {
		uri, params, _ := strings.Cut(s, ";")
		a.Text = strings.TrimSpace(uri)
		a.Params = ParseParams(params)
	} else {
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			return a, errors.New("missing '>'")
		}
		a.Text = strings.TrimSpace(s[open+1 : open+end])
		a.Params = ParseParams(s[open+end+1:])
		a.Display = strings.TrimSpace(s[:open])
		if unq, ok := Unquote(a.Display); ok {
			a.Display = unq
		}
	}
	var err error
	a.URI, err = ParseURI(a.Text)
	return a, err
}

func indexOutsideQuotes(s string, c byte) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == c && !quoted:
			return i
		}
	}
	return -1
}

// ParseURI reads a sip, sips or other URI and refuses what the stack lets
// through: empty hosts, ports out of range, whitespace, line breaks, brackets in
// wrong places.
func ParseURI(s string) (sip.Uri, error) {
	var u sip.Uri
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return u, fmt.Errorf("URI with %q in it", c)
		}
	}
	if err := sip.ParseUri(s, &u); err != nil {
		return sip.Uri{}, err
	}
	if u.Scheme != "sip" && u.Scheme != "sips" {
		return u, nil
	}
	if u.Host == "" || u.Wildcard {
		return sip.Uri{}, errors.New("URI without a host")
	}
	if u.Port < 0 || u.Port > 65535 {
		return sip.Uri{}, fmt.Errorf("port %d", u.Port)
	}
	return u, nil
}
