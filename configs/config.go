package configs

import (
	"net/netip"
	"time"
)

// Config is the whole configuration. A list of addresses that is empty means
// that the listener is off. Durations are as written, never zero unless the
// setting allows it.
type Config struct {
	DataDir     string // directory of everything the exchange writes
	DatabaseURL string // postgres://…; empty: SQLite in DataDir

	HTTP      []netip.AddrPort
	HTTPS     []netip.AddrPort
	WebHosts  []string // names under which browsers may reach us; empty: any
	SIPUDP    []netip.AddrPort
	SIPTCP    []netip.AddrPort
	SIPTLS    []netip.AddrPort
	WebRTCUDP []netip.AddrPort
	WebRTCTCP []netip.AddrPort
	TURNUDP   []netip.AddrPort
	TURNTCP   []netip.AddrPort
	TURNTLS   []netip.AddrPort

	SIPAdvertise []netip.Addr // what phones are told to send signalling to; empty: the interface's address
	// SIPAdvertiseFor is the same for one listener, before SIPAdvertise; port 0 is
	// the listener's.
	SIPAdvertiseFor map[netip.AddrPort]netip.AddrPort

	SIPSTUN      string   // host or host:port of a STUN server that tells where we are; empty: not asked
	SIPPages     []string // hosts whose pages may open SIP over WebSocket, beside our own
	SIPRealm     string   // digest realm, fixed in the store at the first start
	RTPListen    netip.Addr
	RTPAdvertise []netip.Addr // what phones and browsers are told to send sound to
	RTPPorts     PortRange
	TURNServers  []string // URLs of relays elsewhere, handed to browsers
	TURNSecret   string   // shared with them

	TLSCertificate string // PEM file; empty: a self-signed one is made
	TLSKey         string
	PromptsDir     string // replaces announcements file by file
	MetricsToken   string // bearer token for /metrics from elsewhere than loopback

	Log           Log
	Limits        Limits
	Registrations Registrations

	RingTime      time.Duration // how long an extension rings by default
	MediaTimeout  time.Duration // how long a party that was heard may be silent; 0: for ever
	ShutdownGrace time.Duration // how long calls may go on after the first signal

	origins map[string]Origin
}

// PortRange is an inclusive range of UDP ports.
type PortRange struct {
	First, Last uint16
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// Limits bound what strangers and phones may cost. Rates are per source address
// and second.
type Limits struct {
	Calls                int            // calls at a time; 0: as many as there are ports
	Messages             int            // SIP messages per second of an unknown source
	Burst                int            // how many of them may come at once
	KnownMessages        int            // the same of a source that registered
	Connections          int            // TCP and TLS connections in all
	ConnectionsPerSource int            // and from one address
	AuthFailures         int            // wrong passwords in a minute before a ban
	Ban                  time.Duration  // length of the first ban; it doubles
	BanMax               time.Duration  // the longest ban
	Trusted              []netip.Prefix // networks that are never banned
}

// Registrations bound how devices may register.
type Registrations struct {
	MinExpires time.Duration
	MaxExpires time.Duration
	Contacts   int // of one device; the oldest gives way
}

// Origin says where the value of a setting came from, for messages.
type Origin struct {
	Kind OriginKind
	Name string // file, variable or flag; empty for a default
	Line int    // in the file, else 0
}

// OriginKind orders the places a value can come from.
type OriginKind int

// The places, weakest first.
const (
	FromDefault OriginKind = iota
	FromFile
	FromEnvironment
	FromFlag
)

// Origin returns where the setting with this path (such as "sip.udp") got its
// value.
func (c *Config) Origin(path string) Origin { return c.origins[path] }

// Default returns the configuration of a process that was told nothing.
func Default() *Config {
	c := &Config{origins: map[string]Origin{}}
	for _, k := range c.keys() {
		// The defaults are the table's own; the tests parse each of them.
		_ = k.value.Set(k.Default)
		c.origins[k.Path] = Origin{}
	}
	return c
}
