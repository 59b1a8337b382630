package exchange

import (
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Options are everything an exchange is told before it starts. They are plain
// values, so that a test needs no configuration file. An empty list of addresses
// leaves that listener out; port 0 takes a free one, see Addresses.
type Options struct {
	Version string
	Log     *slog.Logger

	DataDir     string // exists, and belongs to this process alone
	DatabaseURL string // postgres://…; empty: SQLite in DataDir
	PromptsDir  string // replaces announcements file by file; empty: the built-in ones

	HTTP      []netip.AddrPort
	HTTPS     []netip.AddrPort
	SIPUDP    []netip.AddrPort
	SIPTCP    []netip.AddrPort
	SIPTLS    []netip.AddrPort
	WebRTCUDP []netip.AddrPort
	WebRTCTCP []netip.AddrPort
	TURNUDP   []netip.AddrPort
	TURNTCP   []netip.AddrPort
	TURNTLS   []netip.AddrPort
	RTPListen netip.Addr
	RTPPorts  PortRange
	Network   Network // nil: the machine's

	SIPAdvertise []netip.Addr // at most one of each family; empty: the interface's
	// SIPAdvertiseFor is the same for one listener, before SIPAdvertise; port 0 is
	// the listener's.
	SIPAdvertiseFor map[netip.AddrPort]netip.AddrPort

	SIPSTUN      string   // host or host:port of a STUN server that tells where we are; empty: not asked
	SIPPages     []string // hosts whose pages may open SIP over WebSocket, beside our own
	RTPAdvertise []netip.Addr
	TURNServers  []string // URLs of relays elsewhere (turn:, turns:, stun:)
	TURNSecret   string   // shared with them; empty: made for this run
	Realm        string   // digest realm of a new store; later ones keep theirs

	WebHosts       []string // names under which browsers may come; empty: any
	TLSCertificate string   // PEM files; empty: self-signed, in DataDir
	TLSKey         string
	MetricsToken   string

	Limits        Limits
	Registrations Registrations
	RingTime      time.Duration
	MediaTimeout  time.Duration // how long a party may be silent that was heard; 0: for ever
	ShutdownGrace time.Duration

	// Demo fills an empty store with the demo company. A demo store has known
	// passwords: the exchange refuses to listen elsewhere than on loopback with
	// one, whether or not Demo is set, unless DemoAnywhere is.
	Demo         bool
	DemoAnywhere bool
}

// PortRange is an inclusive range of UDP ports.
type PortRange struct {
	First, Last uint16
}

// Limits bound what strangers and phones may cost. Rates are per source address
// and second.
type Limits struct {
	Calls                int // at a time; 0: as many as there are ports
	Messages             int // SIP messages per second of an unknown source
	Burst                int // how many of them may come at once
	KnownMessages        int // SIP messages per second of a registered source
	Connections          int // TCP and TLS connections in all
	ConnectionsPerSource int
	AuthFailures         int // wrong passwords in a minute before a ban
	Ban                  time.Duration
	BanMax               time.Duration
	Trusted              []netip.Prefix // never banned
}

// Registrations bound how devices may register.
type Registrations struct {
	MinExpires time.Duration
	MaxExpires time.Duration
	Contacts   int // of one device
}

// Network opens sockets. Tests give one in memory; then nothing of the exchange
// touches the machine's network.
type Network interface {
	ListenPacket(at netip.AddrPort) (net.PacketConn, error)
	Listen(at netip.AddrPort) (net.Listener, error)
}

// Addresses are where a running exchange really listens, in the order of its
// options: port 0 has become a number.
type Addresses struct {
	HTTP      []netip.AddrPort `json:"http"`
	HTTPS     []netip.AddrPort `json:"https"`
	SIPUDP    []netip.AddrPort `json:"sip_udp"`
	SIPTCP    []netip.AddrPort `json:"sip_tcp"`
	SIPTLS    []netip.AddrPort `json:"sip_tls"`
	WebRTCUDP []netip.AddrPort `json:"webrtc_udp"`
	WebRTCTCP []netip.AddrPort `json:"webrtc_tcp"`
	TURNUDP   []netip.AddrPort `json:"turn_udp"`
	TURNTCP   []netip.AddrPort `json:"turn_tcp"`
	TURNTLS   []netip.AddrPort `json:"turn_tls"`
}
