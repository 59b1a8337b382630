package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// rtpSample is how many port pairs of the range are tried; all of them would
// take seconds on a large one.
const rtpSample = 64

// listeners tries every place to listen on.
func listeners(_ context.Context, p Patient) []Finding {
	var all []Finding
	for _, g := range groups(p.Config) {
		if len(g.at) == 0 {
			all = append(all, fine(g.name, "off")...)
		}
		for _, at := range g.at {
			err := try(p, g.packet, at)
			switch {
			case err == nil:
				all = append(all, fine(g.name, "%s is free", at)...)
			case p.Running && errors.Is(err, syscall.EADDRINUSE):
				all = append(all, fine(g.name, "%s is in use, as it should be: the exchange is running", at)...)
			default:
				all = append(all, broken(g.name, mendPort(err, g.setting, at), "%s cannot be used: %s", at, err)...)
			}
		}
	}
	return all
}

func mendPort(err error, setting string, at netip.AddrPort) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("Another program has port %d (ss -lnp '( sport = :%d )' names it); stop it or change %s.", at.Port(), at.Port(), setting)
	case errors.Is(err, syscall.EACCES):
		return fmt.Sprintf("Ports below 1024 need a right: setcap cap_net_bind_service=+ep on the program, or another port in %s.", setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("The machine does not have the address %s; see ip address, and change %s.", at.Addr(), setting)
	}
	return fmt.Sprintf("Change %s.", setting)
}

func try(p Patient, packet bool, at netip.AddrPort) error {
	if packet {
		c, err := p.Network.ListenPacket(at)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := p.Network.Listen(at)
	if err != nil {
		return err
	}
	return l.Close()
}

// rtpPorts tries pairs spread over the range.
func rtpPorts(_ context.Context, p Patient) []Finding {
	const check = "RTP ports"
	r := p.Config.RTPPorts
	first := int(r.First) + int(r.First)%2
	pairs := (int(r.Last) - first + 1) / 2
	step := max(1, pairs/rtpSample)
	tried, taken := 0, 0
	for i := 0; i < pairs; i += step {
		tried++
		for port := first + 2*i; port < first+2*i+2; port++ {
			if err := try(p, true, netip.AddrPortFrom(p.Config.RTPListen, uint16(port))); err != nil {
				taken++
				break
			}
		}
	}
	legs := fmt.Sprintf("%d-%d hold %d parties at a time", r.First, r.Last, pairs)
	switch {
	case p.Running:
		return fine(check, "%s", legs)
	case taken == tried:
		return broken(check, "Change rtp.ports or rtp.listen.", "none of %d pairs tried in %d-%d can be used", tried, r.First, r.Last)
	case taken > tried/4:
		return warning(check, "Another program uses this range; change rtp.ports.", "%d of %d pairs tried in %d-%d are taken", taken, tried, r.First, r.Last)
	case p.Config.Limits.Calls > pairs/2:
		return warning(check, "Widen rtp.ports or lower limits.calls.", "%s, which is fewer than limits.calls (%d) needs", legs, p.Config.Limits.Calls)
	}
	return fine(check, "%s", legs)
}

// exposure warns of what works, but lets strangers in or callers out.
func exposure(_ context.Context, p Patient) []Finding {
	var out []Finding
	if len(p.Config.HTTPS) == 0 {
		for _, at := range p.Config.HTTP {
			if !at.Addr().IsLoopback() {
				out = append(out, warning("encryption", "Set https.listen; browsers give the microphone on HTTPS and localhost only.",
					"HTTPS is off and HTTP is open to other machines")...)
				break
			}
		}
	}
	var behind []string
	for _, at := range append(p.Config.SIPUDP, p.Config.SIPTCP...) {
		if at.Addr().IsUnspecified() && len(p.Config.SIPAdvertise) == 0 {
			behind = append(behind, at.String())
		}
	}
	if len(behind) > 0 {
		out = append(out, fine("advertised address", "phones are told the address of the interface they came to (%s); behind port forwarding set sip.advertise and rtp.advertise",
			strings.Join(behind, ", "))...)
	}
	return out
}
