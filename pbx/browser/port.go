package browser

import (
	"context"

	"klapka.dev/klapka/media/peer"
	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
)

// The port of this room is declared in the vocabulary, because pbx/web and
// webclient may not import an edge: pbx.Browsers (commands and Connect),
// pbx.TabLink (one socket) and the frames that pbx.BrowserFrames lists.
var (
	_ pbx.Browsers = (*Edge)(nil)
	_ leg.Signaler = (*usage)(nil)
)

// Session is the media session of a page, which *peer.Session is. Negotiate may
// take some milliseconds; nothing else waits.
type Session interface {
	Negotiate(ctx context.Context, offer string) (answer string, err error)
	Add(*peer.Slot)
	Activate(*peer.Slot)
	State() peer.State
	Close()
}

// Through makes sessions on a gateway.
func Through(g *peer.Gateway) func(onState func(peer.State)) (Session, error) {
	return func(onState func(peer.State)) (Session, error) { return g.NewSession(onState) }
}

// People is who has which number.
type People interface {
	// Party is how an extension is shown; device may be "".
	Party(number, device string) pbx.PartyInfo
}
