package webclient

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"klapka.dev/klapka/pbx"
	"klapka.dev/klapka/pbx/auth"
	"klapka.dev/klapka/pbx/web"
	"klapka.dev/klapka/pbx/web/live"
)

// Live is what changes by itself; the socket's hub knows it.
type Live interface {
	People() []live.Person
	Calls(extension string) []live.OwnCall
	Owns(extension string, leg pbx.LegID) bool
}

// API is what the client's operations work on. Browsers may be nil: then no page
// can telephone, but it can end what its user's phones do.
type API struct {
	Live     Live
	Records  pbx.CallRecords
	Calls    pbx.CallControl
	Browsers pbx.Browsers
	Relays   pbx.Relays // may be nil: there are none
}

type peopleOutput struct {
	Body []live.Person `nullable:"false"`
}

type callsOutput struct {
	Body []live.OwnCall `nullable:"false"`
}

// Register adds the client's operations to a server.
func (a API) Register(s *web.Server) {
	web.Register(s, web.Needs(auth.SeePeople), huma.Operation{
		OperationID: "listPeople", Method: http.MethodGet, Path: "/api/people",
		Summary: "Everybody with a number, and how busy his line is",
	}, func(context.Context, *struct{}) (*peopleOutput, error) {
		return &peopleOutput{a.Live.People()}, nil
	})
	web.Register(s, web.Needs(auth.OwnCalls), huma.Operation{
		OperationID: "listCalls", Method: http.MethodGet, Path: "/api/calls",
		Summary: "One's own calls at this moment",
	}, func(ctx context.Context, _ *struct{}) (*callsOutput, error) {
		return &callsOutput{a.Live.Calls(web.Who(ctx).Extension.Number)}, nil
	})
	web.Register(s, web.Needs(auth.OwnCalls), huma.Operation{
		OperationID: "callHistory", Method: http.MethodGet, Path: "/api/calls/history",
		Summary: "One's own past calls, the newest first",
		Errors:  []int{http.StatusUnprocessableEntity},
	}, a.history)
	a.registerICE(s)
	a.registerCommands(s)
}
