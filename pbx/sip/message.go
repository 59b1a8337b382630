package sip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"klapka.dev/klapka/pbx/sip/header"
	"klapka.dev/klapka/pbx/sip/transport"
)

// What we say of ourselves. Extensions are listed when they work, and only then.
const (
	agent         = "Klapka"
	acceptSDP     = "application/sdp"
	allowInDialog = "INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO, OPTIONS"
	allowAlone    = "INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO, OPTIONS, REGISTER"
	extensions    = "100rel, timer"
	retryAfter    = "5" // seconds, when a limit was reached or a part is away
	maxToken      = 256 // bytes of a Call-ID or tag; real ones have 10 to 80
	maxParts      = 16  // of a multipart body
)

// retrySoon is the Retry-After of a request that came while another is being
// handled: a random 0 to 10 s (RFC 3261 §14.2).
func retrySoon() string { return strconv.Itoa(rand.IntN(11)) }

// responseTo builds a response. All responses to an INVITE are given the same
// tag (P5); an empty one leaves To as it is.
func responseTo(req *sip.Request, code int, phrase, tag string) *sip.Response {
	res := sip.NewResponseFromRequest(req, code, phrase, nil)
	if to := res.To(); to != nil && tag != "" {
		to.Params.Add("tag", tag)
	}
	res.AppendHeader(sip.NewHeader("Server", agent))
	return res
}

// refuse answers a request with words and nothing else.
func refuse(req *sip.Request, tx sip.ServerTransaction, code int, phrase string) {
	_ = tx.Respond(responseTo(req, code, phrase, ""))
}

// refuseMethod answers a method that does not work here: one we know of with
// 405, an unknown one with 501 (RFC 3261 §8.2.1, §21.5.2). Never with a 2xx, and
// nothing in it is read.
func refuseMethod(req *sip.Request, tx sip.ServerTransaction, allow string) {
	var res *sip.Response
	switch req.Method {
	case sip.SUBSCRIBE, sip.PUBLISH:
		res = responseTo(req, 489, "Bad Event", "")
	case sip.NOTIFY:
		res = responseTo(req, sip.StatusCallTransactionDoesNotExists, "Subscription Does Not Exist", "")
	case sip.MESSAGE, sip.REFER, sip.REGISTER:
		res = responseTo(req, sip.StatusMethodNotAllowed, "Method Not Allowed", "")
	default:
		res = responseTo(req, sip.StatusNotImplemented, "Not Implemented", "")
	}
	res.AppendHeader(sip.NewHeader("Allow", allow))
	_ = tx.Respond(res)
}

// answerOptions says what we can do. The answer is the same for every address:
// who exists is nobody's business (RFC 3261 §11.2 would have it told).
func answerOptions(req *sip.Request, tx sip.ServerTransaction) {
	res := responseTo(req, sip.StatusOK, "OK", "")
	res.AppendHeader(sip.NewHeader("Allow", allowAlone))
	res.AppendHeader(sip.NewHeader("Accept", acceptSDP))
	res.AppendHeader(sip.NewHeader("Supported", extensions))
	res.AppendHeader(sip.NewHeader("Accept-Language", "en, de, cs"))
	_ = tx.Respond(res)
}

// contact is where the peer of a flow reaches us within a dialog.
func (s *Stack) contact(flow transport.Flow, user string) *sip.ContactHeader {
	return &sip.ContactHeader{Address: flow.Edge.Contact(user, flow.Remote.Addr())}
}

// contactOf is the first Contact of a message.
func contactOf(m sip.Message) (sip.Uri, bool) {
	cs, err := header.Contacts(m)
	if err != nil || len(cs) == 0 || cs[0].Star {
		return sip.Uri{}, false
	}
	return cs[0].URI, true
}

// malformed says, in words for the reason phrase, why a request cannot be
// handled; "" when it can.
func malformed(req *sip.Request) string {
	from, to, id, seq := req.From(), req.To(), req.CallID(), req.CSeq()
	switch {
	case from == nil:
		return "Missing From"
	case to == nil:
		return "Missing To"
	case id == nil:
		return "Missing Call-ID"
	case seq == nil:
		return "Missing CSeq"
	case tagOf(from.Params) == "":
		return "Missing From Tag"
	case seq.MethodName != req.Method:
		return "CSeq Method Differs"
	case len(id.Value()) > maxToken, len(tagOf(from.Params)) > maxToken, len(tagOf(to.Params)) > maxToken:
		return "Call-ID Or Tag Too Long"
	}
	if name := repeated(req); name != "" {
		return "Repeated " + name
	}
	return ""
}

// repeated names a header that stands twice and may not (RFC 3261 §7.3.1): who
// passed the message on may have believed the other one.
func repeated(req *sip.Request) string {
	var seen [6]bool
	names := [6]string{"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"}
	for _, h := range req.Headers() {
		at := -1
		switch strings.ToLower(h.Name()) {
		case "from", "f":
			at = 0
		case "to", "t":
			at = 1
		case "call-id", "i":
			at = 2
		case "cseq":
			at = 3
		case "max-forwards":
			at = 4
		case "content-length", "l":
			at = 5
		}
		switch {
		case at < 0:
		case seen[at]:
			return names[at]
		default:
			seen[at] = true
		}
	}
	return ""
}

// describe gives a message a session description; nil leaves it without a body.
func describe(m interface {
	AppendHeader(sip.Header)
	SetBody([]byte)
}, sdp []byte) {
	if sdp == nil {
		return
	}
	m.AppendHeader(sip.NewHeader("Content-Type", acceptSDP))
	m.SetBody(sdp)
}

func contentType(m sip.Message) string {
	v, _ := header.Get(m, "Content-Type")
	return v
}

// sdpOf is the session description of a message, nil when it has no body. ok is
// false for a body that holds none.
func sdpOf(m sip.Message) (sdp []byte, ok bool) {
	body := m.Body()
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, !strings.HasPrefix(strings.ToLower(contentType(m)), "multipart/")
	}
	if coding, found := header.Get(m, "Content-Encoding"); found && !strings.EqualFold(coding, "identity") {
		return nil, false
	}
	kind, params, err := mime.ParseMediaType(contentType(m))
	switch {
	case contentType(m) == "":
		return body, bytes.HasPrefix(bytes.TrimSpace(body), []byte("v="))
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
		return nil, false
	case kind == acceptSDP:
		return body, true
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		return sdpPart(body, params["boundary"])
	}
	return nil, false
}

// sdpPart finds the description in a multipart body (RFC 5621).
func sdpPart(body []byte, boundary string) ([]byte, bool) {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := r.NextRawPart()
		if err != nil {
			return nil, false
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if kind != acceptSDP {
			continue
		}
		sdp, err := io.ReadAll(part)
		return sdp, err == nil && len(bytes.TrimSpace(sdp)) > 0
	}
	return nil, false
}

// startLine is a response's status line for people who read logs.
func startLine(res *sip.Response) string {
	return fmt.Sprintf("%d %s", res.StatusCode, res.Reason)
}
