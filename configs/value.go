package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	second = time.Second
	hour   = time.Hour
	day    = 24 * time.Hour
)

// value turns the written form of a setting into its field. Type says in words
// what is expected.
type value interface {
	Set(s string) error
	Type() string
}

// list is a value that the file may also write as a YAML sequence.
type list interface {
	value
	isList()
}

type text struct{ to *string }

func (v text) Type() string       { return "text" }
func (v text) Set(s string) error { *v.to = s; return nil }

type path struct{ to *string }

func (v path) Type() string { return "path" }
func (v path) Set(s string) error {
	if strings.ContainsRune(s, 0) {
		return errors.New("a path has no NUL in it")
	}
	*v.to = s
	return nil
}

type nonEmpty struct{ value }

func (v nonEmpty) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("must not be empty")
	}
	return v.value.Set(s)
}

type choice struct {
	to  *string
	set []string
}

func (v choice) Type() string { return "one of " + strings.Join(v.set, ", ") }
func (v choice) Set(s string) error {
	for _, c := range v.set {
		if s == c {
			*v.to = s
			return nil
		}
	}
	return fmt.Errorf("%q is not %s%s", s, v.Type(), didYouMean(s, v.set))
}

type number struct {
	to       *int
	min, max int
}

func (v number) Type() string { return fmt.Sprintf("number from %d to %d", v.min, v.max) }
func (v number) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return fmt.Errorf("%q is not a %s", s, v.Type())
	}
	*v.to = n
	return nil
}

type duration struct {
	to       *time.Duration
	min, max time.Duration
}

func (v duration) Type() string { return "duration such as 90s, 5m or 1h" }
func (v duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a %s", s, v.Type())
	}
	if d < v.min || d > v.max {
		return fmt.Errorf("%s is not between %s and %s", s, v.min, v.max)
	}
	*v.to = d
	return nil
}

type database struct{ to *string }

func (v database) Type() string { return "postgres:// URL" }
func (v database) Set(s string) error {
	if s != "" {
		u, err := url.Parse(s)
		// The text is not repeated: it carries a password.
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			return errors.New("is not a URL that begins with postgres://")
		}
	}
	*v.to = s
	return nil
}

type realm struct{ to *string }

func (v realm) Type() string { return "name of at most 64 letters, digits, dots, dashes" }
func (v realm) Set(s string) error {
	bad := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", r)
	}
	if s == "" || len(s) > 64 || strings.IndexFunc(s, bad) >= 0 {
		return fmt.Errorf("%q is not a %s", s, v.Type())
	}
	*v.to = s
	return nil
}

type addr struct{ to *netip.Addr }

func (v addr) Type() string { return "IP address" }
func (v addr) Set(s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return fmt.Errorf("%q is not an IP address", s)
	}
	*v.to = a.Unmap()
	return nil
}

type addrs struct{ to *[]netip.Addr }

func (v addrs) isList()      {}
func (v addrs) Type() string { return "IP address, or one of each family separated by a comma" }
func (v addrs) Set(s string) error {
	var out []netip.Addr
	for _, p := range split(s) {
		var a netip.Addr
		if err := (addr{&a}).Set(p); err != nil {
			return err
		}
		if a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("%s is not an address that others can reach", p)
		}
		for _, b := range out {
			if a.Is4() == b.Is4() {
				return fmt.Errorf("%s and %s are of the same family", b, a)
			}
		}
		out = append(out, a)
	}
	*v.to = out
	return nil
}

type prefixes struct{ to *[]netip.Prefix }

func (v prefixes) isList()      {}
func (v prefixes) Type() string { return "networks separated by commas" }
func (v prefixes) Set(s string) error {
	var out []netip.Prefix
	for _, p := range split(s) {
		pre, err := netip.ParsePrefix(p)
		if err != nil {
			a, aerr := netip.ParseAddr(p)
			if aerr != nil {
				return fmt.Errorf("%q is not a network such as 192.168.0.0/16", p)
			}
			pre = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, pre.Masked())
	}
	*v.to = out
	return nil
}

type hosts struct{ to *[]string }

func (v hosts) isList()      {}
func (v hosts) Type() string { return "host names separated by commas" }
func (v hosts) Set(s string) error {
	var out []string
	for _, p := range split(s) {
		if strings.ContainsAny(p, ":/ \t@") {
			return fmt.Errorf("%q is not a host name (no port, no scheme)", p)
		}
		out = append(out, strings.ToLower(p))
	}
	*v.to = out
	return nil
}

// server is another machine, as host or host:port.
type server struct{ to *string }

func (v server) Type() string { return "host or host:port" }
func (v server) Set(s string) error {
	host := s
	if h, port, err := net.SplitHostPort(s); err == nil {
		host = h
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q is not a port", port)
		}
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":/ \t@[]") {
		return fmt.Errorf("%q is not a host name or host:port (no scheme)", s)
	}
	*v.to = s
	return nil
}

// split cuts a comma-separated list; an empty text is an empty list.
func split(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
