package sip

import (
	"time"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/leg"
	"klapka.dev/klapka/pbx/sip/transport"
)

// setFlow pins the way to the peer.
func (u *usage) setFlow(flow transport.Flow) {
	u.dlg.flow = flow
	u.broken = false
	u.conn.Store(flow.ConnID)
}

// connectionLost is told when the connection of the dialog broke. An INVITE that
// was not answered ends with its transaction. A conversation goes on, its sound
// does not need the connection: the phone has some time to come back, by a
// request within the dialog or by registering anew.
func (u *usage) connectionLost(flow transport.Flow) {
	if u.dlg.flow != flow || u.released {
		return
	}
	u.broken = true
	if !u.up {
		return
	}
	time.AfterFunc(reconnect, func() {
		u.q.do(func() {
			if u.broken && u.dlg.flow == flow && !u.bye && !u.revive() {
				u.lost("connection broke")
			}
		})
	})
}

// revive looks for the connection by which the device came back.
func (u *usage) revive() bool {
	if u.stack.regs == nil || u.device == "" {
		return false
	}
	for _, b := range u.stack.regs.Bindings(u.device) {
		flow, ok := u.stack.edges.FlowOf(b)
		if ok && flow.Edge == u.dlg.flow.Edge && flow.ConnID != 0 && flow.ConnID != u.dlg.flow.ConnID {
			u.setFlow(flow)
			return true
		}
	}
	return false
}

// lost tells the leg that its dialog is gone.
func (u *usage) lost(why string) {
	u.post(leg.Input{Kind: leg.InLost, Cause: pbx.Cause{Code: pbx.CauseNetwork, By: u.by(), Text: why}})
}
