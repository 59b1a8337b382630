package leg

import (
	"math/rand/v2"
	"net/netip"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/sdp"
	"klapka.dev/klapka/pbx"
)

// negotiation is the leg's side of offer and answer (RFC 3264): it ends here,
// with our endpoint, whoever the party is talking to.
type negotiation struct {
	local       sdp.Local
	remoteOffer []byte      // of the INVITE
	signalling  netip.Addr  // where the party's signalling comes from
	first       []byte      // our answer to it: 183 and 2xx must carry the same
	ours        []byte      // our latest offer
	last        []byte      // our latest description, offer or answer
	session     sdp.Session // as agreed
	done        bool        // an offer was answered
	early       bool        // outgoing: the party described early sound
	toldEarly   bool
	held        bool
	toldHeld    bool
}

func newNegotiation(o Options) negotiation {
	codecs := o.Codecs
	if len(codecs) == 0 {
		codecs = sdp.DefaultCodecs()
	}
	// A party without an address (a browser) has no signalling source to trust.
	peer, _ := netip.ParseAddrPort(o.Remote)
	n := negotiation{
		remoteOffer: o.Offer,
		signalling:  peer.Addr(),
		local: sdp.Local{
			Addr:      o.Endpoint.Local(),
			SessionID: rand.Uint64() >> 2, // RFC 8866 §5.2: numeric; some phones read it as a signed 64-bit number
			Version:   1,
			Codecs:    codecs,
			Direction: sdp.SendRecv,
			Security:  o.Security,
		},
	}
	if o.Security != sdp.SecurityOff {
		n.local.Crypto = sdp.NewCrypto()
	}
	return n
}

// offer is our description of what we can receive and send.
func (n *negotiation) offer() []byte {
	if n.ours == nil {
		n.ours = sdp.Offer(n.local)
		n.last = n.ours
	}
	return n.ours
}

// answer agrees to the INVITE's offer and connects the endpoint; it may be
// called again and then returns the same.
func (n *negotiation) answer(ep media.Endpoint) ([]byte, error) {
	if n.first != nil {
		return n.first, nil
	}
	answer, err := n.agree(n.remoteOffer, ep)
	if err != nil {
		return nil, err
	}
	n.first = answer
	return answer, nil
}

// reanswer agrees to a later offer.
func (n *negotiation) reanswer(offer []byte, ep media.Endpoint) ([]byte, error) {
	n.local.Version++
	answer, err := n.agree(offer, ep)
	if err != nil {
		n.local.Version--
	}
	return answer, err
}

func (n *negotiation) agree(offer []byte, ep media.Endpoint) ([]byte, error) {
	answer, session, err := sdp.Answer(offer, n.local)
	if err != nil {
		return nil, err
	}
	n.last = answer
	return answer, n.install(session, ep)
}

// reoffer is our offer in a running call: what we can do, in a new version
// (RFC 3264 §8).
func (n *negotiation) reoffer() []byte {
	n.local.Version++
	n.local.Previous = n.last
	n.ours = sdp.Offer(n.local)
	n.last = n.ours
	return n.ours
}

// apply takes the party's answer to our latest offer.
func (n *negotiation) apply(answer []byte, ep media.Endpoint) error {
	session, err := sdp.Apply(n.offer(), answer, n.local)
	if err != nil {
		return err
	}
	return n.install(session, ep)
}

func (n *negotiation) install(s sdp.Session, ep media.Endpoint) error {
	s.Signalling = n.signalling
	if err := ep.Connect(s); err != nil {
		return err
	}
	n.session, n.done, n.held = s, true, s.Held
	return nil
}

func (n *negotiation) codec() string { return n.session.Codec.Name }

func quality(s media.Stats) pbx.Quality {
	ms := func(d interface{ Microseconds() int64 }) float64 { return float64(d.Microseconds()) / 1000 }
	return pbx.Quality{
		Codec:           s.Codec,
		PacketsSent:     s.PacketsSent,
		PacketsReceived: s.PacketsReceived,
		PacketsLost:     s.PacketsLost,
		JitterMS:        ms(s.Jitter),
		RemoteLost:      s.RemoteLost,
		RemoteJitterMS:  ms(s.RemoteJitter),
		RoundTripMS:     ms(s.RoundTrip),
		Ignored:         s.Ignored,
	}.Rated()
}
