package configs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// forwards says for some listeners at which address others reach them.
type forwards struct {
	to *map[netip.AddrPort]netip.AddrPort
}

func (v forwards) isList()      {}
func (v forwards) Type() string { return "listener=address, several separated by commas" }
func (v forwards) Set(s string) error {
	out := make(map[netip.AddrPort]netip.AddrPort)
	for _, p := range split(s) {
		at, public, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("%q is not listener=address", p)
		}
		listener, err := parseAddrPort(strings.TrimSpace(at))
		if err != nil {
			return err
		}
		to, err := parsePublic(strings.TrimSpace(public))
		switch {
		case err != nil:
			return err
		case out[listener].IsValid():
			return fmt.Errorf("%s is there twice", listener)
		}
		out[listener] = to
	}
	*v.to = out
	return nil
}

// parsePublic reads an IP address with or without a port; without, the port is
// zero.
func parsePublic(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && !a.IsUnspecified() {
		return netip.AddrPortFrom(a.Unmap(), 0), nil
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil || ap.Addr().IsUnspecified() || ap.Port() == 0 {
		return ap, fmt.Errorf("%q is not an IP address that others can reach, nor one with a port", s)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// checkForwards finds addresses that are given for listeners which do not exist.
func (l *loader) checkForwards() {
	c := l.config
	have := slices.Concat(c.SIPUDP, c.SIPTCP, c.SIPTLS)
	for at := range c.SIPAdvertiseFor {
		if !slices.Contains(have, at) {
			l.fault(c.Origin("sip.advertise_for"), "sip.advertise_for", "%s is neither in sip.udp nor in sip.tcp or sip.tls", at)
		}
	}
}
