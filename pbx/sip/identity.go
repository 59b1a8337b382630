package sip

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// maxHops is the Max-Forwards of a call that nobody forwarded yet (RFC 3261
// §8.1.1.6).
const maxHops = 70

// wish is what of a caller's INVITE is carried on to those who are rung for it.
type wish struct {
	hidden bool   // the caller does not want to be shown
	hops   uint32 // Max-Forwards left
}

// wishOf reads an INVITE. A caller hides by asking for it (RFC 3323 §4.2, RFC
// 3325 §9.3) or, like older phones, by an anonymous From.
func wishOf(req *sip.Request) wish {
	w := wish{hops: maxHops}
	if hops := req.MaxForwards(); hops != nil && uint32(*hops) < w.hops {
		w.hops = uint32(*hops)
	}
	wants := false
	for _, line := range header.Lines(req, "Privacy") {
		for _, token := range header.Split(line, ';') {
			switch strings.ToLower(token) {
			case "none":
				return w
			case "id", "user", "header", "session":
				wants = true
			}
		}
	}
	from := req.From().Address
	w.hidden = wants || strings.EqualFold(from.Host, "anonymous.invalid") || strings.EqualFold(from.User, "anonymous")
	return w
}

// wishFor is what the caller on whose behalf d is dialled wants. One hop is
// spent: a call that goes round between exchanges ends by itself (RFC 3261
// §16.3), although each of its legs is a new one.
func (s *Stack) wishFor(d leg.Dialing) wish {
	w := wish{hops: maxHops}
	if u := s.table.find(string(d.Parent)); u != nil && u.incoming {
		w = u.wish
		w.hops = max(w.hops, 1) - 1
	}
	w.hidden = w.hidden || d.From.Number == ""
	return w
}

// identify writes who calls into an INVITE. From and P-Asserted-Identity (RFC
// 3325) are made of what the exchange knows of the caller, never of what the
// caller sent. To one who hides nothing leads back: phones are not trusted to
// keep what they are told (RFC 3325 §7).
func identify(req *sip.Request, d *dialog, w wish) {
	hops := sip.MaxForwardsHeader(w.hops)
	req.AppendHeader(&hops)
	if w.hidden {
		req.AppendHeader(sip.NewHeader("Privacy", "id"))
		return
	}
	asserted := "<" + d.local.String() + ">"
	if d.name != "" {
		asserted = `"` + d.name + `" ` + asserted
	}
	req.AppendHeader(sip.NewHeader("P-Asserted-Identity", asserted))
}

// shown is how a caller appears in From: at an address that the peer can call
// back, or nowhere (RFC 3323 §4.1.1.3).
func shown(flow transport.Flow, from pbx.PartyInfo, w wish) (sip.Uri, string) {
	if w.hidden {
		return sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}, "Anonymous"
	}
	return ownURI(flow, from.Number), header.Display(from.Name)
}
