package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emiago/sipgo/sip"
)

// P16: nothing that comes from a database, an API or a caller's name can become
// a header of its own.
func TestP16Sanitize(t *testing.T) {
	for name, change := range map[string]func(*sip.Request){
		"generic header":  func(r *sip.Request) { r.AppendHeader(sip.NewHeader("Subject", "a\r\nEvil: 1")) },
		"NUL":             func(r *sip.Request) { r.AppendHeader(sip.NewHeader("Subject", "a\x00")) },
		"header name":     func(r *sip.Request) { r.AppendHeader(sip.NewHeader("A\r\nEvil", "1")) },
		"no name":         func(r *sip.Request) { r.AppendHeader(sip.NewHeader("", "1")) },
		"tag":             func(r *sip.Request) { r.From().Params.Add("tag", "a\r\nEvil: 1") },
		"user":            func(r *sip.Request) { r.From().Address.User = "a>\r\nEvil: 1" },
		"end of URI":      func(r *sip.Request) { r.To().Address.User = "a@h>;tag=x, <sip:b" },
		"Call-ID":         func(r *sip.Request) { c := sip.CallIDHeader("a\nb"); *r.CallID() = c },
		"request URI":     func(r *sip.Request) { r.Recipient.User = "a b" },
		"request line":    func(r *sip.Request) { r.Recipient.Host = "h SIP/2.0\r\nEvil: 1" },
		"method":          func(r *sip.Request) { r.Method = "OPTIONS sip:x SIP/2.0\r\nX:" },
		"nothing at all":  func(r *sip.Request) { r.Method = "" },
		"route":           func(r *sip.Request) { r.AppendHeader(&sip.RouteHeader{Address: sip.Uri{Host: "a>\r\n"}}) },
		"contact's param": func(r *sip.Request) { r.AppendHeader(&sip.ContactHeader{Params: sip.HeaderParams{{K: "a\r\nb"}}}) },
	} {
		r := options("sip:102@h")
		change(r)
		if err := Sanitize(r); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := options("sip:102@h")
	r.From().DisplayName = "Anna \"A\"\r\nEvil: 1 \\"
	if err := Sanitize(r); err != nil {
		t.Fatal(err)
	}
	if got := r.From().Value(); !strings.HasPrefix(got, `"Anna \"A\"  Evil: 1 \\" <sip:`) {
		t.Errorf("name: %s", got)
	}
	res := sip.NewResponseFromRequest(r, 200, "O\r\nK", nil)
	if err := Sanitize(res); err != nil || res.Reason != "O  K" {
		t.Errorf("phrase %q, %v", res.Reason, err)
	}
}

// The guard is on every way out: answers of handlers and requests.
func TestP16EveryWayOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Options{}, func(e *Edge) {
			e.Handle(sip.INFO, func(_ context.Context, _ Flow, req *sip.Request, tx sip.ServerTransaction) {
				res := sip.NewResponseFromRequest(req, 200, "OK", nil)
				res.AppendHeader(sip.NewHeader("X-Name", "a\r\nEvil: 1"))
				if err := tx.Respond(res); !errors.Is(err, ErrUnsafe) {
					t.Errorf("answered: %v", err)
				}
				_ = tx.Respond(sip.NewResponseFromRequest(req, 500, "No", nil))
			})
		})
		defer l.close()
		p := l.peer(phoneAddr)
		p.send(request("INFO", "UDP 10.0.0.7", "1"))
		p.expect("SIP/2.0 500")
		req := options("sip:102@h")
		req.AppendHeader(sip.NewHeader("X", "a\r\nb"))
		f := Flow{Edge: l.edge, Remote: phoneAddr}
		if _, err := l.edge.Request(t.Context(), f, req); !errors.Is(err, ErrUnsafe) {
			t.Errorf("sent: %v", err)
		}
		if err := l.edge.Send(f, req); !errors.Is(err, ErrUnsafe) {
			t.Errorf("sent: %v", err)
		}
		if got := p.read(); got != "" {
			t.Errorf("arrived: %q", got)
		}
		if n := l.edge.Counts().Refused.Load(); n != 3 {
			t.Errorf("%d counted", n)
		}
	})
}
