package pbx

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameLen is the longest name of a person, extension, device or company, in
// runes.
const MaxNameLen = 100

// checkName refuses what must never reach a SIP header, a log line or a screen:
// control characters (CR, LF and NUL would inject headers) and the invisible
// characters that turn the direction of text around.
func checkName(field, s string) error {
	switch {
	case !utf8.ValidString(s):
		return FieldErrorf(field, "this is not valid text")
	case utf8.RuneCountInString(s) > MaxNameLen:
		return FieldErrorf(field, "at most %d characters are allowed", MaxNameLen)
	case strings.ContainsFunc(s, unprintable):
		return FieldErrorf(field, "control characters are not allowed")
	}
	return nil
}

// unprintable reports control characters, line and paragraph separators and
// bidirectional overrides.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// checkEmail accepts a bare address (RFC 5322 §3.4.1 addr-spec) of at most 254
// bytes (RFC 5321 §4.5.3.1.3 less its brackets).
func checkEmail(field, s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, unprintable) {
		return FieldErrorf(field, "this is not an e-mail address")
	}
	return nil
}

// digitsOnly reports whether s consists of lo to hi ASCII digits.
func digitsOnly(s string, lo, hi int) bool {
	if len(s) < lo || len(s) > hi {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// lowerHex reports whether s consists of n lower-case hexadecimal digits.
func lowerHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// tokenLike reports whether s is 1 to n characters of [A-Za-z0-9._-] and begins
// with a letter or digit: safe unescaped in the user part of a SIP URI
// (RFC 3261 §25.1).
func tokenLike(s string, n int) bool {
	if s == "" || len(s) > n {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}
