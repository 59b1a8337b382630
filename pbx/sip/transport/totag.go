package transport

import "github.com/emiago/sipgo/sip"

// SetToTag gives the responses that a server transaction makes by itself, 100
// and the 487 after a CANCEL, the To-tag that the handler uses: else each would
// carry a tag of its own (P5). Call it before the first Respond. To is exchanged
// as a whole because the transaction may be reading it.
func SetToTag(tx sip.ServerTransaction, tag string) {
	g, ok := tx.(*guardedTx)
	if !ok {
		return
	}
	own, ok := g.ServerTransaction.(*sip.ServerTx)
	if !ok || own.Origin().To() == nil {
		return
	}
	to := *own.Origin().To()
	to.Params = append(to.Params.Clone(), sip.HeaderKV{K: "tag", V: tag})
	own.Origin().ReplaceHeader(&to)
}
