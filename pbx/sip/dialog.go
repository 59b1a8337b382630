package sip

import (
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/sip/transport"
)

// dialog is what both ends of an INVITE share (RFC 3261 §12), from our side. The
// flow is pinned: whatever Contact and routes say, the bytes go where the peer
// was heard (P19).
type dialog struct {
	callID    string
	localTag  string
	remoteTag string
	local     sip.Uri // our From in requests of ours
	name      string  // its display name, as it stands between the quotes
	remote    sip.Uri
	target    sip.Uri   // the peer's Contact
	routes    []sip.Uri // route set, nearest first
	seq       uint32    // of our last request
	flow      transport.Flow
}

// request builds a request within the dialog, with the next CSeq.
func (d *dialog) request(method sip.RequestMethod) *sip.Request {
	d.seq++
	return d.requestWith(method, d.seq)
}

// requestWith builds a request with a given CSeq; an ACK has the one of its
// INVITE.
func (d *dialog) requestWith(method sip.RequestMethod, seq uint32) *sip.Request {
	target, routes := d.target, d.routes
	if len(routes) > 0 && !routes[0].UriParams.Has("lr") {
		// A strict router wants itself in the request line (RFC 3261 §12.2.1.1).
		target, routes = routes[0], append(append([]sip.Uri(nil), routes[1:]...), d.target)
		target.Headers = nil
	}
	req := sip.NewRequest(method, target)
	for _, r := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *r.Clone()})
	}
	from := &sip.FromHeader{DisplayName: d.name, Address: *d.local.Clone()}
	from.Params.Add("tag", d.localTag)
	to := &sip.ToHeader{Address: *d.remote.Clone()}
	if d.remoteTag != "" {
		to.Params.Add("tag", d.remoteTag)
	}
	id := sip.CallIDHeader(d.callID)
	req.AppendHeader(from)
	req.AppendHeader(to)
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	return req
}

// answering sets the dialog up from the INVITE of a peer.
func (d *dialog) answering(req *sip.Request, flow transport.Flow, tag string) {
	from, to := req.From(), req.To()
	d.callID = req.CallID().Value()
	d.localTag, d.remoteTag = tag, tagOf(from.Params)
	d.local, d.remote = *to.Address.Clone(), *from.Address.Clone()
	d.flow = flow
	d.refresh(req)
	for _, h := range req.GetHeaders("Record-Route") {
		if rr, ok := h.(*sip.RecordRouteHeader); ok {
			d.routes = append(d.routes, *rr.Address.Clone())
		}
	}
}

// confirm takes the dialog a response makes (RFC 3261 §12.1.2): of several early
// ones, the one whose 2xx came.
func (d *dialog) confirm(res *sip.Response) {
	if to := res.To(); to != nil {
		d.remoteTag = tagOf(to.Params)
	}
	d.refresh(res)
	d.routes = nil
	rrs := res.GetHeaders("Record-Route")
	for i := len(rrs) - 1; i >= 0; i-- {
		if rr, ok := rrs[i].(*sip.RecordRouteHeader); ok {
			d.routes = append(d.routes, *rr.Address.Clone())
		}
	}
}

// refresh takes the peer's Contact as the new remote target (RFC 3261 §12.2).
func (d *dialog) refresh(m sip.Message) {
	if uri, ok := contactOf(m); ok {
		d.target = uri
	}
}

// dialogOf is the dialog a response makes, for one that is to be ended at once.
func (d *dialog) dialogOf(res *sip.Response) *dialog {
	other := *d
	other.confirm(res)
	return &other
}

// tagOf is the tag parameter, "" when there is none.
func tagOf(p sip.HeaderParams) string {
	for _, kv := range p {
		if strings.EqualFold(strings.TrimSpace(kv.K), "tag") {
			return strings.TrimSpace(kv.V)
		}
	}
	return ""
}
