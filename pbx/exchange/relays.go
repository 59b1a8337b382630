package exchange

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"klapka.dev/klapka/media/turn"
	"klapka.dev/klapka/pbx"
)

// relays implements pbx.Relays: servers of others that share a secret with us,
// and the relay in this process.
type relays struct {
	secret turn.Secret
	others []string // URLs
	udp    []netip.AddrPort
	tcp    []netip.AddrPort
	tls    []netip.AddrPort
	told   []netip.Addr // instead of addresses listened on
}

// Servers implements pbx.Relays.
func (r *relays) Servers(user, host string) ([]pbx.RelayServer, time.Time) {
	var open, closed []string // to everybody, with a credential
	for _, u := range r.others {
		if strings.HasPrefix(u, "stun") {
			open = append(open, u)
		} else {
			closed = append(closed, u)
		}
	}
	closed = append(closed, r.own("turn", "udp", r.udp, host)...)
	closed = append(closed, r.own("turn", "tcp", r.tcp, host)...)
	closed = append(closed, r.own("turns", "tcp", r.tls, host)...)
	var list []pbx.RelayServer
	if len(open) > 0 {
		list = append(list, pbx.RelayServer{URLs: open})
	}
	if len(closed) == 0 {
		return list, time.Time{}
	}
	c := r.secret.Issue(user, time.Now())
	return append(list, pbx.RelayServer{URLs: closed, Username: c.Username, Credential: c.Password}), c.Expires
}

// own are the URLs (RFC 7065) of our listeners: by the address advertised, else
// by the one listened on, else by the name the browser has for us.
func (r *relays) own(scheme, transport string, at []netip.AddrPort, host string) []string {
	var out []string
	for _, a := range at {
		name := host
		if !a.Addr().IsUnspecified() {
			name = a.Addr().String()
		}
		for _, told := range r.told {
			if scheme == "turn" && told.Is4() == a.Addr().Is4() {
				name = told.String()
			}
		}
		out = append(out, scheme+":"+net.JoinHostPort(strings.Trim(name, "[]"), strconv.Itoa(int(a.Port())))+"?transport="+transport)
	}
	return out
}

// openRelays takes the ports of the relay in this process, if it is wanted. It
// leads to the port for browsers, without which there is nothing to relay.
func (x *Exchange) openRelays() error {
	o := x.opts
	x.relays.secret, x.relays.others, x.relays.told = turn.Secret(o.TURNSecret), o.TURNServers, o.RTPAdvertise
	if o.TURNSecret == "" {
		x.relays.secret = turn.NewSecret()
	}
	if x.gateway == nil || len(o.TURNUDP)+len(o.TURNTCP)+len(o.TURNTLS) == 0 {
		return nil
	}
	s := turn.Options{Secret: x.relays.secret, Ways: x.ways, Listen: o.Network.ListenPacket, Log: o.Log}
	server, err := x.startRelay(s)
	if err != nil {
		return err
	}
	x.addresses.TURNUDP, x.addresses.TURNTCP, x.addresses.TURNTLS = x.relays.udp, x.relays.tcp, x.relays.tls
	x.closers = append(x.closers, server.Close)
	return nil
}

// startRelay binds what the options name.
func (x *Exchange) startRelay(s turn.Options) (*turn.Server, error) {
	o, r := x.opts, &x.relays
	fail := func(err error) error {
		for _, c := range s.UDP {
			err = errors.Join(err, c.Close())
		}
		for _, l := range s.TCP {
			err = errors.Join(err, l.Close())
		}
		return fmt.Errorf("TURN: %w", err)
	}
	for _, at := range o.TURNUDP {
		c, err := o.Network.ListenPacket(at)
		if err != nil {
			return nil, fail(err)
		}
		s.UDP, r.udp = append(s.UDP, c), append(r.udp, local(c.LocalAddr()))
	}
	for i, at := range append(append([]netip.AddrPort(nil), o.TURNTCP...), o.TURNTLS...) {
		l, err := o.Network.Listen(at)
		if err != nil {
			return nil, fail(err)
		}
		if i < len(o.TURNTCP) {
			r.tcp = append(r.tcp, local(l.Addr()))
		} else {
			r.tls = append(r.tls, local(l.Addr()))
			l = tls.NewListener(l, &tls.Config{GetCertificate: x.certs.Get, MinVersion: tls.VersionTLS12})
		}
		s.TCP = append(s.TCP, l)
	}
	return turn.New(s)
}

// ways are the addresses a relay may lead to.
func (x *Exchange) ways() []turn.Way {
	all := x.gateway.Ways()
	out := make([]turn.Way, len(all))
	for i, w := range all {
		out[i] = turn.Way(w)
	}
	return out
}
