package registrar

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/registry"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// What a phone may have us remember, in bytes.
const (
	maxURI   = 512
	maxID    = 256
	maxAgent = 160
	maxPath  = 10
)

// request reads what a REGISTER asks for. The error is a sentence for the phone.
func request(f transport.Flow, req *sip.Request, dev pbx.Device) (registry.Request, error) {
	ask := registry.Request{
		Device: dev, CallID: req.CallID().Value(), CSeq: req.CSeq().SeqNo,
		Edge: f.Edge.Name(), Remote: f.Remote, ConnID: f.ConnID,
		Expires: registry.Unsaid, Path: header.List(req, "Path"),
	}
	if len(ask.CallID) > maxID {
		return ask, errors.New("Call-ID too long")
	}
	if v, ok := header.Get(req, "Expires"); ok {
		ask.Expires = expires(v)
	}
	if ua, ok := header.Get(req, "User-Agent"); ok {
		ask.UserAgent = clip(header.EscapeDisplay(ua), maxAgent)
	}
	if err := checkPath(ask.Path); err != nil {
		return ask, err
	}
	contacts, err := header.Contacts(req)
	if err != nil {
		return ask, err
	}
	for _, c := range contacts {
		if c.Star {
			ask.Wildcard = true
			continue
		}
		change, err := change(f, c)
		if err != nil {
			return ask, err
		}
		ask.Changes = append(ask.Changes, change)
	}
	return ask, nil
}

// change reads one contact.
func change(f transport.Flow, c header.Contact) (registry.Change, error) {
	out := registry.Change{Contact: c.Text, Expires: registry.Unsaid, Q: 1}
	switch {
	case len(c.Text) > maxURI:
		return out, errors.New("contact too long")
	case c.URI.Scheme != "sip" && c.URI.Scheme != "sips":
		return out, fmt.Errorf("contact of scheme %s", c.URI.Scheme)
	case len(c.URI.Headers) > 0:
		return out, errors.New("contact with headers")
	case nowhere(f, c.URI):
		return out, errors.New("contact leads nowhere")
	}
	if v, ok := c.Params.Get("expires"); ok {
		out.Expires = expires(v)
	}
	if v, ok := c.Params.Get("q"); ok {
		if q, err := strconv.ParseFloat(v, 32); err == nil && q >= 0 && q <= 1 {
			out.Q = float32(q)
		}
	}
	out.InstanceID, _ = c.Params.Get("+sip.instance")
	if len(out.InstanceID) > maxID || strings.ContainsAny(out.InstanceID, "\"\\") {
		return out, errors.New("+sip.instance too long")
	}
	if v, ok := c.Params.Get("reg-id"); ok && out.InstanceID != "" {
		id, err := strconv.ParseInt(v, 10, 31)
		if err != nil || id < 1 {
			return out, errors.New("reg-id must be a positive number")
		}
		out.RegID = int(id)
	}
	return out, nil
}

// expires reads delta-seconds. What is not a number counts as not said (RFC 3261
// §10.2.1.1 and §20.19); what does not fit is a very long time.
func expires(v string) time.Duration {
	v = strings.TrimSpace(v)
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return registry.Unsaid
	}
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		n = 1<<32 - 1
	}
	return time.Duration(n) * time.Second
}

// nowhere finds contacts that cannot be a phone: everybody, nobody, or
// ourselves, where a call would go round in circles.
func nowhere(f transport.Flow, u sip.Uri) bool {
	ip, err := netip.ParseAddr(strings.Trim(u.Host, "[]"))
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	if ip.IsUnspecified() || ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	port := u.Port
	if port == 0 {
		port = sip.DefaultPort(f.Edge.Net())
	}
	us := netip.AddrPortFrom(ip, uint16(port))
	return us == f.Edge.AddrFor(f.Remote.Addr()) || us == f.Edge.Local()
}

// checkPath bounds the proxies in front of a phone.
func checkPath(path []string) error {
	if len(path) > maxPath {
		return errors.New("the path is too long")
	}
	for _, p := range path {
		if _, err := header.ParseNameAddr(p); err != nil || len(p) > maxURI {
			return errors.New("the path cannot be read")
		}
	}
	return nil
}

// clip shortens text to at most n bytes, whole characters only.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
