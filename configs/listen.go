package configs

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// addrPorts is a list of places to listen on. An empty host is every address of
// the machine, both families.
type addrPorts struct{ to *[]netip.AddrPort }

func (v addrPorts) isList()      {}
func (v addrPorts) Type() string { return "host:port, several separated by commas, or empty for off" }
func (v addrPorts) Set(s string) error {
	var out []netip.AddrPort
	for _, p := range split(s) {
		ap, err := parseAddrPort(p)
		if err != nil {
			return err
		}
		for _, o := range out {
			if overlap(o, ap) {
				return fmt.Errorf("%s and %s are the same port", o, ap)
			}
		}
		out = append(out, ap)
	}
	*v.to = out
	return nil
}

func parseAddrPort(s string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		hint := ""
		if _, nerr := strconv.ParseUint(s, 10, 16); nerr == nil {
			hint = fmt.Sprintf(" (write \":%s\" for every address of the machine)", s)
		} else if a, aerr := netip.ParseAddr(s); aerr == nil {
			hint = " (the port is missing: " + net.JoinHostPort(a.String(), "5060") + ")"
		}
		return netip.AddrPort{}, fmt.Errorf("%q is not host:port%s", s, hint)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not a port from 0 to 65535", port)
	}
	a, err := parseHost(host)
	return netip.AddrPortFrom(a, uint16(n)), err
}

func parseHost(host string) (netip.Addr, error) {
	switch strings.ToLower(host) {
	case "", "*":
		return netip.IPv6Unspecified(), nil
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address; names are not looked up here", host)
	}
	return a.Unmap(), nil
}

// overlap reports whether two listeners of one protocol would take the same
// port of the same address. Port 0 never does.
func overlap(a, b netip.AddrPort) bool {
	return a.Port() != 0 && a.Port() == b.Port() && sameHost(a.Addr(), b.Addr())
}

// sameHost reports whether a packet could be meant for both. The unspecified
// IPv6 address stands for both families.
func sameHost(a, b netip.Addr) bool {
	covers := func(x, y netip.Addr) bool {
		return x.IsUnspecified() && (x.Is6() || y.Is4())
	}
	return a == b || covers(a, b) || covers(b, a)
}

type ports struct{ to *PortRange }

func (v ports) Type() string { return "range of ports such as 20000-29999" }
func (v ports) Set(s string) error {
	first, last, ok := strings.Cut(s, "-")
	f, ferr := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	l, lerr := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if !ok || ferr != nil || lerr != nil {
		return fmt.Errorf("%q is not a %s", s, v.Type())
	}
	if f < 1024 {
		return fmt.Errorf("%s begins below 1024", s)
	}
	if l < f+3 {
		return fmt.Errorf("%s is too small: a call of two parties takes four ports", s)
	}
	*v.to = PortRange{uint16(f), uint16(l)}
	return nil
}
