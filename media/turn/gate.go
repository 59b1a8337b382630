package turn

import (
	"net"
	"net/netip"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// maxMessage is more than any message of a browser has.
const maxMessage = 1600

// gate sees requests before the library does. What asks for an address that is
// not ours, with a good credential, gets its 403 here, alike for every request
// and every form of address; what has no good credential is the library's to
// refuse.
type gate struct {
	authenticate func(*turn.RequestAttributes) (string, []byte, bool)
	ways         func() []Way
}

// verdict is what the gate says of a message.
type verdict struct {
	answer []byte // to be sent instead of passing the message on
	proven bool   // it came with a good credential
}

// judge never fails: what it cannot read, it passes on.
func (g gate) judge(b []byte, from net.Addr) (v verdict) {
	if !stun.IsMessage(b) {
		return v
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Type.Class != stun.ClassRequest {
		return v
	}
	key, ok := g.key(m, from)
	if !ok {
		return v
	}
	v.proven = true
	switch m.Type.Method {
	case stun.MethodCreatePermission:
		ok = g.leadHome(m, true)
	case stun.MethodChannelBind:
		ok = g.leadHome(m, false)
	case stun.MethodConnect:
		ok = false // RFC 6062 §4.3: to nobody
	}
	if !ok {
		v.answer = refusal(m, key)
	}
	return v
}

// key is the key of a request whose integrity is proven (RFC 8489 §9.2.4).
func (g gate) key(m *stun.Message, from net.Addr) (stun.MessageIntegrity, bool) {
	var name stun.Username
	if !m.Contains(stun.AttrMessageIntegrity) || name.GetFrom(m) != nil {
		return nil, false
	}
	_, key, ok := g.authenticate(&turn.RequestAttributes{Username: name.String(), SrcAddr: from, Method: m.Type.Method})
	if !ok || stun.MessageIntegrity(key).Check(m) != nil {
		return nil, false
	}
	return key, true
}

// leadHome reports whether every peer of a request is ours. A permission is
// about an address, so that its port may be left open (RFC 8656 §10.2).
func (g gate) leadHome(m *stun.Message, anyPort bool) bool {
	home := true
	err := m.ForEach(stun.AttrXORPeerAddress, func(m *stun.Message) error {
		var a stun.XORMappedAddress
		if err := a.GetFromAs(m, stun.AttrXORPeerAddress); err != nil {
			return err
		}
		ip, _ := netip.AddrFromSlice(a.IP)
		home = home && g.ours(netip.AddrPortFrom(ip, uint16(a.Port)), anyPort)
		return nil
	})
	return home || err != nil // what cannot be read is the library's to refuse
}

func (g gate) ours(a netip.AddrPort, anyPort bool) bool {
	for _, w := range g.ways() {
		if w.Told == a || anyPort && a.Port() == 0 && w.Told.Addr() == a.Addr() {
			return true
		}
	}
	return false
}

// refusal is 403 Forbidden, signed like every answer to a proven request.
func refusal(m *stun.Message, key stun.MessageIntegrity) []byte {
	out, err := stun.Build(
		&stun.Message{TransactionID: m.TransactionID}, stun.NewType(m.Type.Method, stun.ClassErrorResponse),
		stun.CodeForbidden, key,
	)
	if err != nil {
		return nil // plain values
	}
	return out.Raw
}
