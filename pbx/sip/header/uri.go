package header

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// UnescapeUser decodes the %xx of a user part (RFC 3261 §19.1.2); what is not a
// valid escape stays as it is.
func UnescapeUser(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// EscapeUser encodes any text as a user part (RFC 3261 §25.1).
func EscapeUser(s string) string {
	const allowed = "-_.!~*'()&=+$,;?/"
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(allowed, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// User is the decoded user part of a URI; for tel URIs the number.
func User(u sip.Uri) string {
	if u.Scheme == "tel" {
		number, _, _ := strings.Cut(u.Raw(), ";")
		return UnescapeUser(number)
	}
	return UnescapeUser(u.User)
}

// SameAOR reports whether two URIs name the same address of record: user parts
// compare decoded and by case, hosts without case, parameters and ports do not
// count (RFC 3261 §10.3 step 5).
func SameAOR(a, b sip.Uri) bool {
	return User(a) == User(b) && sameHost(a.Host, b.Host)
}

// SameURI reports whether two contact URIs lead to the same place (RFC 3261
// §19.1.4): decoded users and ports must match, hosts without case; transport,
// user, ttl, method and maddr must match when either has them, other parameters
// only when both have them.
func SameURI(a, b sip.Uri) bool {
	if a.Scheme != b.Scheme || a.Raw() != b.Raw() || User(a) != User(b) ||
		UnescapeUser(a.Password) != UnescapeUser(b.Password) || !sameHost(a.Host, b.Host) || a.Port != b.Port {
		return false
	}
	return sameParams(a.UriParams, b.UriParams) && sameParams(b.UriParams, a.UriParams)
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.Trim(a, "[]"), strings.Trim(b, "[]"))
}

// sameParams looks for a contradiction to a's parameters in b.
func sameParams(a, b sip.HeaderParams) bool {
	for _, p := range a {
		v, ok := uriParam(b, p.K)
		if ok && !strings.EqualFold(UnescapeUser(p.V), UnescapeUser(v)) {
			return false
		}
		if !ok {
			switch strings.ToLower(p.K) {
			case "transport", "user", "ttl", "method", "maddr":
				return false
			}
		}
	}
	return true
}

func uriParam(ps sip.HeaderParams, name string) (string, bool) {
	for _, p := range ps {
		if strings.EqualFold(p.K, name) {
			return p.V, true
		}
	}
	return "", false
}

// URIParam returns a parameter of a URI, its name in any case.
func URIParam(u sip.Uri, name string) (value string, ok bool) { return uriParam(u.UriParams, name) }

// SameContact is SameURI on text; what cannot be read is compared as it stands.
func SameContact(a, b string) bool {
	if a == b {
		return true
	}
	ua, err := ParseURI(a)
	if err != nil {
		return false
	}
	ub, err := ParseURI(b)
	return err == nil && SameURI(ua, ub)
}
