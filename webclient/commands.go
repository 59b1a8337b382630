package webclient

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
)

// Page names the page a command comes from, and so where the sound goes. It is
// exported because huma passes over embedded types that are not.
type Page struct {
	Client string `header:"X-Client-Id" maxLength:"64" pattern:"^[A-Za-z0-9_-]*$" doc:"Of the browser, as in its hello."`
	Tab    string `header:"X-Tab-Id" maxLength:"64" pattern:"^[A-Za-z0-9_-]*$" doc:"Of the page, as in its hello."`
}

func (p Page) of(ctx context.Context) pbx.Tab {
	return pbx.Tab{User: web.Who(ctx).User.ID, Client: p.Client, Tab: p.Tab}
}

// Dial is a call to start.
type Dial struct {
	To string `json:"to" minLength:"1" maxLength:"64" doc:"Number, as one would dial it."`
}

// DialResult is a call that was started.
type DialResult struct {
	Call pbx.CallID `json:"call"`
	Leg  pbx.LegID  `json:"leg" doc:"One's own leg, for the commands."`
}

// Digits are keys to press.
type Digits struct {
	Digits string `json:"digits" minLength:"1" maxLength:"64" pattern:"^[0-9*#A-D]+$"`
}

type dialInput struct {
	Page
	Body Dial
}

type dialOutput struct{ Body DialResult }

// LegInput names a leg, and the page that commands it.
type LegInput struct {
	Page
	Leg pbx.LegID `path:"leg" maxLength:"64"`
}

type digitsInput struct {
	LegInput
	Body Digits
}

// command is something a person may do to a leg of his.
type command struct {
	verb, summary string
	do            func(API, pbx.Tab, pbx.LegID) error
}

// commands are those without a body, a route each.
func commands() []command {
	return []command{
		{"answer", "Take a ringing call to this page", inBrowser(pbx.Browsers.Answer)},
		{"activate", "Speak in this call; the others of its page wait", inBrowser(pbx.Browsers.Activate)},
		{"hold", "Let this call wait", inBrowser(pbx.Browsers.Hold)},
		{"resume", "Speak in this call again; the others of its page wait", inBrowser(pbx.Browsers.Activate)},
		{"continue", "Bring the sound of this call to this page", inBrowser(pbx.Browsers.Continue)},
		{"reject", "Refuse a ringing call", anywhere(pbx.Browsers.Reject, pbx.CauseDeclined)},
		{"hangup", "End a call", anywhere(pbx.Browsers.Hangup, pbx.CauseNormal)},
	}
}

// inBrowser is a command for a leg that is in a browser, or rings in one.
func inBrowser(do func(pbx.Browsers, pbx.Tab, pbx.LegID) error) func(API, pbx.Tab, pbx.LegID) error {
	return func(a API, at pbx.Tab, leg pbx.LegID) error {
		if a.Browsers == nil {
			return errNoBrowsers()
		}
		return do(a.Browsers, at, leg)
	}
}

// anywhere is a command that ends a leg; one on a telephone is ended by call
// control, with the cause.
func anywhere(do func(pbx.Browsers, pbx.Tab, pbx.LegID) error, code pbx.CauseCode) func(API, pbx.Tab, pbx.LegID) error {
	return func(a API, at pbx.Tab, leg pbx.LegID) error {
		if a.Browsers != nil {
			if err := do(a.Browsers, at, leg); pbx.CodeOf(err) != pbx.NotFound {
				return err
			}
		}
		return a.Calls.Hangup(leg, pbx.Cause{Code: code, By: pbx.ByUser})
	}
}

// registerCommands adds what a person may do with calls. What becomes of a
// command is told by the socket; 202 says that it was taken.
func (a API) registerCommands(s *web.Server) {
	web.Register(s, web.Needs(auth.OwnCalls), huma.Operation{
		OperationID: "dial", Method: http.MethodPost, Path: "/api/calls", Summary: "Call somebody from this page",
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}, a.dial)
	for _, c := range commands() {
		web.Register(s, web.Needs(auth.OwnCalls), legOperation(c.verb, c.summary), func(ctx context.Context, in *LegInput) (*struct{}, error) {
			return nil, a.command(ctx, in, c.do)
		})
	}
	web.Register(s, web.Needs(auth.OwnCalls), legOperation("dtmf", "Press keys for the other side"), func(ctx context.Context, in *digitsInput) (*struct{}, error) {
		press := inBrowser(func(b pbx.Browsers, at pbx.Tab, leg pbx.LegID) error { return b.Digits(at, leg, in.Body.Digits) })
		return nil, a.command(ctx, &in.LegInput, press)
	})
}

func legOperation(verb, summary string) huma.Operation {
	return huma.Operation{
		OperationID: verb + "Call", Method: http.MethodPost, Path: "/api/calls/{leg}/" + verb, Summary: summary,
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}
}

func (a API) dial(ctx context.Context, in *dialInput) (*dialOutput, error) {
	if a.Browsers == nil {
		return nil, errNoBrowsers()
	}
	d, err := a.Browsers.Dial(in.of(ctx), strings.TrimSpace(in.Body.To))
	if err != nil {
		return nil, err
	}
	return &dialOutput{DialResult{Call: d.Call, Leg: d.Leg}}, nil
}

// command runs do if the leg is the person's own. Somebody else's is answered
// like one that is not there.
func (a API) command(ctx context.Context, in *LegInput, do func(API, pbx.Tab, pbx.LegID) error) error {
	mine := web.Who(ctx).Extension.Number
	if !a.Live.Owns(mine, in.Leg) {
		return pbx.Errorf(pbx.NotFound, "there is no such call")
	}
	err := do(a, in.of(ctx), in.Leg)
	if pbx.CodeOf(err) == pbx.NotFound && a.Live.Owns(mine, in.Leg) {
		// His, but on a desk phone: that one alone can do this.
		return pbx.Errorf(pbx.Conflict, "this call is on a telephone; do it there")
	}
	return err
}

func errNoBrowsers() error {
	return pbx.Errorf(pbx.Unavailable, "browsers cannot telephone here at present")
}
