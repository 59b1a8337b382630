package pbxtest

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/coder/websocket"
)

// NewSocketPhone starts a phone on SIP over WebSocket (RFC 7118): each message is
// a frame, without a Content-Length, as pages send it. local is what it calls its
// own address.
func NewSocketPhone(t testing.TB, ws *websocket.Conn, local, server netip.AddrPort, number, secret string) *Phone {
	ctx, cancel := context.WithCancel(context.Background())
	return newPhone(t, &socketWire{ws: ws, at: local, ctx: ctx, cancel: cancel}, server, number, secret)
}

// socketWire is a WebSocket.
type socketWire struct {
	ws     *websocket.Conn
	at     netip.AddrPort
	ctx    context.Context
	cancel context.CancelFunc
}

func (w *socketWire) send(b []byte) error {
	m, err := ParseMessage(b)
	if err == nil {
		m.Remove("Content-Length")
		b = m.bare()
	}
	return w.ws.Write(w.ctx, websocket.MessageText, b)
}

func (w *socketWire) receive() ([]byte, error) {
	_, b, err := w.ws.Read(w.ctx)
	return b, err
}

func (w *socketWire) local() netip.AddrPort { return w.at }
func (w *socketWire) transport() string     { return "WS" }

func (w *socketWire) close() error {
	w.cancel()
	return w.ws.CloseNow()
}

// DialWebSocket opens a WebSocket to a web server on the network from an address,
// asking for a subprotocol.
func (n *Net) DialWebSocket(ctx context.Context, from netip.AddrPort, url, subprotocol string, o *websocket.DialOptions) (*websocket.Conn, error) {
	if o == nil {
		o = &websocket.DialOptions{}
	}
	if subprotocol != "" {
		o.Subprotocols = []string{subprotocol}
	}
	o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
		at, err := netip.ParseAddrPort(to)
		if err != nil {
			return nil, err
		}
		return n.Dial(ctx, from, at)
	}}}
	ws, _, err := websocket.Dial(ctx, url, o)
	return ws, err
}
