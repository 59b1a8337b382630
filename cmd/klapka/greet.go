package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"text/tabwriter"

	"klapka.dev/klapka/pbx/exchange"
)

// greet prints where the exchange is reached, and how to sign in when that is
// not known to anybody yet: the logins of a demo, or the link that makes the
// first administrator.
func (m *Main) greet(x *exchange.Exchange) {
	var b strings.Builder
	a := x.Addresses()
	fmt.Fprintf(&b, "\nKlapka %s is ready.\n\n", version)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name string, text string) {
		if text != "" {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", name, text) // b cannot fail
		}
	}
	web := append(urls("http", a.HTTP), urls("https", a.HTTPS)...)
	row("Client", strings.Join(web, "  "))
	if len(web) > 0 {
		row("Portal", web[0]+"/admin/")
	}
	row("SIP over UDP", places(a.SIPUDP))
	row("SIP over TCP", places(a.SIPTCP))
	row("SIP over TLS", places(a.SIPTLS))
	_ = w.Flush()
	if logins := x.Logins(); len(logins) > 0 {
		demoText(&b, logins)
	}
	if token := x.SetupToken(); token != "" && len(web) > 0 {
		b.WriteString("\nNobody administers this exchange yet. This link makes the first administrator,\nonce and within a day:\n\n")
		for _, u := range web {
			fmt.Fprintf(&b, "  %s/setup?token=%s\n", u, token)
		}
	}
	// The greeting is for who looks; nothing depends on it.
	_, _ = fmt.Fprintln(m.Stdout, b.String())
}

func demoText(b *strings.Builder, logins []exchange.Login) {
	b.WriteString("\nThis is the demo company. Everybody knows its passwords.\n\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  Number\tName\tRole\tWeb password\tSIP secret")
	for _, l := range logins {
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", l.Number, l.Name, l.Role, l.Password, l.Secret)
	}
	_ = w.Flush()
	b.WriteString("\nRegister two SIP phones and call one from the other; *43 is the echo.\nCtrl+C stops.\n")
}

// urls are the addresses a person can type; every address of the machine becomes
// localhost and the one others reach it by.
func urls(scheme string, at []netip.AddrPort) []string {
	var out []string
	for _, ap := range at {
		for _, host := range reachable(ap.Addr()) {
			out = append(out, fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(ap.Port()))))
		}
	}
	return out
}

func places(at []netip.AddrPort) string {
	var out []string
	for _, ap := range at {
		hosts := reachable(ap.Addr())
		out = append(out, net.JoinHostPort(hosts[len(hosts)-1], fmt.Sprint(ap.Port())))
	}
	return strings.Join(out, "  ")
}

// reachable lists the hosts under which a listening address is found; never
// empty.
func reachable(a netip.Addr) []string {
	if !a.IsUnspecified() {
		return []string{a.String()}
	}
	out := []string{"localhost"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return out
	}
	for _, i := range addrs {
		if p, err := netip.ParsePrefix(i.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return append(out, p.Addr().String())
		}
	}
	return out
}
