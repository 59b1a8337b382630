package digest

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Credentials are an Authorization or Proxy-Authorization header (RFC 7616
// §3.4), unquoted.
type Credentials struct {
	Username, Realm, Nonce, URI, Response string
	Algorithm, CNonce, Opaque, QOP, NC    string

	count uint32 // NC as a number; 1 without qop: the nonce is good for once
}

// errSyntax is why a header is not digest credentials.
var errSyntax = errors.New("digest: malformed credentials")

// maxCredentials is far more than any client sends.
const maxCredentials = 4096

// Parse reads one header value. It fails with a plain sentence on anything that
// is not well-formed digest credentials: another scheme, a parameter twice, an
// open quote.
func Parse(value string) (Credentials, error) {
	var c Credentials
	if len(value) > maxCredentials {
		return c, errors.New("digest: credentials too long")
	}
	scheme, rest, _ := strings.Cut(strings.TrimLeft(value, " \t"), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, errors.New("digest: not digest credentials")
	}
	had := make(map[string]bool)
	for p := (params{rest}); ; {
		name, val, more, err := p.next()
		if err != nil {
			return Credentials{}, err
		}
		if !more {
			break
		}
		if had[name] {
			return Credentials{}, errors.New("digest: " + strconv.Quote(name) + " is given twice")
		}
		had[name] = true
		if f := c.field(name); f != nil {
			*f = val
		}
	}
	return c, c.complete()
}

// field is where a parameter belongs; nil: nowhere, it is ignored.
func (c *Credentials) field(name string) *string {
	switch name {
	case "username":
		return &c.Username
	case "realm":
		return &c.Realm
	case "nonce":
		return &c.Nonce
	case "uri":
		return &c.URI
	case "response":
		return &c.Response
	case "algorithm":
		return &c.Algorithm
	case "cnonce":
		return &c.CNonce
	case "opaque":
		return &c.Opaque
	case "qop":
		return &c.QOP
	case "nc":
		return &c.NC
	}
	return nil
}

// complete checks for what must be there and reads the count.
func (c *Credentials) complete() error {
	if c.Username == "" || c.Realm == "" || c.Nonce == "" || c.URI == "" || c.Response == "" {
		return errors.New("digest: username, realm, nonce, uri and response are needed")
	}
	if c.QOP == "" {
		c.count = 1
		return nil
	}
	n, err := strconv.ParseUint(c.NC, 16, 32)
	if err != nil || n == 0 || len(c.NC) != 8 {
		return errors.New("digest: nc must be eight hexadecimal digits above zero")
	}
	c.count = uint32(n)
	return nil
}

// consistent reports whether the parameters fit one another.
func (c Credentials) consistent() bool {
	if c.QOP == "" {
		return c.count == 1
	}
	return strings.EqualFold(c.QOP, "auth") && c.CNonce != "" && c.count > 0
}

// params walks through name=value pairs.
type params struct{ s string }

// next returns the next pair, the name in lower case; more is false at the end.
func (p *params) next() (name, val string, more bool, err error) {
	p.s = strings.TrimLeft(p.s, " \t,")
	if p.s == "" {
		return "", "", false, nil
	}
	name, rest, ok := strings.Cut(p.s, "=")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	if !ok || name == "" || strings.ContainsAny(name, "\" \t,;") {
		return "", "", false, errSyntax
	}
	p.s = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(p.s, `"`) {
		val, ok = p.quoted()
	} else {
		val, ok = p.token()
	}
	p.s = strings.TrimLeft(p.s, " \t")
	if !ok || p.s != "" && p.s[0] != ',' {
		return "", "", false, errSyntax
	}
	return name, val, true, nil
}

// quoted takes a quoted string off.
func (p *params) quoted() (string, bool) {
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.s = p.s[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(p.s):
			i++
			b.WriteByte(p.s[i])
		case c < ' ' && c != '\t':
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// token takes an unquoted value off.
func (p *params) token() (string, bool) {
	end := strings.IndexAny(p.s, ", \t")
	if end < 0 {
		end = len(p.s)
	}
	val := p.s[:end]
	p.s = p.s[end:]
	return val, val != "" && !strings.Contains(val, `"`)
}

// sameTarget compares digest-uri and request URI the way phones need it: user
// and host must agree where both have one; ports, parameters and the scheme do
// not count, because proxies and phones change them on the way (RFC 3261 §22.4
// item 8 allows the difference).
func sameTarget(digestURI, requestURI string) bool {
	if digestURI == requestURI {
		return true
	}
	du, dh := split(digestURI)
	ru, rh := split(requestURI)
	return (du == ru || du == "" || ru == "") && strings.EqualFold(dh, rh) && dh != ""
}

// split takes a URI apart into user and host.
func split(uri string) (user, host string) {
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && (strings.EqualFold(scheme, "sip") || strings.EqualFold(scheme, "sips")) {
		uri = rest
	}
	if u, h, ok := strings.Cut(uri, "@"); ok {
		user, uri = u, h
		user, _, _ = strings.Cut(user, ":")
		user, _, _ = strings.Cut(user, ";")
	}
	if plain, err := url.PathUnescape(user); err == nil {
		user = plain
	}
	if end := strings.IndexAny(uri, ";?>"); end >= 0 {
		uri = uri[:end]
	}
	if strings.HasPrefix(uri, "[") {
		host, _, _ = strings.Cut(uri[1:], "]")
		return user, host
	}
	host, _, _ = strings.Cut(uri, ":")
	return user, host
}
