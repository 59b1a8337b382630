package exchange

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"klapka.dev/klapka/admin"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/sip/transport"
	"klapka.dev/klapka/pbx/trace"
	"klapka.dev/klapka/pbx/web/session"
)

// adminAPI is what the portal works on.
func (x *Exchange) adminAPI(sessions *session.Manager) admin.API {
	return admin.API{
		Store: x.store, Accounts: x.accounts, Registrations: x.registry, Sessions: sessions, Calls: x.calls,
		Records: x.store, Bans: bans{x}, Traces: x.trace, Ladder: trace.Ladder, System: x.system(time.Now()),
		Reload: x.directory.Renew, Server: x.sipServer, Log: x.opts.Log,
	}
}

// openTrace makes the memory of the latest calls.
func (x *Exchange) openTrace() { x.trace = trace.New(trace.Options{Log: x.opts.Log}) }

// tap hands what passes the SIP edges to the trace.
func (x *Exchange) tap(m transport.Message) {
	x.trace.Message(trace.Message{Edge: m.Edge, Sent: m.Sent, Banned: m.Banned, Remote: m.Remote, Raw: m.Raw})
}

// started reports whether everything is open; HTTP answers a moment before.
func (x *Exchange) started() bool {
	select {
	case <-x.ready:
		return true
	default:
		return false
	}
}

// bans is the ban list of the SIP edges, which open after the API.
type bans struct{ x *Exchange }

func errStarting() error {
	return pbx.Errorf(pbx.Unavailable, "the exchange is only starting; try again")
}

// Bans implements pbx.Bans.
func (b bans) Bans() []pbx.Ban {
	if !b.x.started() {
		return nil
	}
	list := b.x.guard.Bans().List()
	out := make([]pbx.Ban, len(list))
	for i, k := range list {
		out[i] = pbx.Ban(k)
	}
	return out
}

// Ban implements pbx.Bans.
func (b bans) Ban(ip netip.Addr, d time.Duration, reason string) error {
	switch {
	case !b.x.started():
		return errStarting()
	case !b.x.guard.Bans().Ban(ip, d, reason):
		return pbx.Errorf(pbx.Conflict, "%s is trusted by the configuration", ip)
	}
	return nil
}

// Unban implements pbx.Bans.
func (b bans) Unban(ip netip.Addr) error {
	switch {
	case !b.x.started():
		return errStarting()
	case !b.x.guard.Bans().Unban(ip):
		return pbx.Errorf(pbx.NotFound, "%s is not banned", ip)
	}
	return nil
}

// sipServer is where a phone is told to register: the name or address to be
// reached at, with the port when it is not SIP's own.
func (x *Exchange) sipServer() string {
	if !x.started() {
		return ""
	}
	var at netip.AddrPort
	for _, group := range [][]netip.AddrPort{x.addresses.SIPUDP, x.addresses.SIPTCP, x.addresses.SIPTLS} {
		if len(group) > 0 {
			at = group[0]
			break
		}
	}
	host := at.Addr()
	switch {
	case len(x.opts.SIPAdvertise) > 0:
		host = x.opts.SIPAdvertise[0]
	case !host.IsValid() || host.IsUnspecified():
		host = transport.MachineAddr(false)
	}
	if at.Port() == 5060 || at.Port() == 0 {
		return strings.Trim(net.JoinHostPort(host.String(), ""), ":")
	}
	return net.JoinHostPort(host.String(), strconv.Itoa(int(at.Port())))
}

// system tells what runs here, since start.
func (x *Exchange) system(start time.Time) func(context.Context) (admin.System, error) {
	return func(ctx context.Context) (admin.System, error) {
		if !x.started() {
			return admin.System{}, errStarting()
		}
		s := admin.System{
			Version: x.opts.Version, StartedAt: start.UTC(), UptimeSeconds: int(time.Since(start).Seconds()),
			Database: "sqlite", Registrations: x.registry.Len(), Calls: x.calls.Counts().Calls, Addresses: x.listens(),
		}
		if x.opts.DatabaseURL != "" {
			s.Database = "postgresql"
		}
		if len(x.addresses.HTTPS)+len(x.addresses.SIPTLS) > 0 {
			until := x.certs.Expires().UTC()
			s.CertificateAt, s.SelfSigned = &until, x.opts.TLSCertificate == ""
		}
		err := x.count(ctx, &s)
		return s, err
	}
}

// count adds how many people and phones there are.
func (x *Exchange) count(ctx context.Context, s *admin.System) error {
	users, err := x.store.Users(ctx)
	if err != nil {
		return err
	}
	extensions, err := x.store.Extensions(ctx)
	if err != nil {
		return err
	}
	devices, err := x.store.Devices(ctx)
	s.People, s.Extensions, s.Devices = len(users), len(extensions), len(devices)
	return err
}

// listens is every address listened on, by protocol.
func (x *Exchange) listens() map[string][]string {
	a := x.addresses
	out := map[string][]string{}
	for name, group := range map[string][]netip.AddrPort{
		"http": a.HTTP, "https": a.HTTPS, "sip_udp": a.SIPUDP, "sip_tcp": a.SIPTCP, "sip_tls": a.SIPTLS, "webrtc_udp": a.WebRTCUDP,
		"webrtc_tcp": a.WebRTCTCP, "turn_udp": a.TURNUDP, "turn_tcp": a.TURNTCP, "turn_tls": a.TURNTLS,
	} {
		for _, at := range group {
			out[name] = append(out[name], at.String())
		}
	}
	return out
}
