package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"klapka.dev/klapka/pbx"
)

// SetupRequest is what the first administrator says of himself, with the token
// of the link that was printed at the start.
type SetupRequest struct {
	Token     string `json:"token" minLength:"1" maxLength:"200" doc:"From the set-up link."`
	FirstName string `json:"first_name" maxLength:"100"`
	LastName  string `json:"last_name" maxLength:"100"`
	Email     string `json:"email" maxLength:"254"`
	Password  string `json:"password" minLength:"1" maxLength:"256"`
	Extension string `json:"extension" minLength:"1" maxLength:"10" doc:"His number, such as 101."`
	Language  string `json:"language,omitempty" enum:"en,de,cs" default:"en"`
	Company   string `json:"company,omitempty" maxLength:"100"`
}

// SetupFunc creates the first administrator. Errors: Forbidden for a wrong, used
// or expired token, Conflict when there is an administrator, Invalid with the
// field.
type SetupFunc func(context.Context, SetupRequest) error

type setupInput struct{ Body SetupRequest }

// registerSetup adds POST /api/setup. The token cannot be guessed; the rate
// keeps a guesser from costing anything.
func (s *Server) registerSetup() {
	attempts := rate.NewLimiter(1, 10)
	Register(s, Open(), huma.Operation{
		OperationID: "setup", Method: http.MethodPost, Path: "/api/setup",
		Summary:       "Create the first administrator",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, func(ctx context.Context, in *setupInput) (*struct{}, error) {
		if !attempts.Allow() {
			return nil, pbx.Errorf(pbx.TooMany, "too many attempts; wait a few seconds")
		}
		return nil, s.opts.Setup(ctx, in.Body)
	})
}
