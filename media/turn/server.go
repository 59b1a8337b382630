package turn

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"klapka.dev/klapka/media/pionlog"
)

// Bounds of what one person, and everybody, may keep here. A browser makes one
// allocation for each way it tries.
const (
	perUser = 12
	inAll   = 4000
)

// realm is the protection space of the credentials (RFC 8489 §9.2).
const realm = "klapka"

// Way is one of our own addresses for browsers: what they are told, and what the
// relay sends to. The two differ behind a 1:1 NAT.
type Way struct{ Told, Real netip.AddrPort }

// Options shape a Server. All fields but Log must be set; a list may be empty.
type Options struct {
	UDP    []net.PacketConn
	TCP    []net.Listener // TLS listeners too
	Secret Secret
	Ways   func() []Way // where relays may lead; asked for each packet
	// Listen binds an address for a relay; port 0 takes a free one.
	Listen func(netip.AddrPort) (net.PacketConn, error)
	Log    *slog.Logger // nil: none
}

// Server is the relay. It owns the sockets it was given.
type Server struct {
	o       Options
	library *turn.Server

	mu     sync.Mutex
	users  map[string]int // relays by user
	relays map[*relay]struct{}
}

// New serves at once. The error is that of the library, and with it the sockets
// are closed.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, users: map[string]int{}, relays: map[*relay]struct{}{}}
	g := gate{authenticate: s.authenticate, ways: o.Ways}
	c := turn.ServerConfig{
		Realm: realm, LoggerFactory: pionlog.Factory{Log: o.Log}, AuthHandler: s.authenticate,
		QuotaHandler: func(user, _ string, _ net.Addr) bool { return s.room(user) },
	}
	for _, p := range o.UDP {
		c.PacketConnConfigs = append(c.PacketConnConfigs, turn.PacketConnConfig{
			PacketConn: window{p, g}, RelayAddressGenerator: generator{s}, PermissionHandler: s.permits,
		})
	}
	for _, l := range o.TCP {
		c.ListenerConfigs = append(c.ListenerConfigs, turn.ListenerConfig{
			Listener: newDoor(l, g), RelayAddressGenerator: generator{s}, PermissionHandler: s.permits,
		})
	}
	library, err := turn.NewServer(c)
	if err != nil {
		for _, p := range o.UDP {
			err = errors.Join(err, p.Close())
		}
		for _, l := range o.TCP {
			err = errors.Join(err, l.Close())
		}
		return nil, fmt.Errorf("TURN: %w", err)
	}
	s.library = library
	return s, nil
}

// authenticate finds the key of a name (RFC 8489 §9.2.2). The realm is ours,
// whatever the request says.
func (s *Server) authenticate(r *turn.RequestAttributes) (user string, key []byte, ok bool) {
	user, expires, ok := parseName(r.Username)
	if !ok {
		return "", nil, false
	}
	if r.Method != stun.MethodAllocate {
		expires = expires.Add(keepUp)
	}
	if time.Now().After(expires) {
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(r.Username, realm, s.o.Secret.password(r.Username)), true
}

// permits is the second look at an address: the gate has seen its port too.
func (s *Server) permits(_ net.Addr, ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	if !ok {
		return false
	}
	for _, w := range s.o.Ways() {
		if w.Told.Addr() == a {
			return true
		}
	}
	return false
}

// room reports whether a user may have another relay.
func (s *Server) room(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[user] < perUser && len(s.relays) < inAll
}

// Relays is how many there are.
func (s *Server) Relays() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.relays)
}

// Close ends every relay and frees the ports.
func (s *Server) Close() error {
	err := s.library.Close()
	s.mu.Lock()
	open := make([]*relay, 0, len(s.relays))
	for r := range s.relays {
		open = append(open, r)
	}
	s.mu.Unlock()
	for _, r := range open {
		err = errors.Join(err, r.Close())
	}
	return err
}
