package transport

import (
	"errors"
	"net/netip"
	"strconv"

	"klapka.dev/klapka/pbx"
)

// ErrFlowGone says that the connection of a stream flow no longer exists. A new
// one is never opened on the peer's behalf: behind NAT it could not be, and
// without NAT it would reach whoever has the port now.
var ErrFlowGone = errors.New("transport: the connection of the flow is gone")

// Flow is the way to one peer: the edge it was heard on, its source address and,
// for streams, the connection (RFC 5626 §1). Registrations and dialogs pin one.
// The zero Flow leads nowhere.
type Flow struct {
	Edge   *Edge
	Remote netip.AddrPort
	ConnID uint64 // 0 for UDP; for streams 0 means whatever connection that peer has
}

// String is the flow for logs, "udp 192.0.2.7:5060" or "tls 192.0.2.7:40022 #17".
func (f Flow) String() string {
	if f.Edge == nil {
		return "nowhere"
	}
	s := f.Edge.Name() + " " + f.Remote.String()
	if f.ConnID != 0 {
		s += " #" + strconv.FormatUint(f.ConnID, 10)
	}
	return s
}

// Edges are the listeners of one exchange.
type Edges []*Edge

// ByName returns the edge with this name, or nil.
func (es Edges) ByName(name string) *Edge {
	for _, e := range es {
		if e.Name() == name {
			return e
		}
	}
	return nil
}

// FlowOf returns the way to a registered contact. ok is false when its edge no
// longer exists under that name.
func (es Edges) FlowOf(b pbx.Binding) (f Flow, ok bool) {
	e := es.ByName(b.Edge)
	return Flow{Edge: e, Remote: b.Remote, ConnID: b.ConnID}, e != nil
}
