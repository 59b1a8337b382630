package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/convert"
	"klapka.dev/klapka/media/pionlog"
)

// socketBuffer is what one port for everybody needs in a burst.
const socketBuffer = 4 << 20

// How soon a silent browser is noticed. A session that failed can still be
// mended by an ICE restart.
const (
	disconnectedAfter = 5 * time.Second
	failedAfter       = 25 * time.Second
	keepAlive         = 2 * time.Second
)

// Options shape a gateway.
type Options struct {
	Bind      []netip.AddrPort // UDP addresses, one port each for all browsers; port 0 takes a free one
	TCP       []netip.AddrPort // TCP addresses for those who can send no UDP; may be empty
	Advertise []netip.Addr     // what browsers are told instead, at most one of each family
	// Listen and ListenTCP bind an address; nil is a real socket.
	Listen    func(netip.AddrPort) (net.PacketConn, error)
	ListenTCP func(netip.AddrPort) (net.Listener, error)
	Log       *slog.Logger // nil: none
}

// Gateway connects browsers. It implements media.Factory: its endpoints are
// slots that no session has yet.
type Gateway struct {
	api         *webrtc.API
	certificate webrtc.Certificate
	mux         ice.UDPMux
	tcp         *passive
	advertise   []netip.Addr
	ways        atomic.Pointer[waysThen]
	addresses   []netip.AddrPort
	log         *slog.Logger
	closing     sync.WaitGroup // sessions on their way out

	mu       sync.Mutex
	tools    *convert.Tools
	sessions map[*Session]struct{}
	closed   bool
}

var _ media.Factory = (*Gateway)(nil)

// New binds the addresses. The error is that of the network.
func New(o Options) (*Gateway, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == nil {
		o.Listen = listenUDP
	}
	if o.ListenTCP == nil {
		o.ListenTCP = listenTCP
	}
	g := &Gateway{log: o.Log, advertise: o.Advertise, tools: convert.NewTools(0), sessions: map[*Session]struct{}{}}
	logs := pionlog.Factory{Log: o.Log}
	var muxes []ice.UDPMux
	for _, at := range o.Bind {
		c, err := o.Listen(at)
		if err != nil {
			for _, m := range muxes {
				_ = m.Close()
			}
			return nil, fmt.Errorf("WebRTC on %v: %w", at, err)
		}
		widen(c)
		muxes = append(muxes, ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: logs.NewLogger("mux"), UDPConn: newGuard(c)}))
		if local, ok := c.LocalAddr().(*net.UDPAddr); ok {
			g.addresses = append(g.addresses, local.AddrPort())
		}
	}
	g.mux = ice.NewMultiUDPMuxDefault(muxes...)
	var err error
	if g.tcp, err = openTCP(o, logs); err != nil {
		return nil, errors.Join(err, g.mux.Close())
	}
	if err := g.prepare(o, logs); err != nil {
		return nil, errors.Join(err, g.mux.Close(), g.tcp.Close())
	}
	return g, nil
}

// widen asks for larger buffers; a kernel that caps them is no fault.
func widen(c net.PacketConn) {
	if b, ok := c.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok {
		_, _ = b.SetReadBuffer(socketBuffer), b.SetWriteBuffer(socketBuffer)
	}
}

// prepare makes what all sessions share.
func (g *Gateway) prepare(o Options, logs pionlog.Factory) error {
	certificate, err := newCertificate()
	if err != nil {
		return fmt.Errorf("WebRTC certificate: %w", err)
	}
	g.certificate = *certificate
	engine := &webrtc.MediaEngine{}
	for _, c := range parameters() {
		if err := engine.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return fmt.Errorf("WebRTC codec %s: %w", c.MimeType, err)
		}
	}
	mid := webrtc.RTPHeaderExtensionCapability{URI: sdp.SDESMidURI}
	if err := engine.RegisterHeaderExtension(mid, webrtc.RTPCodecTypeAudio); err != nil {
		return fmt.Errorf("WebRTC extension %s: %w", mid.URI, err)
	}
	settings, err := g.settings(o, logs)
	if err != nil {
		return fmt.Errorf("WebRTC settings: %w", err)
	}
	// Reports are ours (report.go), and nothing else is needed between us and the
	// packets: an empty registry keeps the library's defaults out.
	g.api = webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
		webrtc.WithSettingEngine(settings))
	return nil
}

func (g *Gateway) settings(o Options, logs pionlog.Factory) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: logs}
	s.SetLite(true)
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if len(g.tcp.muxes) > 0 {
		s.SetICETCPMux(g.tcp)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	s.SetNetworkTypes(networks)
	s.SetICEUDPMux(g.mux)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.DisableActiveTCP(true)
	s.SetICETimeouts(disconnectedAfter, failedAfter, keepAlive)
	s.SetFireOnTrackBeforeFirstRTP(true)
	for _, a := range append(g.Addresses(), g.tcp.addresses()...) {
		if a.Addr().IsLoopback() {
			s.SetIncludeLoopbackCandidate(true)
		}
	}
	// AES-GCM is the cheapest on processors that have it, and browsers have it.
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return s, err
	}
	var rules []webrtc.ICEAddressRewriteRule
	for _, a := range o.Advertise {
		network := []webrtc.NetworkType{webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP6}
		if a.Unmap().Is4() {
			network = []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4}
		}
		rules = append(rules, webrtc.ICEAddressRewriteRule{
			External: []string{a.Unmap().String()}, AsCandidateType: webrtc.ICECandidateTypeHost,
			Mode: webrtc.ICEAddressRewriteReplace, Networks: network,
		})
	}
	return s, s.SetICEAddressRewriteRules(rules...)
}

// newCertificate makes the certificate that all sessions share. Browsers know it
// by its fingerprint in the answer and ask for nothing else; the library refuses
// one that has expired, so it outlives every uptime.
func newCertificate() (*webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return webrtc.NewCertificate(key, x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "WebRTC"},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(30, 0, 0),
	})
}

// Addresses are where the gateway really listens, in the order of Options.Bind.
func (g *Gateway) Addresses() []netip.AddrPort { return append([]netip.AddrPort(nil), g.addresses...) }

// TCPAddresses are those for TCP, in the order of Options.TCP.
func (g *Gateway) TCPAddresses() []netip.AddrPort { return g.tcp.addresses() }

// NewEndpoint implements media.Factory; the endpoint is a *Slot without a
// session. It always succeeds.
func (g *Gateway) NewEndpoint(o media.Options) (media.Endpoint, error) { return NewSlot(o), nil }

// Sessions is how many there are.
func (g *Gateway) Sessions() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sessions)
}

// Close ends all sessions and frees the ports.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	open := make([]*Session, 0, len(g.sessions))
	for s := range g.sessions {
		open = append(open, s)
	}
	g.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
	g.closing.Wait()
	return errors.Join(g.mux.Close(), g.tcp.Close())
}
