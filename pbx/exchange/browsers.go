package exchange

import (
	"context"
	"fmt"

	"klapka.dev/klapka/media"
	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx/browser"
	"klapka.dev/klapka/pbx/leg"
)

// openBrowsers takes the WebRTC ports. Without any, no browser can telephone.
func (x *Exchange) openBrowsers(context.Context) error {
	o := x.opts
	if len(o.WebRTCUDP) == 0 {
		return nil
	}
	gateway, err := peer.New(peer.Options{
		Bind: o.WebRTCUDP, TCP: o.WebRTCTCP, Advertise: o.RTPAdvertise,
		Listen: o.Network.ListenPacket, ListenTCP: o.Network.Listen, Log: o.Log,
	})
	if err != nil {
		return fmt.Errorf("WebRTC: %w", err)
	}
	x.closers = append(x.closers, gateway.Close)
	x.gateway = gateway
	x.addresses.WebRTCUDP, x.addresses.WebRTCTCP = gateway.Addresses(), gateway.TCPAddresses()
	x.browserEdge = browser.New(browser.Options{
		Sessions: browser.Through(gateway), People: x.directory, Events: x.bus, Log: o.Log,
	})
	x.browsers = x.browserEdge
	x.closers = append(x.closers, x.browserEdge.Close)
	return nil
}

// endpointsOf is where the endpoints of an edge's legs come from.
func (x *Exchange) endpointsOf(edge string) media.Factory {
	if edge == browser.EdgeName && x.browserEdge != nil {
		return x.browserEdge.Endpoints()
	}
	return x.rtp
}

// dialer starts outgoing legs at phones and, where there are any, browsers.
func (x *Exchange) dialer() leg.Dialer {
	if x.browserEdge == nil {
		return x.stack
	}
	return dialers{phones: x.stack, browsers: x.browserEdge.Dialer()}
}

// dialers starts each leg at the edge its contact belongs to.
type dialers struct{ phones, browsers leg.Dialer }

// Dial implements leg.Dialer.
func (d dialers) Dial(g leg.Dialing) (leg.Signaler, error) {
	if g.Binding.Edge == browser.EdgeName {
		return d.browsers.Dial(g)
	}
	return d.phones.Dial(g)
}
