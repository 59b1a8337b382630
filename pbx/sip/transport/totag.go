package transport

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx"
)

// NewTag is the To-tag of all responses to an INVITE that came without one, and
// "" for every other request. The transaction makes responses of its own, 100 and
// the 487 after a CANCEL, each of which would carry a tag of its own (P5); so the
// tag is written into the request before there is a transaction, and To of such
// an INVITE has it already.
func NewTag(req *sip.Request) string { return req.MessageData.Destination() }

// stampTag sees each message before the transaction layer does, which hands it to
// other goroutines: later, To could no longer be changed. The tag is noted as the
// destination, which an incoming request does not have and no peer can write.
func stampTag(m sip.Message) {
	req, ok := m.(*sip.Request)
	if !ok {
		return
	}
	if from := req.From(); from != nil {
		trim(from.Params)
	}
	if to := req.To(); to != nil {
		trim(to.Params)
	}
	if !req.IsInvite() || req.To() == nil {
		return
	}
	to := req.To()
	for _, p := range to.Params {
		if strings.EqualFold(strings.TrimSpace(p.K), "tag") {
			return
		}
	}
	tag := pbx.NewID()
	to.Params.Add("tag", tag)
	req.SetDestination(tag)
}

// trim takes away the white space that may stand around "=" (RFC 3261 §25.1):
// sipgo does not find the tag of "; tag = 1", and refuses such requests of old
// phones, whose transactions are told apart by it.
func trim(ps sip.HeaderParams) {
	for i := range ps {
		ps[i].K, ps[i].V = strings.TrimSpace(ps[i].K), strings.TrimSpace(ps[i].V)
	}
}
