package pbx

import (
	"net/netip"
	"time"
)

// Ban is one address that SIP does not listen to. IPv6 is banned by /64; Address
// is then its first address.
type Ban struct {
	Address netip.Addr
	Since   time.Time
	Until   time.Time
	Reason  string
}

// Bans is the port to banned addresses.
type Bans interface {
	// Bans lists the bans in force, the one that ends first in front.
	Bans() []Ban
	// Ban bans an address for a time. Forbidden for one that is trusted.
	Ban(ip netip.Addr, d time.Duration, reason string) error
	// Unban lifts a ban. NotFound when there is none.
	Unban(ip netip.Addr) error
}
