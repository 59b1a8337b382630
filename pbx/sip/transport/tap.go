package transport

import (
	"bytes"
	"net/netip"
)

// Message is one SIP message as it passed an edge.
type Message struct {
	Edge   string // name of the edge
	Sent   bool   // by us; else received
	Banned bool   // received from a banned address, and dropped
	Remote netip.AddrPort
	Raw    []byte // as on the wire; valid, and not to be changed, while the tap runs
}

// tap hands messages to whoever wants to see them; the zero tap does nothing.
type tap struct {
	edge string
	see  func(Message)
}

func (t tap) received(remote netip.AddrPort, raw []byte) {
	if t.see != nil {
		t.see(Message{Edge: t.edge, Remote: remote, Raw: raw})
	}
}

func (t tap) sent(remote netip.AddrPort, raw []byte) {
	if t.see != nil && len(raw) >= minMessage { // shorter ones are keepalives
		t.see(Message{Edge: t.edge, Sent: true, Remote: remote, Raw: raw})
	}
}

// dropped shows INVITEs of banned addresses: somebody may ask why that phone
// cannot call. Everything else from there is not worth the look.
func (t tap) dropped(g *Guard, remote netip.AddrPort, raw []byte) {
	if t.see == nil || !bytes.HasPrefix(raw, []byte("INVITE ")) {
		return
	}
	if g.bans != nil && g.bans.Banned(remote.Addr()) {
		t.see(Message{Edge: t.edge, Banned: true, Remote: remote, Raw: raw})
	}
}
